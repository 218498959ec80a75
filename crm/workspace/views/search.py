"""The search page and what the palette shows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm.access.policy import allows, field_rights, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.lib.ids import parse_uuid
from crm.lib.text import fold, in_sentence
from crm.records.entity import entity_by_plural
from crm.records.models import Tag
from crm.search.recent import forget_searches, recent_searches, recent_visits, remember_search
from crm.search.registry import searchables
from crm.search.service import Hit, find, recent_hits, search
from crm.ui.nav import creatable_by, sections_for, settings_for
from crm.ui.pages import page, redirect_to, render

PAGE_LIMIT = 50
EACH = 8


@dataclass(frozen=True)
class Option:
    """One line of the palette."""

    label: Any
    url: str
    icon: str
    hue: str = ""
    sub: str = ""
    keys: str = ""
    kind: str = ""
    how: str = ""
    """``make``: in a dialog over the page; ``post``: an act, not a place."""


@dataclass
class Heading:
    """Lines of the palette under a heading."""

    label: Any
    options: list[Option] = field(default_factory=list)
    pages: bool = False
    """Whether these are the pages, which a phone shows first: there the palette is the way to them."""


@page("GET POST")
def search_page(request: HttpRequest) -> HttpResponse:
    """Show what fits the words, by kind; without words, the last searches."""
    if request.method == "POST":
        forget_searches(request.user)
        return redirect_to(request, "/search")
    q = request.GET.get("q", "")[:2000]
    kinds = searchables()
    chosen = request.GET.get("in", "")
    chosen = chosen if chosen in kinds else ""
    found = find(request.user, q, entities=[chosen] if chosen else None, limit=PAGE_LIMIT if chosen else EACH)
    if found.hits and not request.headers.get("HX-Request"):
        remember_search(request.user, q)
    groups = [(kinds[name], [h for h in found.hits if h.entity == name]) for name in kinds]
    visited = recent_hits(request.user, recent_visits(request.user)) if not q.strip() else []
    return render(request, "search/page.html", {
        "q": q, "chosen": chosen, "total": sum(found.counts.values()), "more": bool(found.more), "instead": found.instead,
        "groups": [(kind, hits) for kind, hits in groups if hits],
        "facets": [(kind, found.counts[name], name in found.more) for name, kind in kinds.items() if found.counts.get(name)],
        "recent": recent_searches(request.user) if not q.strip() else [],
        "visited": visited, "named": ",".join(f"{h.entity}:{h.id}" for h in [*found.hits, *visited]),
    }, part="results")


@page()
def palette(request: HttpRequest) -> HttpResponse:
    """Show the lines that fit: records, then actions, then pages; ``>``, ``#`` and ``@`` narrow them."""
    if of := request.GET.get("of", ""):
        return render(request, "search/palette.html", {"headings": [h for h in _acts_on(request.user, of) if h.options], "typed": of})
    typed = request.GET.get("q", "")[:200].strip()
    mark, rest = (typed[0], typed[1:].strip()) if typed[:1] in (">", "#", "@") else ("", typed)
    headings: list[Heading] = []
    if mark == "@":
        headings.append(Heading(_("People"), _people(request.user, rest)))
    elif mark == "#":
        headings.append(Heading(_("Tags"), _tags(request.user, rest)))
    elif mark == ">":
        headings += [Heading(_("Actions"), _actions(request.user, rest)), Heading(_("Pages"), _pages(request.user, rest))]
    elif not rest:
        headings += [
            Heading(_("Last opened"), [_hit(h) for h in recent_hits(request.user, recent_visits(request.user, 5))]),
            Heading(_("Actions"), _actions(request.user, "")), Heading(_("Pages"), _pages(request.user, ""), pages=True),
        ]
    else:
        headings += _records(search(request.user, rest, limit=EACH))
        headings += [Heading(_("Actions"), _actions(request.user, rest)), Heading(_("Pages"), _pages(request.user, rest))]
        headings.append(Heading(_("Search"), [Option(_("Search everywhere for “%(words)s”") % {"words": rest}, f"/search?q={_quoted(rest)}", "search")]))
    return render(request, "search/palette.html", {"headings": [h for h in headings if h.options], "typed": typed})


