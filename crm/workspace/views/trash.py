"""The trash: what was deleted, by kind of record; restore it, or (administrators) empty it for good."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.lib.errors import Denied
from crm.records.entity import Entity, all_entities
from crm.records.models import Record
from crm.records.services import restore_record
from crm.records.services.records import visible_trash
from crm.records.services.trash import empty_trash
from crm.ui.pages import page, redirect_to, render, toast

SHOWN = 100


def kinds(request: HttpRequest) -> list[Entity]:
    """Return the entities that go to the trash and that the user may delete at all."""
    rights = rights_of(request.user)
    return [
        e for e in all_entities().values()
        if issubclass(e.model, Record) and "pages" in e.abilities and rights.may("delete", e.name)
    ]


@page()
def trash(request: HttpRequest) -> HttpResponse:
    """List the deleted records of one kind, the last deleted first."""
    offered = kinds(request)
    if not offered:
        raise Denied
    name = request.GET.get("entity") or offered[0].name
    of = next((e for e in offered if e.name == name), None)
    if of is None:
        raise Http404
    rows = list(visible_trash(request.user, of.model).order_by("-deleted_at", "-pk")[: SHOWN + 1])
    tabs = [
        {"url": f"/trash?entity={e.name}", "label": e.label_plural, "icon": e.icon, "current": e is of} for e in offered
    ]
    context = {"entity": of, "rows": [(obj, of.url(obj)) for obj in rows[:SHOWN]], "more": len(rows) > SHOWN, "tabs": tabs, "shown": SHOWN,
               "may_empty": rights_of(request.user).is_admin}
    return render(request, "workspace/trash.html", context)


@page("POST")
def restore(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Bring a record back."""
    of = next((e for e in kinds(request) if e.name == entity), None)
    obj = visible_trash(request.user, of.model).filter(pk=pk).first() if of is not None else None
    if of is None or obj is None:
        raise Http404
    restore_record(obj=obj, actor=request.user)
    toast(request, _("“%(title)s” is back") % {"title": obj}, url=of.url(obj), link=pgettext("act", "Open"))
    return redirect_to(request, f"/trash?entity={of.name}")


@page("POST")
def empty(request: HttpRequest, entity: str) -> HttpResponse:
    """Remove the trashed records of one kind for good."""
    of = next((e for e in kinds(request) if e.name == entity), None)
    if of is None:
        raise Http404
    with intend(actor=request.user) as intention:
        removed, kept = empty_trash(of=of, actor=request.user)
    text = ngettext("%(n)d record removed for good", "%(n)d records removed for good", removed) % {"n": removed}
    if kept:
        text += " · " + ngettext("%(n)d is still referred to", "%(n)d are still referred to", kept) % {"n": kept}
    toast(request, text, level="info", undo=intention.id if removed else None)
    return redirect_to(request, f"/trash?entity={of.name}")
