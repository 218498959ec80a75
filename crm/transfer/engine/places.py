"""From what a rule calls a field to the column of the file that says it: an error names the place where it is mended."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from crm.records.entity import Entity
from crm.transfer.adapters import Adapter, Draft
from crm.transfer.mapping.model import Mapping


class Places:
    """The columns of a file by the fields that they go to."""

    def __init__(self, entity: Entity, adapter: Adapter, mapping: Mapping, fields: dict[str, Any], headers: list[str]) -> None:
        self.entity = entity
        self.adapter = adapter
        self.mapping = mapping
        self.fields = fields
        self.headers = headers
        self._index = {h: i for i, h in enumerate(headers)}
        self._found: dict[str, str] = {}

    def header_of(self, name: str) -> str:
        """Return the file's own name for what a rule calls by a header, a field's name or its label; else the label."""
        if name not in self._found:
            self._found[name] = self._header_of(name)
        return self._found[name]

    def _header_of(self, name: str) -> str:
        if name in self._index or not name:
            return name
        key = next((k for k, f in self.fields.items() if name in (k, str(f.label))), name)
        for to in (key, *self.adapter.origins.get(key, ())):
            for column in self.mapping.columns:
                if column.header in self._index and column.to == to:
                    return column.header
        for header in (h for h in self._index if "{" + h + "}" in self.mapping.compose.get(key, "")):
            return header
        return str(self.fields[key].label) if key in self.fields else name

    def of_row(self, draft: Draft | None = None) -> str:
        """Return the column that says which record a row is about: of what concerns the whole row this is its name."""
        for kind, *rest in (draft.keys or ()) if draft is not None else ():
            found = {"external": self._first("external_id", "own_id"), "field": self.header_of(rest[0])}.get(kind, "")
            if found in self._index:
                return found
        titles = (self.header_of(t) for t in (*self.entity.title, *self.adapter.keys))
        return next((t for t in titles if t in self._index), self.headers[0] if self.headers else "")

    def of_reading(self, cells: Sequence[str]) -> str:
        """Return the column where a row could not be read: what has none, what cannot be stored, what is never closed."""
        width = len(self.headers)
        if len(cells) > width:
            return _("Column %(number)d") % {"number": 1 + next((i for i, c in enumerate(cells) if i >= width and c.strip()), width)}
        odd = next((i for i, c in enumerate(cells) if "\ufffd" in c), None)
        if odd is None:
            odd = max((i for i, c in enumerate(cells) if c.strip()), default=0)
        return self.headers[odd] if odd < width else ""

    def _first(self, *wanted: str) -> str:
        return next((c.header for c in self.mapping.columns if c.to in wanted and c.header in self._index), "")

    def cell(self, header: str, cells: Sequence[str]) -> str:
        """Return what a row says in a column; what stands beyond the last one, for a column that has no name."""
        at = self._index.get(header)
        if at is not None:
            return cells[at].strip() if at < len(cells) else ""
        return next((c.strip() for c in cells[len(self.headers):] if c.strip()), "") if len(cells) > len(self.headers) else ""
