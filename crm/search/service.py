"""One search over everything a person may see, in one statement."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.lib.errors import Invalid
from crm.lib.prepared import PreparedText, Shelf
from crm.search.registry import Searchable, searchables
from crm.search.statement import Places, Statement, as_hits
from crm.search.typos import corrected
from crm.search.words import words_of


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    entity: str
    id: uuid.UUID
    title: str
    subtitle: str
    url: str
    icon: str
    hue: str
    rank: float


@dataclass(frozen=True)
class Found:
    """What a search gave: the hits, the best first, and of every kind how many there are."""

    hits: list[Hit] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """How many rows of each kind contain the words, counted no further than ``CAP``."""
    more: frozenset[str] = frozenset()
    """The kinds of which there are more than was counted."""
    instead: str = ""
    """The words that were looked for, where nothing contains those that were typed."""


def search(user: Any, q: str, *, entities: Iterable[str] | None = None, limit: int = 8) -> list[Hit]:
    """Return what ``user`` may see and that fits the words, at most ``limit`` of each kind, best first."""
    return find(user, q, entities=entities, limit=limit, counted=False).hits


def find(user: Any, q: str, *, entities: Iterable[str] | None = None, limit: int = 8, counted: bool = True) -> Found:
    """Return the hits of some kinds and, with ``counted``, the numbers of every kind."""
    chosen = _chosen(entities)
    words = words_of(q)
    if not words:
        return Found()
    kinds = list(searchables().values()) if counted else chosen
    found = _asked(user, words, kinds, chosen, limit)
    if found.hits or any(found.counts.values()):
        return found
    # Nothing contains the words: perhaps they are mistyped.
    for others in corrected(words):
        found = _asked(user, others, kinds, chosen, limit, grade=0.2)
        if found.hits:
            return Found(found.hits, found.counts, found.more, " ".join(others))
    return Found()


# By rights and shape of the words: building a statement for eight kinds costs ten times what asking it does.
_statements: Shelf[PreparedText] = Shelf()


def _asked(user: Any, words: list[str], kinds: list[Searchable], chosen: list[Searchable], limit: int, *, grade: float = 1.0) -> Found:
    shown = frozenset(kind.entity for kind in chosen)
    places = Places(words)
    fingerprint = rights_of(user).fingerprint
    key = (fingerprint, limit, shown, len(kinds), places.shape) if fingerprint else None
    query = _statements.get(key, lambda: PreparedText(
        lambda *_marks: Statement(user, places, kinds, shown, limit).built(), places.samples(), planned=places.planned
    ))
    rows = query.ask(places.values())
    counts = {kind: int(n) for kind, pk, _title, _subtitle, n, _more in rows if pk is None}
    more = frozenset(kind for kind, pk, _title, _subtitle, _n, more in rows if pk is None and more)
    return Found(_hits(((*row[:4], row[4] * grade) for row in rows if row[1] is not None), chosen), counts, more)


def recent_hits(user: Any, wanted: list[tuple[str, uuid.UUID]]) -> list[Hit]:
    """Return the records named, in their order, as far as ``user`` may still see them."""
    known = searchables()
    by_kind: dict[str, list[uuid.UUID]] = {}
    for kind, pk in wanted:
        if kind in known:
            by_kind.setdefault(kind, []).append(pk)
    chosen = [known[kind] for kind in by_kind]
    if not chosen:
        return []
    rows: Any = reduce(lambda a, b: a.union(b, all=True), [
        as_hits(s, user, visible_to(user, s.model).filter(pk__in=by_kind[s.entity])) for s in chosen
    ])
    found = {hit.id: hit for hit in _hits(rows, chosen)}
    return [found[pk] for _kind, pk in wanted if pk in found]


def _chosen(entities: Iterable[str] | None) -> list[Searchable]:
    known = searchables()
    if entities is None:
        return list(known.values())
    for name in entities:
        if name not in known:
            raise Invalid.field("entities", f"{name} cannot be searched. Known: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(entities)]


def _hits(rows: Iterable[Any], chosen: list[Searchable]) -> list[Hit]:
    kinds = {s.entity: s for s in chosen}
    hits = [
        Hit(
            entity=kind, id=pk, title=title or str(kinds[kind].label), subtitle=subtitle or "", url=kinds[kind].url.format(id=pk),
            icon=kinds[kind].icon, hue=kinds[kind].hue, rank=float(value),
        )
        for kind, pk, title, subtitle, value in rows
    ]
    return sorted(hits, key=lambda hit: (-hit.rank, -kinds[hit.entity].weight, hit.title.casefold()))
