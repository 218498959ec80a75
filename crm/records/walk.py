"""The rows of a long list in its order, found part by part by an index, where a statement would sort the whole table.

A list that is ordered by what few values have (a status), or by what a link leads to (the company's name), is walked
value by value. One that is ordered by a field that may be empty is walked in two parts, for an index knows one place
for what is empty. All else is one part, and so is an order by what a viewer does not see all of: the real column would tell it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import connection
from django.db.models import BooleanField, Model, QuerySet, UUIDField
from django.db.models.expressions import RawSQL

from crm.records.entity import Entity
from crm.records.fields import LINKS, Field
from crm.records.folded import sort_path
from crm.records.keys import SHARED, Key, beyond

MOST = 1000
"""No choice has more values."""
FEW = 100
"""So many values are walked each with a statement of its own, planned for that very value."""
SOME = 1000
"""So many rows that link to something are sorted."""


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


def groups_of(of: Entity, first: Field | None, keys: Sequence[Key]) -> Groups | None:
    """Return how the field that rows stand by first parts them into groups that an index finds; nothing where it does not."""
    if first is None or first.kind not in SHARED or keys[0].path != sort_path(of, first) or keys[0].masked is not None:
        return None
    if not _has_index(of.model, first.source):
        return None
    if first.kind not in LINKS:
        return Groups(keys[0].path, 1)
    path = keys[0].path.removeprefix(f"{first.source}__")
    target = of.model._meta.get_field(first.source).related_model
    known = len(keys) > 2 and keys[1].path == f"{first.source}_id"
    return Groups(f"{first.source}_id", 2, target, path) if known and "__" not in path else None


def _has_index(model: Any, name: str) -> bool:
    """Tell whether an index of a model begins with a field."""
    try:
        column: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    firsts = {(index.fields or [""])[0].lstrip("-") for index in model._meta.indexes}
    return bool(column.db_index) or column.name in firsts


def straight(
    rows: QuerySet[Any], keys: Sequence[Key], start: Sequence[Any] | None, number: int, *, reverse: bool = False
) -> list[Any]:
    """Return what ``after`` does, found by one statement over all rows: right where they are few."""
    return _ids(rows, [k.turned() for k in keys] if reverse else keys, start, number, reverse=reverse)


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
    if groups is None and (not first.nullable or first.masked is not None):
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
    known = _values(rows.model, groups.column, FEW if groups.target is not None else MOST)
    walked = groups.target is not None and len(known) > FEW
    if walked:
        full = rows.filter(**{f"{groups.column}__isnull": False})
        if full.order_by().values("pk")[: SOME + 1].count() <= SOME:
            yield lambda n: _ids(full, keys, start, n, reverse=reverse)
            return
    if start is not None:
        here = rows.filter(**{groups.column: start[groups.keys - 1]})
        yield lambda n: _ids(here, rest, start[groups.keys :], n, reverse=reverse)
    if walked:
        yield lambda n: _by_link(rows, rest, groups, _targets(groups, start, down), n, reverse)
        return
    values = known
    if groups.target is not None:
        values = list(_targets(groups, start, down).filter(pk__in=known))
    else:
        if down:
            values.reverse()
        if start is not None:
            at = values.index(start[0]) + 1 if start[0] in values else 0
            values = values[at:] if at else [v for v in values if (v < start[0] if down else v > start[0])]
    for value in values:
        yield lambda n, value=value: _ids(rows.filter(**{groups.column: value}), rest, None, n, reverse=reverse)


def _values(model: Any, column: str, most: int) -> list[Any]:
    """Return the values of a column in their order (one more than ``most`` at the end), hopping over an index from one to the next."""
    field = model._meta.get_field(column)
    if isinstance(field, BooleanField):
        return [False, True]
    table, name = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(field.column)
    living = "deleted_at IS NULL AND " if hasattr(model, "deleted_at") else ""
    least = f"SELECT {name} FROM {table} WHERE {living}{name}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE hop(v, n) AS ((SELECT v, 1 FROM ({least} IS NOT NULL ORDER BY {name} LIMIT 1) first(v)) UNION ALL "
            f"SELECT ({least} > hop.v ORDER BY {name} LIMIT 1), n + 1 FROM (SELECT v, n FROM hop WHERE v IS NOT NULL AND n <= %s) hop) "
            "SELECT v FROM hop WHERE v IS NOT NULL",
            [most],
        )
        return [v for (v,) in cursor.fetchall()]


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