def _records(hits: Sequence[Hit]) -> list[Heading]:
    kinds, found = searchables(), {}
    for hit in hits:
        found.setdefault(hit.entity, Heading(kinds[hit.entity].label)).options.append(_hit(hit))
    return list(found.values())


def _hit(hit: Hit) -> Option:
    return Option(hit.title, hit.url, hit.icon, hit.hue, hit.subtitle, kind=hit.entity)


def _actions(user: Any, words: str) -> list[Option]:
    made = [
        Option(
            _("New %(what)s") % {"what": in_sentence(c.label)}, c.url, c.icon, keys=f"C {c.key.upper()}" if c.key else "", how="make"
        )
        for c in creatable_by(user)
    ]
    return _fitting(made, words)


def _acts_on(user: Any, url: str) -> list[Heading]:
    """Return what can be done with the record at an address; nothing for what one may not see."""
    plural, _slash, key = url.strip("/").partition("/")
    entity = entity_by_plural(plural)
    if entity is None or "pages" not in entity.abilities or not parse_uuid(key):
        return []
    obj = visible_to(user, entity.model).filter(pk=key).first()
    if obj is None:
        return []
    place = entity.url(obj)
    found = [Option(pgettext("act", "Open"), place, "arrow-right")]
    if allows(user, "change", obj):
        found.append(Option(_("Edit all fields"), f"{place}/edit", "pencil", how="make"))
    if "timeline" in entity.abilities:
        found.append(Option(_("Write a note"), f"{place}?compose=note", "notebook-pen"))
    if rights_of(user).may("create", "task") and entity.name in ("customer", "company", "deal"):
        found.append(Option(_("Plan a task"), f"/tasks/new?{entity.name}={obj.pk}&back={place}", "circle-check", how="make"))
    found += [
        Option(_("Add to favourites, or take it out"), f"{place}/star", "star", how="post"),
        Option(_("Versions"), f"/history/{entity.name}/{obj.pk}", "history"),
    ]
    if allows(user, "delete", obj):
        found.append(Option(_("Delete"), f"{place}/delete", "trash-2", how="post"))
    return [Heading(str(obj), found)]


def _pages(user: Any, words: str) -> list[Option]:
    places = [i for s in sections_for(user) for i in s.items]
    if words:
        places += [i for s in settings_for(user) for i in s.items]
    made = [Option(i.label, i.url, i.icon, keys=f"G {i.key.upper()}" if i.key else "") for i in places]
    return _fitting(made, words) if words else [*made, Option(_("Settings"), "/settings", "settings", keys="G S")]


def _fitting(options: list[Option], words: str) -> list[Option]:
    wanted = fold(words).split()
    return [o for o in options if all(w in fold(str(o.label)) for w in wanted)][:EACH]


def _tags(user: Any, words: str) -> list[Option]:
    rows = visible_to(user, Tag)
    if words:
        rows = rows.filter(name__icontains=words)
    return [Option(t.name, f"/customers?filter={_quoted(_tagged(t.name))}", "tag", t.hue) for t in rows.order_by("name")[:EACH]]


def _people(user: Any, words: str) -> list[Option]:
    rows = visible_to(user, User).filter(is_active=True)
    if words:
        rows = rows.filter(search_text__contains=fold(words))
    told = field_rights(user, User).can_read("email")
    return [Option(u.name, f"/search?q={_quoted(u.name)}", "user-round", sub=u.email if told else "") for u in rows.order_by("sort_key")[:EACH]]


def _tagged(name: str) -> str:
    return json.dumps([{"field": "tags", "op": "has_any", "value": [name]}], separators=(",", ":"))


def _quoted(text: str) -> str:
    return quote(text, safe="")
