"""Queries that are built and compiled once and asked many times, each time with other values.

Building and compiling costs the ORM several times what the database needs to answer; what every request asks in
the same words is worth keeping. ``build`` makes the queryset from its values; ``samples`` are values of the same
types that occur nowhere else in it, and mark the places.

The database keeps them too: each connection has such a statement parsed and planned after its second use
(``DATABASE_PREPARE=false`` where a proxy between us and PostgreSQL cannot pass on prepared statements).
"""

import threading
import uuid
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models.query import get_related_populators
from psycopg.sql import Literal

M = TypeVar("M", bound=models.Model)
Q = TypeVar("Q", bound="_Query")


class PreparedCursor(ServerBindingCursor):
    """The driver's own cursor, which leaves the values to the server."""

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        """Keep the statement where Django's log of queries looks for it; the driver forgets it when it is prepared."""
        self._query = super()._convert_query(query, params)  # type: ignore[misc]
        return self._query


def prepared_cursor() -> Any:
    """Return a cursor whose statements the server plans once for a connection, not each time."""
    connection.ensure_connection()
    # Django's own cursor writes the values into the statement, so that the server never sees the same one twice.
    return connection._prepare_cursor(PreparedCursor(connection.connection))  # type: ignore[attr-defined, call-arg]


class Among(models.Lookup):  # type: ignore[type-arg]
    """``id__among=[…]``: one parameter for any number of ids or moments, so that the statement stays the same."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the comparison."""
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, self.rhs]


models.UUIDField.register_lookup(Among)
models.DateTimeField.register_lookup(Among)


class _Query:
    """What all kinds share: the compiled statement, and where its values stand."""

    _may_leave_out = False
    """Whether there may be values that the statement has no place for."""

    def __init__(self, build: Callable[..., Any], samples: Sequence[Any], *, planned: bool = True) -> None:
        """``planned``: the server keeps the plan too, which is wrong where the best plan depends on the values."""
        self._planned = planned
        self._build: Callable[..., Any] | None = build
        self._samples = samples
        self._lock = threading.Lock()
        self._ready = False

    def ask(self, values: Sequence[Any]) -> list[Any]:
        """Return the rows with these values, converted."""
        if not self._ready:
            self._compile()
        if not self._sql:
            return []
        params = [p if at is None else values[at] for p, at in zip(self._params, self._places, strict=True)]
        rows = self._rows(params)
        return list(self.compiler.apply_converters([list(r) for r in rows], self._converters)) if self._converters else rows

    def _rows(self, params: Sequence[Any]) -> list[Any]:
        with prepared_cursor() if self._planned else connection.cursor() as cursor:
            cursor.execute(self._sql, params)
            return list(cursor.fetchall())

    def _compile(self) -> None:
        with self._lock:
            if self._ready:
                return
            assert self._build is not None
            try:
                sql, params = self._made(self._build(*self._samples))
            except EmptyResultSet:  # whoever asks sees nothing of it
                self._sql, self._ready, self._build = "", True, None
                return
            self._sql = sql
            self._params = list(params)
            self._places = [next((at for at, s in enumerate(self._samples) if s == p), None) for p in self._params]
            if not self._may_leave_out and {*self._places} - {None} != {*range(len(self._samples))}:
                raise ValueError("Not every value is in the query as it is given.")
            self._ready = True
            self._build = None  # it may hold on to the user who asked first

    def _made(self, built: Any) -> tuple[str, Sequence[Any]]:
        """Return the statement that was built and its values."""
        self.compiler = built.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = self.compiler.as_sql()
        self._converters = self.compiler.get_converters([e for e, *_ in self.compiler.select])
        return sql, params


class PreparedMany(_Query, Generic[M]):
    """Instances, with what is selected along with them and their annotations, as the queryset would give them."""

    def all(self, *values: Any) -> list[M]:
        """Return the rows as instances."""
        rows = self.ask(values)
        if not rows:
            return []
        compiler = self.compiler
        info = compiler.klass_info
        start, end = info["select_fields"][0], info["select_fields"][-1] + 1
        names = [compiler.select[i][0].target.attname for i in range(start, end)]
        populators = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        annotations = list(compiler.annotation_col_map.items())
        found: list[M] = []
        for row in rows:
            made = info["model"].from_db(DEFAULT_DB_ALIAS, names, row[start:end])
            for populator in populators:
                populator.populate(row, made)
            for name, column in annotations:
                setattr(made, name, row[column])
            found.append(made)
        return found


class PreparedOne(PreparedMany[M]):
    """One instance."""

    def first(self, *values: Any) -> M | None:
        """Return the first row as an instance; None for none."""
        return next(iter(self.all(*values)), None)


class PreparedTuples(_Query):
    """Plain tuples of a queryset with ``values_list()``, a union as well."""


# Workers would cost more to start than they could save.
_PLANNED_ONCE = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('max_parallel_workers_per_gather', '0', true)"


class PreparedText(_Query):
    """Plain tuples of a statement that is put together of several: ``build`` gives its text and its values.

    Its plan must fit any values. Ids stay values of the statement, so that people with the same kind of rights share the
    plan; everything else is written into it, so that the planner sees it.
    """

    _may_leave_out = True

    def _made(self, built: Any) -> tuple[str, Sequence[Any]]:
        self._converters: dict[int, Any] = {}
        sql, params = built
        pieces = sql.split("%s")
        text, kept = pieces[0], []
        for value, piece in zip(params, pieces[1:], strict=True):
            if value in self._samples or isinstance(value, uuid.UUID):
                text, kept = f"{text}%s{piece}", [*kept, value]
            else:
                text += Literal(value).as_string().replace("%", "%%") + piece
        return text, kept

    def _rows(self, params: Sequence[Any]) -> list[Any]:
        if not self._planned:
            return super()._rows(params)
        with transaction.atomic() if not connection.in_atomic_block else nullcontext(), prepared_cursor() as cursor:
            cursor.execute(_PLANNED_ONCE)
            cursor.execute(self._sql, params)
            return list(cursor.fetchall())


class PreparedRows(_Query):
    """Plain rows of a queryset with ``values()``."""

    def rows(self, *values: Any) -> list[dict[str, Any]]:
        """Return the rows by name."""
        found = self.ask(values)
        names = list(self.compiler.query.selected)
        return [dict(zip(names, row, strict=True)) for row in found]


class Shelf(Generic[Q]):
    """Prepared queries by what they depend on: the rights of who asks, the fields that are shown."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._kept: dict[Hashable, Q] = {}

    def get(self, key: Hashable, make: Callable[[], Q]) -> Q:
        """Return the query that is kept under a key, made if need be; with a key of None it is not kept."""
        query = self._kept.get(key) if key is not None else None
        if query is None:
            query = make()
            if key is not None:
                if len(self._kept) >= self._most:
                    self._kept.clear()
                self._kept[key] = query
        return query
