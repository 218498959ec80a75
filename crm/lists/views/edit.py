"""Making and editing a record in a form, as a page or in a dialog."""

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import require, visible_to
from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.lib.errors import Outdated, Refusal
from crm.lib.ids import parse_uuid
from crm.lib.text import whole_number
from crm.lists.views.base import record_or_404
from crm.records.entity import Entity
from crm.records.entity import entity as entity_named
from crm.records.fields import Kind
from crm.records.services import create_record, update_record
from crm.ui.forms import EntityForm, with_others_tags
from crm.ui.pages import done, local_url, page, redirect_to, render, toast, wants_part
from crm.ui.values import display


def _initial(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    """Return what the address presets: links by id, everything else as text."""
    found: dict[str, Any] = {}
    for key, f in entity.writable_fields(request.user).items():
        value = request.GET.get(key, "").replace("\x00", "")
        if not value or f.custom:
            continue
        if f.kind in (Kind.LINK, Kind.USER):
            target = entity_named("user" if f.kind == Kind.USER else f.link)
            row = visible_to(request.user, target.model).filter(pk=value).first() if parse_uuid(value) else None
            if row is not None:
                found[key] = row
        elif f.kind in (Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.CHOICE, Kind.DATE, Kind.DATETIME):
            found[key] = value[:500]
    owner = entity.owner
    if owner and owner not in found and owner in entity.own_fields:
        found[owner] = request.user
    return found


@page("GET POST")
def create(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the form of a new record, or make it."""
    if not rights_of(request.user).may("create", entity.name):
        raise PermissionDenied
    params = request.POST if request.method == "POST" else request.GET
    quick, stay = params.get("quick") == "1", params.get("stay") == "1" and wants_part(request)
    back = local_url(request, params.get("back", ""), "")
    if request.method != "POST":
        form = EntityForm(entity, request.user, quick=quick, initial=_initial(request, entity))
        # What the address presets is asked for even in the short form.
        if quick:
            full = EntityForm(entity, request.user, initial=_initial(request, entity))
            form.fields |= {k: full.fields[k] for k in request.GET if k in full.fields and k not in form.fields}
        return _draw(request, entity, form, quick, back, stay=stay)
    names = [n for n in request.POST.getlist("asked") if n in entity.writable_fields(request.user)]
    form = EntityForm(entity, request.user, data=request.POST, only=names or None, quick=quick and not names)
    try:
        with intend(actor=request.user) as intention:
            obj = create_record(of=entity, data=form.values(), actor=request.user)
    except Refusal as error:
        form.refuse(error)
        return _draw(request, entity, form, quick, back, status=422, stay=stay)
    away = bool(back) or stay
    toast(request, _("%(what)s added") % {"what": entity.label}, undo=intention.id, url=entity.url(obj) if away else "", link=str(obj))
    if stay:
        # The page that it was made from stays where it is; what concerns the new record is drawn anew there.
        about = [str(pk) for pk in entity.timeline_subjects(obj) if pk]
        return done(request, **{"dialog:close": {}, "record:changed": {"entity": entity.name, "id": str(obj.pk), "about": about}})
    return redirect_to(request, back or entity.url(obj))


@page("GET POST")
def edit(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Show the form of a record, or save it."""
    obj = record_or_404(request, entity, pk)
    require(request.user, "change", obj)
    if request.method != "POST":
        return _draw(request, entity, EntityForm(entity, request.user, obj), False, "", obj=obj)
    form = EntityForm(entity, request.user, obj, request.POST)
    # Where the form asked “theirs or mine”, the answer “theirs” takes the field out.
    data = {k: v for k, v in form.values().items() if request.POST.get(f"keep.{k}") != "theirs"}
    data = with_others_tags(data, obj, request.POST)
    version = whole_number(request.POST.get("version", ""))
    try:
        with intend(actor=request.user) as intention:
            update_record(obj=obj, data=data, actor=request.user, version=version, whole=True)
    except Outdated as error:
        obj = record_or_404(request, entity, pk)
        for key, asked in error.extra["fields"].items():
            form.fields[key].theirs, form.fields[key].by = display(obj, form.fields[key].field, link=False) or "–", asked["by"]
        form.name_links()
        return _draw(request, entity, form, False, "", obj=obj, status=412, version=error.extra["version"])
    except Refusal as error:
        form.refuse(error)
        return _draw(request, entity, form, False, "", obj=obj, status=422)
    toast(request, _("Saved"), undo=intention.id)
    return redirect_to(request, entity.url(obj))


def _draw(
    request: HttpRequest, entity: Entity, form: EntityForm, quick: bool, back: str, *, obj: Any = None, status: int = 200,
    version: Any = None, stay: bool = False,
) -> HttpResponse:
    part = wants_part(request)
    context = {
        "entity": entity, "form": form, "quick": quick, "back": back, "stay": stay, "obj": obj, "dialog": part, "outdated": status == 412,
        "action": f"{entity.url(obj)}/edit" if obj is not None else f"/{entity.plural}/new",
        "version": version or getattr(obj, "version", ""),
    }
    return render(request, "records/form_dialog.html" if part else "records/form_page.html", context, status=status)
