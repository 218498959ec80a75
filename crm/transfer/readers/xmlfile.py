"""XML with one element a record, as our own export writes it: nested elements become dotted columns, lists stay JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse
from django.utils.translation import gettext as _

from crm.transfer.readers.base import MAX_CELL, MAX_COLUMNS, Row, Source, Unreadable, storable
from crm.transfer.readers.jsonfile import flatten

LONGEST = 8 * MAX_CELL
"""How many bytes one record may have."""
_NO_LISTS = frozenset({"workbook", "html", "svg", "rss", "feed", "worksheet"})


class XmlFile(Source):
    """The elements below the root as rows."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "xml")
        columns: dict[str, None] = {}
        for record in self._records():
            columns.update(dict.fromkeys(flatten(record)))
            if len(columns) > MAX_COLUMNS:
                raise Unreadable(_("The objects have more than %(limit)d different fields.") % {"limit": MAX_COLUMNS})
        if not columns:
            raise Unreadable(_("The file holds no objects."))
        self.headers = list(columns)
        self.details = {}

    def rows(self) -> Iterator[Row]:
        """Yield the records; the first is row 1."""
        for number, record in enumerate(self._records(), 1):
            flat = flatten(record)
            cells, problem = storable([flat.get(h, "") for h in self.headers])
            yield Row(number, cells, problem)

    def _records(self) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as file:
            watched = _Watched(file)
            root: Element | None = None
            depth = 0
            try:
                for event, element in iterparse(watched, events=("start", "end"), forbid_dtd=True):
                    depth += 1 if event == "start" else -1
                    if root is None:
                        root = element
                        if _local(root.tag).lower() in _NO_LISTS:
                            raise _no_list()
                    elif event == "end" and depth == 1:
                        value = _value(element)
                        if not isinstance(value, dict):
                            raise _no_list()
                        yield value
                        root.clear()
                        watched.since = 0
            except ParseError as error:
                raise Unreadable(_("The file is not valid XML: %(error)s.") % {"error": error}) from None
            except DefusedXmlException:
                raise Unreadable(_("The XML declares entities or a document type. Remove the declaration.")) from None
            except (LookupError, ValueError):
                raise Unreadable(_("The XML names an encoding that is not known.")) from None


class _Watched:
    """A file that counts what was read since the last record, so that none of them fills the memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        self.since += 1 << 16
        if self.since > LONGEST:
            raise Unreadable(_("One record of the XML is longer than %(limit)d bytes. Divide it.") % {"limit": LONGEST})
        return self._file.read(1 << 16)


def _no_list() -> Unreadable:
    return Unreadable(_("This XML is no list of records with fields. Open it in a spreadsheet program and save the table as XLSX or CSV."))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _value(element: Element, depth: int = 0) -> Any:
    """Return what an element holds: a text, a list of items, or fields by their names."""
    if depth > 20:
        raise Unreadable(_("The XML is nested too deeply."))
    children = list(element)
    if not children and not element.attrib:
        return (element.text or "").strip()
    if children and all(_local(c.tag) == "item" for c in children):
        return [_value(c, depth + 1) for c in children]
    made: dict[str, Any] = {_local(name): text for name, text in element.attrib.items()}
    for child in children:
        name, value = _local(child.tag), _value(child, depth + 1)
        if name in made:
            held = made[name]
            made[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            made[name] = value
    if text := (element.text or "").strip():
        made["text"] = text
    return made
