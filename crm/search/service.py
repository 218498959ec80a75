"""One search over everything a person may see, in one statement."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from django.db.models import CharField, FloatField, QuerySet, TextField, Value
from django.db.models.functions import Cast

from crm.access.policy import field_rights, visible_to
from crm.access.rights import rights_of
from crm.lib.errors import Invalid
from crm.lib.prepared import PreparedTuples, Shelf
from crm.search.registry import Searchable, searchables
from crm.search.words import MAX_CANDIDATES, SHORT, contains, likeness, rank, resembles, searchable_rows, words_of

CAP = 1000
"""Counting stops here: the facet then says “1,000+”."""


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


def search(user: Any, q: str, *, entities: Iterable[str] | None = None, limit: int = 8) -> list[Hit]:
    """Return what ``user`` may see and that fits the words, at most ``limit`` of each kind, best first."""
    words = words_of(q)
    if not words:
        return []
    chosen = _chosen(entities)
    hits = _find(user, chosen, words, limit, alike=False)
    if not hits and any(len(word) > 3 for word in words):
        # Nothing contains the words: perhaps they are mistyped. In long texts too much is like anything.
        hits = _find(user, [s for s in chosen if s.text is None], words, limit, alike=True)
    return hits


def _find(user: Any, chosen: list[Searchable], words: list[str], limit: int, *, alike: bool) -> list[Hit]:
    if not chosen:
        return []

    def build(*some: str) -> Any:
        asked = list(some[: len(words)])
        return _union([_hits(s, visible_to(user, s.model), user, asked, limit, alike=alike) for s in chosen])

    # The rank also looks for the words as they were typed, one after the other.
    values = [*words, " ".join(words)] if len(words) > 1 and not alike else words
    return _made(_ask(user, ("hits", alike, limit, *(s.entity for s in chosen)), build, words, values), chosen)


def facets(user: Any, q: str) -> dict[str, int]:
    """Return how many rows of each kind contain the words, counting no further than ``CAP`` each."""
    words = words_of(q)
    if not words:
        return {}
    kinds = list(searchables().values())

    def build(*some: str) -> Any:
        rows = []
        for s in kinds:
            base, column = searchable_rows(visible_to(user, s.model), s.columns, user, s.text)
            found = base.filter(contains(list(some), column)).order_by()
            rows.append(found.annotate(kind=Value(s.entity)).values_list("kind")[:CAP])
        return _union(rows)

    around = "SELECT found.kind, count(*) FROM ({}) found GROUP BY found.kind"
    counted = dict(_ask(user, ("facets",), build, words, words, around=around))
    return {s.entity: counted.get(s.entity, 0) for s in kinds}


# By rights and shape of the words: building a statement for eight kinds costs ten times what asking it does.
_statements: Shelf[PreparedTuples] = Shelf()


def _ask(user: Any, of: tuple[Any, ...], build: Any, words: list[str], values: list[str], *, around: str = "{}") -> list[Any]:
    """Return the rows of the statement that ``build`` makes of the words, made once for the same rights."""
    # Short words are asked for in another way (crm.search.words), so they make another statement.
    lengths = [min(len(word), SHORT + 2) for word in words]
    samples = [chr(0xE000 + at) * length for at, length in enumerate(lengths)]
    if len(values) > len(words):
        samples.append(" ".join(samples))
    fingerprint = rights_of(user).fingerprint
    # Which index serves best depends on the words, so the server plans anew each time.
    query = _statements.get(
        (fingerprint, *of, *lengths) if fingerprint else None,
        lambda: PreparedTuples(build, samples, planned=False, around=around),
    )
    return query.ask(values)


def recent_hits(user: Any, wanted: list[tuple[str, uuid.UUID]]) -> list[Hit]:
    """Return the records named, in their order, as far as ``user`` may still see them."""
    known = searchables()
    by_kind: dict[str, list[uuid.UUID]] = {}
    for kind, pk in wanted:
        if kind in known:
            by_kind.setdefault(kind, []).append(pk)
    chosen = [known[kind] for kind in by_kind]
    rows = [
        _shown(s, user, visible_to(user, s.model).filter(pk__in=by_kind[s.entity]), Value(1.0, FloatField()))
        for s in chosen
    ]
    found = {hit.id: hit for hit in _made(_union(rows), chosen)}
    return [found[pk] for _kind, pk in wanted if pk in found]


def _chosen(entities: Iterable[str] | None) -> list[Searchable]:
    known = searchables()
    if entities is None:
        return list(known.values())
    for name in entities:
        if name not in known:
            raise Invalid.field("entities", f"{name} cannot be searched. Known: {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(entities)]


def _hits(s: Searchable, seen: QuerySet[Any], user: Any, words: list[str], limit: int, *, alike: bool) -> QuerySet[Any]:
    visible, column = searchable_rows(seen, s.columns, user, s.text)
    matching = visible.filter(resembles(words, column) if alike else contains(words, column))
    order = likeness(words, column) if alike else rank(words, column)
    # What may be seen is asked once, of the candidates; whatever is ranked is one of them.
    ranked, column = searchable_rows(s.model._default_manager.all(), s.columns, user, s.text)
    rows = ranked.filter(pk__in=matching.order_by().values("pk")[:MAX_CANDIDATES])
    return _shown(s, user, rows, order).order_by("-hit_rank", "hit_title", "pk")[:limit]


def _shown(s: Searchable, user: Any, rows: QuerySet[Any], order: Any) -> QuerySet[Any]:
    """Return the six columns that every branch of the union has."""
    rights = field_rights(user, s.model)
    subtitle = s.subtitle if all(rights.can_read(name) for name in s.subtitle_fields) else Value("")
    annotated = rows.annotate(
        hit_kind=Value(s.entity, CharField()),
        hit_title=Cast(s.title, TextField()),
        hit_subtitle=Cast(subtitle, TextField()),
        hit_rank=order,
    )
    return annotated.values_list("hit_kind", "pk", "hit_title", "hit_subtitle", "hit_rank")


def _union(rows: list[QuerySet[Any]]) -> Any:
    return reduce(lambda a, b: a.union(b, all=True), rows) if rows else []


def _made(rows: Iterable[Any], chosen: list[Searchable]) -> list[Hit]:
    kinds = {s.entity: s for s in chosen}
    hits = [
        Hit(
            entity=kind,
            id=pk,
            title=title or str(kinds[kind].label),
            subtitle=subtitle or "",
            url=kinds[kind].url.format(id=pk),
            icon=kinds[kind].icon,
            hue=kinds[kind].hue,
            rank=float(value),
        )
        for kind, pk, title, subtitle, value in rows
    ]
    return sorted(hits, key=lambda hit: (-hit.rank, -kinds[hit.entity].weight, hit.title.casefold()))
