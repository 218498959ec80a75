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
from crm.accounts.models import FieldRight, Role, RolePermission, User
from crm.activity.intention import intend
from crm.lib.errors import Denied, Refusal
from crm.records.entity import all_entities
from crm.records.services import create_record, delete_record, update_record
from crm.ui.pages import page, redirect_to, render, toast
from crm.workspace import rules
from crm.workspace.forms import RoleForm, accepted, explain, plain, status_of
from crm.workspace.matrix import ACTIONS
from crm.workspace.services.roles import matrix_entities, scopes_of, set_field_rights, set_permissions

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
    context = {"form": form, "title": _("New role"), "back": ROLES, "submit": _("Create role")}
    return render(request, "workspace/settings/form.html", context, status=status_of(form))


def _plain(form: RoleForm) -> dict[str, Any]:
    data = plain(form)
    data["code"] = str(data["code"]).strip().upper().replace(" ", "_").replace("-", "_")
    return data


def _role(request: HttpRequest, role_id: UUID) -> Role:
    found: Role = get_object_or_404(visible_to(request.user, Role).select_related("parent"), pk=role_id)
    require(request.user, "change", found)
    return found


@page("GET POST")
def role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """One role: its name, what it may do, which fields it sees."""
    found = _role(request, role_id)
    if request.method == "POST":
        return role_save(request, found)
    return render(request, "workspace/settings/role.html", _shown(request, found))


@reauthentication_required
def role_save(request: HttpRequest, found: Role) -> HttpResponse:
    """Save one of the three parts of the page. The password is asked for again first."""
    what = request.POST.get("what", "")
    form = RoleForm(request.POST) if what == "role" else None
    try:
        if form is not None and not form.is_valid():
            return render(request, "workspace/settings/role.html", _shown(request, found, form), status=422)
        with intend(actor=request.user) as act:
            if form is not None:
                update_record(obj=found, data=_plain(form), actor=request.user)
            elif what == "matrix":
                set_permissions(role=found, cells=_cells(request, found), actor=request.user)
            elif what == "fields":
                set_field_rights(role=found, fields=_fields(request), actor=request.user)
    except Refusal as refusal:
        if form is not None:
            explain(form, refusal)
        context = {**_shown(request, found, form), "problem": None if form else refusal}
        return render(request, "workspace/settings/role.html", context, status=422)
    toast(request, _("Saved. It holds from now on."), undo=act.id)
    return redirect_to(request, f"{ROLES}/{found.pk}")


def _cells(request: HttpRequest, found: Role) -> list[dict[str, Any]]:
    """Return the cells that were set; conditions, which the page does not change, are kept."""
    conditions = {(p.entity, p.action): p.condition for p in found.permissions.all()}
    return [
        {"entity": entity, "action": action, "scope": scope, "condition": conditions.get((entity, action))}
        for entity, actions in ACTIONS.items()
        for action in actions
        if (scope := request.POST.get(f"cell-{entity}-{action}", ""))
    ]


def _fields(request: HttpRequest) -> list[dict[str, Any]]:
    found = []
    for name, level in request.POST.items():
        if name.startswith("field-") and level:
            entity, _dot, field = name.removeprefix("field-").partition(".")
            found.append({"entity": entity, "field": field, "level": level})
    return found


def _shown(request: HttpRequest, found: Role, form: RoleForm | None = None) -> dict[str, Any]:
    start = {n: getattr(found, n) for n in RoleForm.base_fields}
    own = {(p.entity, p.action): p for p in found.permissions.all()}
    above = rights_of_role(found.parent_id) if found.parent_id else None
    names = dict(RolePermission.Scope.choices)
    actions = [a for a in RolePermission.Action.values if any(a in row for row in ACTIONS.values())]
    labels = dict(RolePermission.Action.choices)
    rows = []
    for entity, label in matrix_entities():
        cells = []
        for action in actions:
            if action not in ACTIONS[entity]:
                cells.append(None)
                continue
            cell = own.get((entity, action))
            inherited = above.cell(entity, action).scope if above else "none"
            cells.append({
                "name": f"cell-{entity}-{action}", "label": f"{label}: {labels[action]}",
                "scope": cell.scope if cell else "", "conditional": bool(cell and cell.condition),
                "inherited": names[inherited], "options": [(s, names[s]) for s in scopes_of(entity)],
            })
        rows.append({"label": label, "cells": cells})
    return {
        "role": found,
        "form": form or RoleForm(initial=start),
        "actions": [labels[a] for a in actions],
        "rows": rows,
        "fields": _field_rows(found),
        "levels": FieldRight.Level.choices,
        "may_edit": rules.may_edit_role(request.user, found),
        "people": visible_to(request.user, User).filter(role=found, is_active=True)[:50],
    }


def _field_rows(found: Role) -> list[dict[str, Any]]:
    """Return the entities of the business with their fields and the level of each."""
    levels = {(r.entity, r.field): r.level for r in found.field_rights.all()}
    return [
        {
            "label": declared.label_plural,
            "limited": sum(1 for (e, _f) in levels if e == declared.name),
            "fields": [
                {"name": f"field-{declared.name}.{key}", "label": f.label, "level": levels.get((declared.name, key), "")}
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
    found = _role(request, role_id)
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
