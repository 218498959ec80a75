"""JSON: a list of objects, an object with lists of them (one part is read at a time), or one object a line."""

import json
from collections.abc import Iterator
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from crm.transfer.readers.base import MAX_CELL, MAX_COLUMNS, Row, Source, Unreadable, storable
from crm.transfer.readers.encoding import detect, open_text

_SPACE = " \t\r\n,"
_LISTS = frozenset({"data", "results", "result", "records", "items", "rows", "entries", "elements", "objects", "list", "value", "values"})
"""What programs call the list in their answers, whatever they say about it before."""


class JsonFile(Source):
    """Objects as rows: nested objects become dotted columns, lists stay JSON in their cell."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "json")
        self.encoding = detect(path)
        self.part = str(options.get("part") or "")
        columns: dict[str, None] = {}
        parts: dict[str, int] = {}
        for part, number, item in _objects(path, self.encoding):
            if not isinstance(item, dict):
                raise Unreadable(
                    _("A list of objects is expected; element %(number)d is not an object but “%(value)s”.")
                    % {"number": number, "value": str(item)[:40]}
                )
            parts[part] = parts.get(part, 0) + 1
            if part == (self.part or next(iter(parts))):
                columns.update(dict.fromkeys(flatten(item)))
                if len(columns) > MAX_COLUMNS:
                    raise Unreadable(_("The objects have more than %(limit)d different fields.") % {"limit": MAX_COLUMNS})
        if not parts:
            raise Unreadable(_("The file holds no objects."))
        self.part = self.part or next(iter(parts))
        if self.part not in parts:
            raise Unreadable(
                _("There is no list “%(name)s”; there are: %(names)s.") % {"name": self.part, "names": ", ".join(parts)}
            )
        self.headers = list(columns)
        self.details = {"encoding": self.encoding, "part": self.part, "parts": parts}
        others = [p for p in parts if p != self.part]
        if others:
            self.warnings.append(_("The file also holds: %(names)s. Import each of them as well.") % {"names": ", ".join(others)})

    def rows(self) -> Iterator[Row]:
        """Yield the objects of the chosen part; the first is row 1."""
        for part, number, item in _objects(self.path, self.encoding):
            if part == self.part:
                flat = flatten(item)
                cells, problem = storable([flat.get(h, "") for h in self.headers])
                yield Row(number, cells, problem)


def flatten(item: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    """Return an object's values as texts, by dotted names."""
    found: dict[str, str] = {}
    for key, value in item.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < 4:
            found.update(flatten(value, f"{name}.", depth + 1))
        elif value is None or value == {} or value == []:
            found[name] = ""
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, str):
            found[name] = value
        else:
            found[name] = json.dumps(value, ensure_ascii=False)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a name that comes again is counted, so that no value is lost."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found = {}
    for name, value in pairs:
        unique, count = name, 2
        while unique in found:
            unique, count = f"{name} ({count})", count + 1
        found[unique] = value
    return found


def _fraction(text: str) -> float | str:
    """Return a number with a fraction or exponent; as text where it would be another one."""
    found = float(text)
    return found if isfinite(found) and Decimal(repr(found)) == Decimal(text) else text


class _Text:
    """The file as a growing and shrinking window, so that memory does not depend on its size."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.file = open_text(path, encoding, strict=False, newline=None)
        self.window = ""
        self.at = 0
        self.line = 1
        self.decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_fraction, parse_int=lambda t: int(t) if len(t) < 300 else t)

    def more(self) -> bool:
        block = self.file.read(1 << 18)
        self.line += self.window.count("\n", 0, self.at)
        self.window = self.window[self.at :] + block
        self.at = 0
        return bool(block)

    def peek(self) -> str:
        while True:
            while self.at < len(self.window) and self.window[self.at] in _SPACE:
                self.at += 1
            if self.at < len(self.window):
                return self.window[self.at]
            if not self.more():
                return ""

    def rest(self) -> Unreadable:
        """Return the refusal of what stands behind the end, with its line."""
        return Unreadable(_("What stands in line %(line)d is no JSON, or no part of the list: “%(text)s”.") % {
            "line": self.line + self.window.count("\n", 0, self.at), "text": self.window[self.at :].partition("\n")[0].strip()[:60],
        })

    def value(self) -> Any:
        """Read one whole value."""
        self.peek()
        while True:
            try:
                found, end = self.decoder.raw_decode(self.window, self.at)
            except json.JSONDecodeError as error:
                if len(self.window) - self.at > 20 * MAX_CELL or not self.more():
                    raise Unreadable(_("The file is not valid JSON in line %(line)d: %(error)s.") % {
                        "line": self.line + self.window.count("\n", 0, error.pos), "error": error.msg,
                    }) from None
                continue
            except RecursionError:
                raise Unreadable(_("The JSON is nested too deeply.")) from None
            # A number at the end of the window may go on in the next block.
            if end == len(self.window) and self.more():
                continue
            self.at = end
            return found


def _objects(path: Path, encoding: str) -> Iterator[tuple[str, int, Any]]:
    """Yield (part, number, object); the part is empty for a plain list."""
    text = _Text(path, encoding)
    try:
        first = text.peek()
        if first == "[":
            number = 0
            while text.peek() == "[":  # pages of a list, one behind the other
                for element in _elements(text, "", number):
                    number = element[1]
                    yield element
        elif first == "{":
            yield from _members(text)
        elif first:
            raise Unreadable(_("A list of objects is expected, or an object with lists."))
        if text.peek():
            raise text.rest()
    except UnicodeDecodeError as error:
        raise Unreadable(_("The file is not valid %(encoding)s.") % {"encoding": error.encoding}) from None
    finally:
        text.file.close()


def _elements(text: _Text, part: str, number: int = 0) -> Iterator[tuple[str, int, Any]]:
    text.at += 1
    while (mark := text.peek()) != "]":
        if not mark:
            raise Unreadable(_("The JSON ends in the middle of a list."))
        number += 1
        yield part, number, text.value()
    text.at += 1


def _members(text: _Text) -> Iterator[tuple[str, int, Any]]:
    """Read an object of lists; when it holds none, it is a record itself, and so is each further line."""
    number = 0
    while text.peek() == "{":
        text.at += 1
        record: dict[str, Any] = {}
        listed = False
        while (mark := text.peek()) != "}":
            if mark != '"':
                raise Unreadable(_("The file is not valid JSON: a name in quotation marks is expected."))
            name = text.value()
            if text.peek() != ":":
                raise Unreadable(_("The file is not valid JSON: a colon is expected after “%(name)s”.") % {"name": name[:40]})
            text.at += 1
            if text.peek() == "[" and not number and (not record or str(name).lower() in _LISTS):
                listed = True
                yield from _elements(text, str(name))
            else:
                value = text.value()
                if not listed:
                    record[name] = value
        text.at += 1
        if record and not listed:
            number += 1
            yield "", number, record
