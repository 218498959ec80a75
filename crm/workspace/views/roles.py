"""Roles in the settings: the matrix, the fields, and seeing the application as a role does."""

from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from crm.access.policy import require, visible_to
from crm.access.preview import begin, end
from crm.access.rights import rights_of, rights_of_role
from crm.accounts.models import FieldRight, Role, User
from crm.activity.intention import intend
from crm.lib.errors import Denied, Invalid, Outdated, Refusal
from crm.lib.text import whole_number
from crm.records.entity import all_entities
from crm.records.services import create_record, delete_record, update_record
from crm.ui.pages import page, redirect_to, render, toast
from crm.workspace import rules
from crm.workspace.forms import RoleForm, accepted, explain, plain, status_of
from crm.workspace.services.roles import set_field_rights, set_permissions
from crm.workspace.views.matrix import heads, read_cells, rows_of

ROLES = "/settings/roles"


@page()
def roles(request: HttpRequest) -> HttpResponse:
    """Every role, with how many people have it."""
    require(request.user, "change", Role)
    found = visible_to(request.user, Role).select_related("parent").annotate(
        people=Count("users", filter=Q(users__is_active=True))
    )
    return render(request, "workspace/settings/roles.html", {"roles": found.order_by("-is_system", "name")})


@page("GET POST")
def role_new(request: HttpRequest) -> HttpResponse:
    """A role of one's own."""
    require(request.user, "create", Role)
    form = RoleForm(request.POST or None)
    if made := accepted(form, lambda: create_record(of="role", data=_plain(form), actor=request.user)):
        toast(request, _("The role is made. Say now what it may do."))
        return redirect_to(request, f"{ROLES}/{made.pk}")
    context = {"form": form, "title": _("New role"), "back": ROLES, "back_label": _("Roles"), "action": f"{ROLES}/new", "submit": _("Create role")}
    return render(request, "workspace/settings/form.html", context, status=status_of(form))


def _plain(form: RoleForm) -> dict[str, Any]:
    data = plain(form)
    data["code"] = str(data["code"]).strip().upper().replace(" ", "_").replace("-", "_")
    return data


def role_or_404(request: HttpRequest, role_id: UUID) -> Role:
    """Return a role that the viewer may govern."""
    found: Role = get_object_or_404(visible_to(request.user, Role).select_related("parent"), pk=role_id)
    require(request.user, "change", found)
    return found


@page("GET POST")
def role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """One role: its name, what it may do, which fields it sees."""
    found = role_or_404(request, role_id)
    if request.method == "POST":
        return role_save(request, found)
    return render(request, "workspace/settings/role.html", _shown(request, found))


@reauthentication_required
def role_save(request: HttpRequest, found: Role) -> HttpResponse:
    """Save one of the three parts of the page. The password is asked for again first."""
    what = request.POST.get("what", "")
    form = RoleForm(request.POST) if what == "role" else None
    version = whole_number(request.POST.get("version", ""))
    try:
        if form is not None and not form.is_valid():
            return render(request, "workspace/settings/role.html", _shown(request, found, form), status=422)
        with intend(actor=request.user) as act:
            if form is not None:
                update_record(obj=found, data=_plain(form), actor=request.user)
            elif what == "matrix":
                cells, unread = read_cells(request.POST)
                if unread:
                    raise Invalid(details=unread)
                set_permissions(role=found, cells=cells, actor=request.user, version=version)
            elif what == "fields":
                set_field_rights(role=found, fields=_fields(request), actor=request.user, version=version)
    except Refusal as refusal:
        if form is not None:
            explain(form, refusal)
        found = role_or_404(request, found.pk)
        at_cells = bool(refusal.details) and all(d.field.startswith("permissions.") for d in refusal.details)
        context = {**_shown(request, found, form, refusal), "problem": None if form else refusal, "at_cells": at_cells}
        return render(request, "workspace/settings/role.html", context, status=409 if isinstance(refusal, Outdated) else 422)
    toast(request, _("Saved. It holds from now on."), undo=act.id)
    return redirect_to(request, f"{ROLES}/{found.pk}")


def _fields(request: HttpRequest) -> list[dict[str, Any]]:
    found = []
    for name, level in request.POST.items():
        if name.startswith("field-") and level:
            entity, _dot, field = name.removeprefix("field-").partition(".")
            found.append({"entity": entity, "field": field, "level": level})
    return found


def _shown(
    request: HttpRequest, found: Role, form: RoleForm | None = None, refusal: Refusal | None = None
) -> dict[str, Any]:
    start = {n: getattr(found, n) for n in RoleForm.base_fields}
    what = request.POST.get("what", "") if refusal is not None else ""
    return {
        "role": found,
        "form": form or RoleForm(initial=start),
        "actions": heads(),
        "rows": rows_of(found, request.user, request.POST if what == "matrix" else None, refusal.details if refusal else ()),
        "fields": _field_rows(found, {f"{f['entity']}.{f['field']}": f["level"] for f in _fields(request)} if what == "fields" else None),
        "levels": FieldRight.Level.choices,
        "may_edit": rules.may_edit_role(request.user, found),
        "people": visible_to(request.user, User).filter(role=found, is_active=True)[:50],
    }


def _field_rows(found: Role, sent: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the entities of the business with their fields, the level of each, and what is inherited."""
    levels = sent if sent is not None else {f"{r.entity}.{r.field}": r.level for r in found.field_rights.all()}
    above = rights_of_role(found.parent_id).fields if found.parent_id else {}
    names = dict(FieldRight.Level.choices)
    return [
        {
            "label": declared.label_plural,
            "limited": sum(1 for key in levels if key.startswith(f"{declared.name}.")),
            "fields": [
                {
                    "name": f"field-{declared.name}.{key}", "label": f.label, "level": levels.get(f"{declared.name}.{key}", ""),
                    "inherited": names[above.get(declared.name, {}).get(key, "write")],
                }
                for key, f in declared.all_fields().items()
                if key not in declared.title
            ],
        }
        for declared in all_entities().values()
        if "reference" not in declared.abilities
    ]


@page("POST")
@reauthentication_required
def role_delete(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """Delete a role that nobody has."""
    found = role_or_404(request, role_id)
    try:
        with intend(actor=request.user) as act:
            delete_record(obj=found, actor=request.user)
    except Refusal as refusal:
        toast(request, refusal.message, level="error")
        return redirect_to(request, f"{ROLES}/{role_id}")
    toast(request, _("The role is deleted."), undo=act.id)
    return redirect_to(request, ROLES)


@page("POST")
def preview(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """See the application as a role does, without being able to change anything."""
    if not rights_of(request.user).is_admin:
        raise Denied
    found = get_object_or_404(visible_to(request.user, Role), pk=role_id)
    begin(request, found)
    return redirect_to(request, "/")


@page("POST")
def preview_end(request: HttpRequest) -> HttpResponse:
    """Be oneself again."""
    end(request)
    return redirect_to(request, ROLES)
