"""What tells the hits of a search apart: asked for after the page stands, so that no search waits for it."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse

from crm.access.policy import visible_to
from crm.records.entity import entity
from crm.search.registry import searchables
from crm.ui.html import SafeString
from crm.ui.pages import page, render
from crm.ui.values import drawer, for_eyes, with_links

MOST = 60
FACTS = {
    "customer": ("company", "job_title", "email", "status", "assigned_user"),
    "company": ("domain", "industry", "assigned_user"),
    "deal": ("company", "customer", "stage", "value", "expected_close_date", "assigned_user"),
    "task": ("status", "due_date", "deal", "customer", "assigned_user"),
    "product": ("code", "family", "price"),
    "interaction": ("type", "customer", "happened_at", "user"),
}


@page()
def facts(request: HttpRequest) -> HttpResponse:
    """Answer what stands below each of the named hits (``ids=deal:<id>,…``)."""
    asked: dict[str, list[uuid.UUID]] = {}
    for text in request.GET.get("ids", "")[:4000].split(",")[:MOST]:
        kind, _sep, key = text.partition(":")
        try:
            asked.setdefault(kind, []).append(uuid.UUID(key))
        except ValueError:
            continue
    found = [row for kind, ids in asked.items() if kind in searchables() for row in _facts(request.user, kind, ids)]
    return render(request, "search/facts.html", {"found": found})


def _facts(user: Any, kind: str, ids: list[uuid.UUID]) -> list[tuple[uuid.UUID, list[SafeString]]]:
    of = entity(kind)
    known = of.fields_for(user)
    fields = [known[name] for name in FACTS.get(kind, ()) if name in known]
    drawers = [drawer(f, link=False) for f in fields]
    rows = for_eyes(with_links(visible_to(user, of.model).filter(pk__in=ids), of, fields, user), of, user)
    return [(row.pk, [told for told in (draw(row) for draw in drawers) if told]) for row in rows]
