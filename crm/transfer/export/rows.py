"""Records on their way out: what a viewer may see, read through a server-side cursor, flat for tables."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from crm.records.entity import Entity
from crm.records.fields import LINKS, NUMERIC, Kind
from crm.records.representation import Representation

CHUNK = 2_000


class Exported:
    """The records of a queryset as rows; related records give their name and their id."""

    def __init__(
        self, of: Entity, user: Any, queryset: QuerySet[Any], fields: list[str] | None = None,
        told: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.entity = of
        self._told = told
        self.queryset = queryset
        self.shown = Representation(of, user, fields=fields)
        self._names: dict[tuple[str, Any], str] = {}
        """The titles of what custom fields of the current chunk link to."""
        self.columns: list[tuple[str, str, str]] = [(n, n, "") for n in self.shown.base]
        """(header, field, what of it)"""
        for f in self.shown.fields.values():
            self.columns.append((f.name, f.name, "name" if f.kind in LINKS else str(f.kind)))
            if f.kind in LINKS:
                self.columns.append((f"{f.name}_id", f.name, "id"))
        links = {f.name for f in self.shown.custom_links}
        for name in self.shown.custom:
            self.columns.append((f"custom.{name}", name, "custom name" if name in links else "custom"))
            if name in links:
                self.columns.append((f"custom.{name}_id", name, "custom"))

    @property
    def headers(self) -> list[str]:
        """Return the names of the columns."""
        return [c[0] for c in self.columns]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records as the API shows them."""
        for rows in self._chunks():
            yield from self.shown.finished(rows)

    def rows(self) -> Iterator[list[Any]]:
        """Yield the records as flat rows of texts, numbers, truth values and times."""
        plan = [self._reader(field, what) for _header, field, what in self.columns]
        for rows in self._chunks():
            self._names = self.shown.custom_names(rows)
            for row in rows:
                yield [read(row) for read in plan]

    def _chunks(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the raw rows by the chunk, so that the names of custom links take a statement for each chunk."""
        rows = iter(self.shown.values(self.queryset).iterator(chunk_size=CHUNK))
        count = 0
        while chunk := list(islice(rows, CHUNK)):
            yield chunk
            count += len(chunk)
            self._told(count)

    def alias(self, name: str, what: str) -> str:
        """Return the name under which the statement of ``raw`` gives what a column shows (no custom field)."""
        f = self.shown.fields.get(name)
        if f is None:
            return name
        if what == "id":
            return f"{f.source}_id"
        if what == "name":
            return f"_name_{f.name}"
        if f.kind == Kind.TAGS:
            return f"_tags_{f.name}"
        return f"_value_{f.name}" if f.expression is not None or f.extra.get("display") == "name" else f.source

    def raw(self) -> tuple[QuerySet[Any], str, tuple[Any, ...]] | None:
        """Return the statement behind the rows; None where it cannot be asked, or something is known only to this program."""
        if self.shown.custom_links:
            return None
        queryset = self.shown.values(self.queryset)
        try:
            return queryset, *queryset.query.sql_with_params()
        except EmptyResultSet:  # nothing can be among them, and Django makes no statement of that
            return None

    def told(self, count: int) -> None:
        """Say how many rows were written so far."""
        self._told(count)

    def _reader(self, name: str, what: str) -> Any:
        f = self.shown.fields.get(name)
        if what == "custom":
            return lambda row: _flat((row.get("custom") or {}).get(name))
        if what == "custom name":
            return lambda row: self._names.get((name, (row.get("custom") or {}).get(name)))
        key = self.alias(name, what)
        if f is None or what in ("id", "name") or f.kind in NUMERIC or f.kind == Kind.BOOLEAN:
            return lambda row: row[key]
        return lambda row: _flat(row[key])


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return value or None
    if isinstance(value, list):
        return "; ".join(map(str, value)) if all(isinstance(v, str | int) for v in value) else value
    return value
