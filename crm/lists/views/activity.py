"""What happened on a record: its timeline, filtered by kind, person and words, and the notes that are pinned on it."""

import uuid
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.ids import parse_uuid
from crm.lib.markup import to_html
from crm.lists.views.base import record_or_404
from crm.records.entity import Entity
from crm.records.mentions import mentioned_in
from crm.records.models import Note
from crm.records.services import delete_record, update_record
from crm.records.timeline import Cursor, Entry, kinds_of, timeline
from crm.ui.pages import page, render, toast

CHANGED = '{"record:changed": {}}'
MOST_AT_ONCE = 100


@dataclass
class Told:
    """An entry with its body as it is drawn."""

    entry: Entry
    body: Any

    @property
    def dom_id(self) -> str:
        """Return the id of its element."""
        return f"ev-{self.entry.kind}-{self.entry.id}"


@dataclass
class Day:
    """The entries of one day."""

    day: date
    entries: list[Told]


@page("GET")
def timeline_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Show what happened, newest first."""
    obj = record_or_404(request, entity, pk, trashed=True)
    context = timeline_context(request, entity, obj)
    context["older"] = "before" in request.GET
    template = "records/timeline_more.html" if context["older"] else "records/timeline.html"
    return render(request, template, context)


def timeline_context(request: HttpRequest, entity: Entity, obj: Any) -> dict[str, Any]:
    """Return the entries that the address asks for: older ones ``before`` a cursor, or all newer ones from ``until`` on."""
    asked = request.GET
    known = kinds_of(entity)
    kind, by = asked.get("kind", ""), asked.get("by", "")
    words = asked.get("q", "").replace("\x00", "").strip()[:200]
    until = Cursor.read(asked["until"]) if asked.get("until") else None
    found = timeline(
        obj, request.user, before=asked.get("before") or None, kinds=[kind] if kind in known else None, words=words,
        by=parse_uuid(by), since=until.at if until else None, limit=MOST_AT_ONCE if until else 30,
    )
    notes = [] if asked.get("before") or "notes" not in entity.abilities else list(
        visible_to(request.user, Note).filter(entity=entity.name, record_id=obj.pk, is_pinned=True).select_related("author")[:5]
    )
    texts = [e.body for e in found.entries if e.formatted] + [n.content for n in notes]
    names = [user.name for user in mentioned_in("\n".join(texts))]
    days = [
        Day(day, [Told(e, to_html(e.body, names) if e.formatted else e.body) for e in some])
        for day, some in groupby(found.entries, key=lambda e: timezone.localtime(e.at).date())
    ]
    people = {e.actor.pk: e.actor for e in found.entries if e.actor}
    oldest = found.entries[-1] if found.entries else None
    return {
        "entity": entity, "obj": obj, "url": entity.url(obj), "days": days, "next": found.next, "kinds": known, "kind": kind,
        "by": by, "q": words, "filtered": bool(kind or by or words), "people": sorted(people.values(), key=lambda u: u.name),
        "pinned": [(n, to_html(n.content, names)) for n in notes], "asked": _asked(request),
        "until": asked.get("until") or (Cursor(oldest.at, oldest.kind, oldest.id).text() if oldest else ""),
    }


def _asked(request: HttpRequest) -> str:
    """Return the filter as it stands in an address."""
    kept = request.GET.copy()
    for name in list(kept):
        if name not in ("kind", "by", "q") or not kept[name]:
            del kept[name]
    return kept.urlencode()


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
