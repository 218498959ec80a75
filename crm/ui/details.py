"""What a cell of a list tells besides the value of its field: lent by the app that knows it.

    detail("customer", "last_activity_at", told, cell)

``told(user)`` is an expression that is read along with the rows of one page, after they are chosen: it costs no statement
of its own, and as little for a million rows as for fifty. ``cell(user)`` is asked once for a page and returns what
writes one cell from the record and what was told of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from crm.records.entity import Entity
from crm.records.fields import Field

PREFIX = "told_"
Cell = Callable[[Any, Any], str]


@dataclass(frozen=True)
class Detail:
    """How a field of an entity is told in lists."""

    told: Callable[[Any], Any]
    cell: Callable[[Any], Cell]


_DETAILS: dict[tuple[str, str], Detail] = {}


def detail(on: str, field: str, told: Callable[[Any], Any], cell: Callable[[Any], Cell]) -> None:
    """Register what the cells of a field tell."""
    _DETAILS[on, field] = Detail(told, cell)


def detail_of(of: Entity, f: Field) -> Detail | None:
    """Return what the cells of a field tell; None where they show its value alone."""
    return _DETAILS.get((of.name, f.name)) if not f.custom else None


def told(of: Entity, fields: Iterable[Field], user: Any) -> dict[str, Any]:
    """Return the annotations that the cells of some fields need."""
    found = ((f, detail_of(of, f)) for f in fields)
    return {PREFIX + f.name: one.told(user) for f, one in found if one is not None}


def cell_drawer(f: Field, one: Detail, user: Any) -> Callable[[Any], str]:
    """Return what draws the cells of a field from rows that were read with what is ``told``."""
    cell, name = one.cell(user), PREFIX + f.name
    return lambda obj: cell(obj, getattr(obj, name, None))
