"""Reads one sheet of an XLSX file and prints its rows as JSON lines; runs in a process of its own.

It stands alone (no Django), so that it starts fast, under limits on memory and time that its parent sets.
Cells are read from the XML as they come; nothing is sized by what the workbook says about itself.
"""

import array
import json
import mmap
import os
import posixpath
import re
import resource
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 400
MAX_ENTRIES = 5_000
MAX_COLUMNS = 2_000
MAX_CELL = 1_000_000
_CELL = re.compile(r"^([A-Z]{1,3})(\d{1,7})$")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Refused(Exception):
    """A workbook that must not be read: a code for the parent to put into words, and its values."""

    def __init__(self, code: str, **values: Any) -> None:
        self.values = {"refused": code, **values}
        super().__init__(code)


class Texts:
    """The shared strings, kept on disk: a workbook may have millions."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._ends = array.array("Q", [0])
        self._map: mmap.mmap | None = None

    def add(self, text: str) -> None:
        """Append a string."""
        data = text.encode("utf-8", "surrogatepass")
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))

    def get(self, index: int) -> str:
        """Return a string by its number; an unknown one is empty."""
        if not 0 <= index < len(self._ends) - 1 or self._ends[-1] == 0:
            return ""
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogatepass")


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def inspect(book: zipfile.ZipFile, packed: int) -> None:
    """Refuse bombs by the archive's directory, before anything is unpacked."""
    entries = book.infolist()
    unpacked = sum(e.file_size for e in entries)
    if len(entries) > MAX_ENTRIES:
        raise Refused("entries", count=len(entries))
    if unpacked > MAX_UNPACKED or (unpacked > 50_000_000 and unpacked > packed * MAX_RATIO):
        raise Refused("bomb", megabytes=unpacked // 1_000_000)
    if any(e.flag_bits & 1 for e in entries):
        raise Refused("encrypted")


def elements(book: zipfile.ZipFile, name: str, events: tuple[str, ...] = ("end",)) -> Iterator[tuple[str, Element]]:
    """Yield the XML events of a part; declarations of entities and DTDs are refused."""
    with book.open(name) as part:
        yield from iterparse(part, events=events, forbid_dtd=True)


def sheets(book: zipfile.ZipFile) -> tuple[list[tuple[str, str]], bool]:
    """Return the worksheets (name, part) in their order, and whether dates count from 1904."""
    targets = {}
    for _event, node in elements(book, "xl/_rels/workbook.xml.rels"):
        if local(node.tag) == "Relationship":
            target = node.get("Target", "")
            targets[node.get("Id")] = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    found, mac = [], False
    for _event, node in elements(book, "xl/workbook.xml"):
        if local(node.tag) == "sheet":
            part = targets.get(node.get(_RELATION), "")
            if "worksheets/" in part:
                found.append((node.get("name", ""), part))
        elif local(node.tag) == "workbookPr":
            mac = node.get("date1904") in ("1", "true")
    return found, mac


def date_styles(book: zipfile.ZipFile) -> set[int]:
    """Return the numbers of the cell styles that show dates."""
    if "xl/styles.xml" not in book.namelist():
        return set()
    formats: dict[int, str] = dict(BUILTIN_FORMATS)
    dated: set[int] = set()
    for _event, node in elements(book, "xl/styles.xml"):
        if local(node.tag) == "numFmt":
            formats[int(node.get("numFmtId", 0))] = node.get("formatCode", "")
        elif local(node.tag) == "cellXfs":
            for index, style in enumerate(node):
                if is_date_format(formats.get(int(style.get("numFmtId", 0)), "")):
                    dated.add(index)
    return dated


def shared_texts(book: zipfile.ZipFile) -> Texts:
    """Read the shared strings; phonetic guides are left out."""
    texts = Texts()
    if "xl/sharedStrings.xml" in book.namelist():
        root: Element | None = None
        for event, node in elements(book, "xl/sharedStrings.xml", ("start", "end")):
            if root is None:
                root = node
            if event == "end" and local(node.tag) == "si":
                texts.add(plain(node))
                root.clear()
    return texts


def plain(node: Element) -> str:
    """Return the text of a rich or plain string."""
    parts = []
    for child in node:
        if local(child.tag) == "t":
            parts.append(child.text or "")
        elif local(child.tag) == "r":
            parts.extend(t.text or "" for t in child if local(t.tag) == "t")
    return "".join(parts)


def column_of(letters: str) -> int:
    """Return the zero-based column of its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def rows(book: zipfile.ZipFile, part: str, mac: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that have cells, each with its number and its texts up to the last cell."""
    texts, dated = shared_texts(book), date_styles(book)
    epoch = MAC_EPOCH if mac else WINDOWS_EPOCH
    row_number, data = 0, None
    for event, node in elements(book, part, ("start", "end")):
        tag = local(node.tag)
        if event == "start":
            data = node if tag == "sheetData" else data
            continue
        if tag != "row":
            continue
        row_number = int(node.get("r") or row_number + 1)
        cells: dict[int, str] = {}
        at = -1
        for cell in node:
            if local(cell.tag) != "c":
                continue
            place = _CELL.match(cell.get("r") or "")
            at = column_of(place[1]) if place else at + 1
            text = value_of(cell, texts, dated, epoch)
            if not text:
                continue
            if at >= MAX_COLUMNS:
                raise Refused("columns", cell=cell.get("r") or "", limit=MAX_COLUMNS)
            cells[at] = text[: MAX_CELL + 1]
        if cells:
            yield row_number, [cells.get(i, "") for i in range(max(cells) + 1)]
        if data is not None:
            data.clear()


def value_of(cell: Element, texts: Texts, dated: set[int], epoch: Any) -> str:
    """Return a cell as text: numbers without a needless fraction, dates in ISO form, formulas as their value."""
    kind, value = cell.get("t", "n"), ""
    for child in cell:
        if local(child.tag) == "v":
            value = child.text or ""
        elif local(child.tag) == "is":
            return plain(child)
    if not value:
        return ""
    if kind == "s":
        return texts.get(int(value))
    if kind == "b":
        return "true" if value == "1" else "false"
    if kind in ("str", "d"):
        return value
    if kind == "e":
        return ""
    try:
        number = float(value)
    except ValueError:
        return value
    if int(cell.get("s") or 0) in dated:
        try:
            moment = from_excel(number, epoch)
        except (ValueError, OverflowError):
            return value
        text = moment.isoformat()
        return text[:10] if text.endswith("T00:00:00") else text
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def main(path: str, sheet: str) -> None:
    """Print the sheets, then the rows of one, then how it ended."""
    with zipfile.ZipFile(path) as book:
        inspect(book, os.path.getsize(path))
        if "xl/workbook.xml" not in book.namelist():
            raise Refused("not_a_workbook")
        found, mac = sheets(book)
        if not found:
            raise Refused("no_sheet")
        part = next((p for name, p in found if name == sheet), "" if sheet else found[0][1])
        if not part:
            raise Refused("sheet", name=sheet, names=", ".join(n for n, _p in found))
        print(json.dumps({"sheets": [n for n, _p in found]}))
        for number, cells in rows(book, part, mac):
            print(json.dumps([number, cells]))
    print(json.dumps({"end": True}))


if __name__ == "__main__":
    memory, seconds = int(sys.argv[3]), int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        main(sys.argv[1], sys.argv[2])
    except Refused as refused:
        print(json.dumps(refused.values))
    except DefusedXmlException:
        print(json.dumps({"refused": "entities"}))
    except MemoryError:
        print(json.dumps({"refused": "memory"}))
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, NotImplementedError, EOFError) as error:
        print(json.dumps({"refused": "damaged", "error": f"{type(error).__name__}: {error}"[:200]}))
    except BrokenPipeError:
        os._exit(0)
