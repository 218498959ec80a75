"""What happens on a record: its timeline, and the notes, calls and meetings that people add to it."""

import uuid
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Refusal
from crm.lib.text import whole_number
from crm.lists.views.base import record_or_404
from crm.records.entity import Entity
from crm.records.models import Note
from crm.records.services import create_record, delete_record, update_record
from crm.records.timeline import Entry, kinds_of, timeline
from crm.ui.pages import page, problems_of, render, toast

CHANGED = '{"record:changed": {}}'


@dataclass
class Day:
    """The entries of one day."""

    day: Any
    entries: list[Entry]


@page("GET")
def timeline_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Show what happened, newest first; one kind when asked."""
    obj = record_or_404(request, entity, pk, trashed=True)
    return _timeline(request, entity, obj)


def _timeline(request: HttpRequest, entity: Entity, obj: Any) -> HttpResponse:
    known = kinds_of(entity)
    kind = request.GET.get("kind", "")
    found = timeline(obj, request.user, before=request.GET.get("before") or None, kinds=[kind] if kind in known else None)
    days = [Day(day, list(some)) for day, some in groupby(found.entries, key=lambda e: timezone.localtime(e.at).date())]
    pinned = []
    if "before" not in request.GET and "notes" in entity.abilities:
        notes = visible_to(request.user, Note).filter(entity=entity.name, record_id=obj.pk, is_pinned=True)
        pinned = list(notes.select_related("author")[:5])
    context = {
        "entity": entity, "obj": obj, "url": entity.url(obj), "days": days, "next": found.next, "kinds": known, "kind": kind,
        "pinned": pinned, "first": "before" not in request.GET,
    }
    return render(request, "records/timeline.html", context)


def _composed(request: HttpRequest, entity: Entity, obj: Any, kind: str, error: Refusal | None = None) -> HttpResponse:
    """Answer with the composer: empty after a success, with the text and the reason after a refusal."""
    rights = rights_of(request.user)
    context = {
        "entity": entity, "obj": obj, "url": entity.url(obj), "kind": kind, "sent": request.POST if error else {},
        "problems": [s for found in problems_of(error).values() for s in found] if error else [],
        "may_note": "notes" in entity.abilities and rights.may("create", "note"),
        "may_log": rights.may("create", "interaction") and entity.name in ("customer", "company", "deal"),
    }
    answer = render(request, "records/composer.html", context, status=422 if error else 200)
    if error is None:
        answer["HX-Trigger"] = CHANGED
    return answer


@page("GET POST")
def composing(request: HttpRequest, entity: Entity, pk: uuid.UUID, kind: str) -> HttpResponse:
    """Show the composer of one kind, or add a note, or a call, meeting or e-mail that took place."""
    if kind not in ("note", "call", "meeting", "email"):
        raise Http404
    obj = record_or_404(request, entity, pk)
    if request.method != "POST":
        answer = _composed(request, entity, obj, kind)
        del answer["HX-Trigger"]
        return answer
    text = request.POST.get("content", "")
    try:
        with intend(actor=request.user) as intention:
            if kind == "note":
                data = {"entity": entity.name, "record_id": str(obj.pk), "content": text, "is_private": request.POST.get("private") == "1"}
                create_record(of="note", data=data, actor=request.user)
                said = _("Note added")
            else:
                data = {
                    "type": kind.upper(), "subject": request.POST.get("subject", "") or text.strip().split("\n")[0][:120], "content": text,
                    "direction": "INBOUND" if request.POST.get("direction") == "INBOUND" else "OUTBOUND", entity.name: str(obj.pk),
                }
                if not text.strip() and not request.POST.get("subject", "").strip():
                    raise Invalid(_("Write what it was about."))
                minutes = whole_number(request.POST.get("minutes", "").strip()[:9])
                if minutes is not None and minutes < 100_000:
                    data["duration_seconds"] = minutes * 60
                data["completed_at"] = timezone.now().isoformat()
                create_record(of="interaction", data=data, actor=request.user)
                said = {"call": _("Call logged"), "meeting": _("Meeting logged"), "email": _("E-mail logged")}[kind]
    except Refusal as error:
        return _composed(request, entity, obj, kind, error)
    toast(request, said, undo=intention.id)
    return _composed(request, entity, obj, kind)


@page("POST")
def note_act(request: HttpRequest, pk: uuid.UUID, action: str) -> HttpResponse:
    """Pin, unpin or delete a note."""
    note = visible_to(request.user, Note).filter(pk=pk).first()
    if note is None:
        raise Http404
    with intend(actor=request.user) as intention:
        if action == "delete":
            delete_record(obj=note, actor=request.user)
        else:
            update_record(obj=note, data={"is_pinned": action == "pin"}, actor=request.user)
    words = {"delete": _("Note deleted"), "pin": _("Note pinned"), "unpin": _("Note unpinned")}
    toast(request, words[action], undo=intention.id)
    answer = HttpResponse("")
    answer["HX-Trigger"] = CHANGED
    answer["HX-Reswap"] = "none"
    return answer
