"""Facets: how many rows of a list fall to each value of a field, and the address that chooses it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from crm.access.policy import visible_to
from crm.lists.query import matching
from crm.lists.state import ListState
from crm.records.entity import entity
from crm.records.fields import Field, Kind
from crm.ui.values import sees_everything

MOST = 8
FIELDS = 4
_KINDS = (Kind.CHOICE, Kind.USER, Kind.LINK, Kind.TAGS)


@dataclass
class Option:
    """One value: its words, how many rows have it, whether it is chosen, and where choosing it leads."""

    label: Any
    count: int
    chosen: bool
    url: str
    tone: str = ""
    hue: str = ""
    user: Any = None


@dataclass
class Facet:
    """A field with its most frequent values."""

    field: Field
    options: list[Option]


def facets(state: ListState) -> list[Facet]:
    """Return the facets of a list: one statement each, and one for the names of linked records."""
    found = []
    for f in state.fields.values():
        if f.kind in _KINDS and not f.custom and f.filterable and f.key in state.askable:
            if f.kind == Kind.LINK and not sees_everything(state.user, entity(f.link).model):
                continue
            options = _options(state, f)
            if options:
                found.append(Facet(f, options))
        if len(found) == FIELDS:
            break
    return found


def _options(state: ListState, f: Field) -> list[Option]:
    op = "has_any" if f.kind == Kind.TAGS else "is_any_of"
    index = next((i for i, c in enumerate(state.clauses) if c.get("field") == f.key and c.get("op") in (op, "is")), None)
    value = state.clauses[index].get("value") if index is not None else []
    chosen = [str(v) for v in (value if isinstance(value, list) else [value])]
    others = state.without_clause(index) if index is not None else state
    rows = matching(others).order_by().values(f.source).annotate(n=Count("pk", distinct=f.kind == Kind.TAGS)).order_by("-n")[: MOST + 1]
    counted = [(row[f.source], row["n"]) for row in rows if row[f.source] not in (None, "")][:MOST]
    known = _named(state, f, [v for v, _n in counted])
    made = []
    for raw, number in counted:
        key = str(raw)
        label, extra = known.get(key, (key, {}))
        wanted = [c for c in chosen if c != key] if key in chosen else [*chosen, key]
        clause = {"field": f.key, "op": op, "value": wanted}
        there = state.with_clause(clause, index) if wanted else others
        made.append(Option(label, number, key in chosen, there.url, **extra))
    return made


def _named(state: ListState, f: Field, keys: list[Any]) -> dict[str, tuple[Any, dict[str, Any]]]:
    if f.kind == Kind.CHOICE:
        return {c.value: (c.label, {"tone": c.tone, "hue": c.hue}) for c in f.options}
    target = entity("user" if f.kind == Kind.USER else "tag" if f.kind == Kind.TAGS else f.link)
    rows = visible_to(state.user, target.model).filter(pk__in=keys)
    return {
        str(o.pk): (str(o), {"user": o} if f.kind == Kind.USER else {"hue": getattr(o, "hue", "") or ""}) for o in rows
    }
