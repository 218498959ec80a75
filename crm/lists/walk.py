"""The rows of a long list in its order, found part by part by an index, where a statement would sort the whole table.

A list that is ordered by what few values have (a status), or by what a link leads to (the company's name), is walked
value by value. One that is ordered by a field that may be empty is walked in two parts, for an index knows one place
for what is empty. All else is one part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Min, Model, QuerySet, UUIDField
from django.db.models.expressions import RawSQL

from crm.lists.keys import Key, beyond

MOST = 200
"""No choice has more values."""
FEW = 30
"""So many values are walked each with a statement of its own, planned for that very value."""


@dataclass(frozen=True)
class Groups:
    """How the first keys of an order part the rows: by a column, whose values stand in an order of their own."""

    column: str
    """What all rows of a group have in common."""
    keys: int
    """How many keys of the order stand for it: one, or for links two (the name, and the id behind it)."""
    target: type[Model] | None = None
    """What a link leads to."""
    path: str = ""
    """What the targets are ordered by."""


def after(
    rows: QuerySet[Any], keys: Sequence[Key], start: Sequence[Any] | None, number: int, *, groups: Groups | None, reverse: bool = False
) -> list[Any]:
    """Return the ids of the next rows in an order, ``start`` being the values of the row before them.

    With ``reverse`` they are those before it, the nearest first.
    """
    found: list[Any] = []
    for part in _parts(rows, keys, start, groups, reverse):
        found += part(number - len(found))
        if len(found) >= number:
            break
    return found


def _parts(rows: QuerySet[Any], keys: Sequence[Key], start: Sequence[Any] | None, groups: Groups | None, reverse: bool) -> Iterator[Any]:
    keys = [k.turned() for k in keys] if reverse else list(keys)
    first = keys[0]
    if not first.nullable and groups is None:
        yield lambda n: _ids(rows, keys, start, n, reverse=reverse)
        return
    parts = ["full", "empty"] if first.nullable else ["full"]
    if reverse:
        parts.reverse()
    if start is not None:
        parts = parts[parts.index("empty" if start[0] is None else "full"):]
    path = groups.column if groups else first.path
    for at, part in enumerate(parts):
        begin = start if at == 0 else None
        if part == "empty":
            skipped = groups.keys if groups else 1
            rest = keys[skipped:]
            empty = rows.filter(**{f"{path}__isnull": True})
            yield lambda n, begin=begin, rest=rest, empty=empty, skipped=skipped: _ids(empty, rest, begin and begin[skipped:], n, reverse=reverse)
        elif groups is None:
            full = rows.filter(**{f"{path}__isnull": False})
            sure = [replace(first, nullable=False), *keys[1:]]
            yield lambda n, begin=begin, full=full, sure=sure: _ids(full, sure, begin, n, reverse=reverse)
        else:
            yield from _group_by_group(rows, keys, begin, groups, reverse)


def _group_by_group(rows: QuerySet[Any], keys: list[Key], start: Sequence[Any] | None, groups: Groups, reverse: bool) -> Iterator[Any]:
    rest, down = keys[groups.keys :], keys[0].down
    if start is not None:
        here = rows.filter(**{groups.column: start[groups.keys - 1]})
        yield lambda n: _ids(here, rest, start[groups.keys :], n, reverse=reverse)
    if groups.target is None:
        values = _values(rows.model, groups.column)
        few = list(reversed(values)) if down else values
        if start is not None:
            few = few[few.index(start[0]) + 1 :] if start[0] in few else [v for v in few if (v < start[0] if down else v > start[0])]
    else:
        targets = _targets(groups, start, down)
        few = list(targets[: FEW + 1])
        if len(few) > FEW:
            yield lambda n: _by_link(rows, rest, groups, targets, n, reverse)
            return
    for value in few:
        yield lambda n, value=value: _ids(rows.filter(**{groups.column: value}), rest, None, n, reverse=reverse)


def _values(model: Any, column: str) -> list[Any]:
    """Return the values of a column in their order, hopping over an index from one to the next."""
    if isinstance(model._meta.get_field(column.removesuffix("_id")), BooleanField):
        return [False, True]
    living = model._default_manager.order_by()
    found: list[Any] = []
    while len(found) < MOST:
        more = living.filter(**{f"{column}__gt": found[-1]}) if found else living
        least = more.aggregate(least=Min(column))["least"]
        if least is None:
            break
        found.append(least)
    return found


def _targets(groups: Groups, start: Sequence[Any] | None, down: bool) -> QuerySet[Any]:
    """Return the ids of what a link leads to, in its order, after the target of a row."""
    keys = [Key(groups.path, down, False), Key("id", down, False)]
    model: Any = groups.target
    targets = model._base_manager.order_by(*(k.ordering() for k in keys)).values_list("pk", flat=True)
    return targets.filter(beyond(keys, start[:2])) if start is not None else targets


def _by_link(rows: QuerySet[Any], rest: list[Key], groups: Groups, targets: QuerySet[Any], number: int, reverse: bool) -> list[Any]:
    """Return the rows of one target after the other, in one statement that stops when it has enough."""
    same = rows.filter(**{groups.column: RawSQL("g.id", [], UUIDField())})
    inner = same.order_by(*(k.ordering(reverse=reverse) for k in rest)).values_list("pk")[:number]
    try:
        (inside, given), (outside, known) = inner.query.sql_with_params(), targets.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id FROM ({outside}) g(id) CROSS JOIN LATERAL ({inside}) r(id) LIMIT %s", [*known, *given, number]
        )
        return [pk for (pk,) in cursor.fetchall()]


def _ids(rows: QuerySet[Any], keys: Sequence[Key], start: Sequence[Any] | None, number: int, *, reverse: bool = False) -> list[Any]:
    if start is not None:
        rows = rows.filter(beyond(keys, start, reverse=reverse))
    return list(rows.order_by(*(k.ordering(reverse=reverse) for k in keys)).values_list("pk", flat=True)[:number])
