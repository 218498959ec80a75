"""Reads one sheet of a workbook and prints its rows as JSON lines; runs in a process of its own.

It stands alone (no Django), so that it starts fast, under limits on memory and time that its parent sets.
Cells of XLSX are read from the XML as they come; nothing is sized by what the workbook says about itself.
The other kinds (XLS, XLSB, ODS) are read by calamine, whole, under the same limits.
"""

import array
import datetime as dt
import json
import mmap
import os
import posixpath
import re
import resource
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

# A neighbour: this file is run as a script, so its folder is where modules are looked for first.
from cell_formats import PLAIN, Format, format_of, plain, shown  # type: ignore[import-not-found]
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 400
MAX_ENTRIES = 5_000
MAX_COLUMNS = 2_000
MAX_CELL = 1_000_000
MAX_MERGED = 20_000
_MERGED = re.compile(rb'ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_CELL = re.compile(r"^([A-Z]{1,3})(\d{1,7})$")
_RELATION = "relationships}id"  # so it ends in the ordinary form of a workbook and in the strict one
_LONG = re.compile(r"^-?\d{16,}$")


class Refused(Exception):
    """A workbook that must not be read: a code for the parent to put into words, and its values."""

    def __init__(self, code: str, **values: Any) -> None:
        self.values = {"refused": code, **values}
        super().__init__(code)


class Sheet(NamedTuple):
    """A sheet of a workbook: its name, where it lies, whether people see it."""

    name: str
    part: str
    visible: bool


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
        """Return a string by its number."""
        if not 0 <= index < len(self._ends) - 1:
            raise ValueError(f"there is no shared string {index}")
        if self._ends[-1] == 0:
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


def kind_of(path: str) -> str:
    """Tell the kind of a workbook by what is in it."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in head:
            raise Refused("encrypted")
        return "xls"
    with zipfile.ZipFile(path) as book:
        inspect(book, os.path.getsize(path))
        names = set(book.namelist())
        if "mimetype" in names and book.read("mimetype")[:80].strip().endswith((b"opendocument.spreadsheet", b"opendocument.spreadsheet-template")):
            return "ods"
        if "xl/workbook.bin" in names:
            return "xlsb"
        if "xl/workbook.xml" in names:
            return "xlsx"
        for start, code in (("word/", "document"), ("ppt/", "document"), ("Index/", "numbers")):
            if any(n.startswith(start) for n in names):
                raise Refused(code)
        raise Refused("document" if "mimetype" in names else "archive", names=", ".join(sorted(names)[:3]))


def sheets(book: zipfile.ZipFile) -> tuple[list[Sheet], bool]:
    """Return the worksheets in their order, and whether dates count from 1904."""
    targets = {}
    for _event, node in elements(book, "xl/_rels/workbook.xml.rels"):
        if local(node.tag) == "Relationship":
            target = node.get("Target", "")
            targets[node.get("Id")] = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    found, mac = [], False
    for _event, node in elements(book, "xl/workbook.xml"):
        if local(node.tag) == "sheet":
            part = targets.get(next((v for k, v in node.items() if k.endswith(_RELATION)), None), "")
            if "worksheets/" in part:
                found.append(Sheet(node.get("name", ""), part, node.get("state", "visible") == "visible"))
        elif local(node.tag) == "workbookPr":
            mac = node.get("date1904") in ("1", "true")
    return found, mac


def formats_of(book: zipfile.ZipFile) -> list[Format]:
    """Return what each cell style says about a number."""
    if "xl/styles.xml" not in book.namelist():
        return []
    codes: dict[int, str] = {}
    found: list[Format] = []
    for _event, node in elements(book, "xl/styles.xml"):
        if local(node.tag) == "numFmt":
            codes[int(node.get("numFmtId", 0))] = node.get("formatCode", "")
        elif local(node.tag) == "cellXfs":
            found = [format_of(number, codes.get(number, "")) for style in node for number in [int(style.get("numFmtId", 0))]]
    return found


def shared_texts(book: zipfile.ZipFile) -> Texts:
    """Read the shared strings; phonetic guides are left out."""
    texts = Texts()
    if "xl/sharedStrings.xml" in book.namelist():
        root: Element | None = None
        for event, node in elements(book, "xl/sharedStrings.xml", ("start", "end")):
            if root is None:
                root = node
            if event == "end" and local(node.tag) == "si":
                texts.add(rich(node))
                root.clear()
    return texts


def rich(node: Element) -> str:
    """Return the text of a rich or plain string."""
    parts = []
    for child in node:
        if local(child.tag) == "t":
            parts.append(child.text or "")
        elif local(child.tag) == "r":
            parts.extend(t.text or "" for t in child if local(t.tag) == "t")
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), "".join(parts))


def column_of(letters: str) -> int:
    """Return the zero-based column of its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def merged_below(book: zipfile.ZipFile, part: str) -> dict[int, list[tuple[int, int]]]:
    """Return which cells stand for rows below them: (column, last row) by their row.

    The list of merged cells follows the rows; it is looked up beforehand, without taking the XML apart.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    with book.open(part) as sheet:
        tail = b""
        while block := sheet.read(1 << 20):
            at = (tail + block).find(b"mergeCells")
            if at >= 0:
                text = (tail + block)[at:] + sheet.read(2_000_000)
                for left, top, _right, bottom in _MERGED.findall(text)[:MAX_MERGED]:
                    if int(bottom) > int(top):
                        found.setdefault(int(top), []).append((column_of(left.decode()), int(bottom)))
                return found
            tail = block[-20:]
    return found


class Reader:
    """The rows of the sheets of one XLSX file."""

    def __init__(self, book: zipfile.ZipFile, mac: bool) -> None:
        self.book = book
        self.mac = mac
        self.texts = shared_texts(book)
        self.formats = formats_of(book)

    def rows(self, part: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that have cells, each with its number and its texts up to the last cell."""
        merged = merged_below(self.book, part)
        standing: dict[int, tuple[int, str]] = {}
        row_number, data = 0, None
        for event, node in elements(self.book, part, ("start", "end")):
            tag = local(node.tag)
            if event == "start":
                data = node if tag == "sheetData" else data
                continue
            if tag != "row":
                continue
            row_number = int(node.get("r") or row_number + 1)
            cells = self._cells(node)
            for column, (last, text) in list(standing.items()):
                if row_number > last:
                    del standing[column]
                elif cells:
                    cells.setdefault(column, text)
            for column, last in merged.get(row_number, ()):
                if column in cells:
                    standing[column] = (last, cells[column])
            if cells:
                yield row_number, [cells.get(i, "") for i in range(max(cells) + 1)]
            if data is not None:
                data.clear()

    def _cells(self, row: Element) -> dict[int, str]:
        cells: dict[int, str] = {}
        at = -1
        for cell in row:
            if local(cell.tag) != "c":
                continue
            place = _CELL.match(cell.get("r") or "")
            at = column_of(place[1]) if place else at + 1
            text = self._text(cell)
            if not text:
                continue
            if at >= MAX_COLUMNS:
                raise Refused("columns", cell=cell.get("r") or "", limit=MAX_COLUMNS)
            cells[at] = text[: MAX_CELL + 1]
        return cells

    def _text(self, cell: Element) -> str:
        """Return a cell as text: numbers as they are shown, dates in ISO form, formulas as their value."""
        kind, value, formula = cell.get("t", "n"), "", ""
        for child in cell:
            name = local(child.tag)
            if name == "v":
                value = child.text or ""
            elif name == "is":
                return rich(child)
            elif name == "f":
                formula = child.text or ""
        if not value:
            # A formula that no program has calculated yet stands for itself: better than for nothing.
            return f"={formula}" if formula and kind != "str" else ""
        if kind == "s":
            return self.texts.get(int(value))
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind in ("str", "d", "e"):
            return value
        try:
            number = float(value)
        except ValueError:
            return value
        style = int(cell.get("s") or 0)
        found = self.formats[style] if style < len(self.formats) else Format(PLAIN)
        if found.kind == PLAIN and _LONG.match(value):
            return value  # an id that was written as a number: its last digits count
        return shown(number, found, self.mac) if number == number and abs(number) < 1e300 else value


def read_xlsx(path: str, wanted: str) -> None:
    """Print the sheets and the rows of one: the wanted, or the first that people see and that has rows."""
    with zipfile.ZipFile(path) as book:
        found, mac = sheets(book)
        if not found:
            raise Refused("no_sheet")
        chosen = [s for s in found if s.name == wanted] if wanted else sorted(found, key=lambda s: not s.visible)
        if not chosen:
            raise Refused("sheet", name=wanted, names=", ".join(s.name for s in found))
        reader = Reader(book, mac)
        for place, sheet in enumerate(chosen, 1):
            rows = reader.rows(sheet.part)
            first = next(rows, None)
            if first is None and place < len(chosen):
                continue
            about("xlsx", sheet.name, [(s.name, s.visible) for s in found])
            if first is not None:
                say([*first])
                for number, cells in rows:
                    say([number, cells])
            return


def read_by_calamine(path: str, wanted: str, kind: str) -> None:
    """Print the sheets and the rows of one sheet of a workbook of another kind."""
    try:
        book = CalamineWorkbook.from_path(path)
        found = [(s.name, s.visible == SheetVisibleEnum.Visible) for s in book.sheets_metadata]
        chosen = [s for s in found if s[0] == wanted] if wanted else sorted(found, key=lambda s: not s[1])
        if not chosen:
            raise Refused("sheet" if wanted else "no_sheet", name=wanted, names=", ".join(n for n, _v in found))
        for place, (name, _visible) in enumerate(chosen, 1):
            sheet = book.get_sheet_by_name(name)
            if sheet.height == 0 and place < len(chosen):
                continue
            about(kind, name, found)
            start = sheet.start[0] if sheet.start else 0
            for number, row in enumerate(sheet.to_python(skip_empty_area=True), start + 1):
                cells = [value_as_text(v) for v in row]
                while cells and not cells[-1]:
                    cells.pop()
                if len(cells) > MAX_COLUMNS:
                    raise Refused("columns", cell=f"{number}", limit=MAX_COLUMNS)
                if cells:
                    say([number, cells])
            return
    except PasswordError:
        raise Refused("encrypted") from None
    except CalamineError as error:
        raise Refused("damaged", error=str(error)[:200]) from None


def value_as_text(value: Any) -> str:
    """Return a value of calamine as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return plain(float(value))
    if isinstance(value, dt.datetime):
        text = value.isoformat(timespec="seconds")
        return text[:10] if text.endswith("T00:00:00") else text
    if isinstance(value, dt.timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def about(kind: str, sheet: str, found: list[tuple[str, bool]]) -> None:
    """Print what the workbook is."""
    say({"kind": kind, "sheet": sheet, "sheets": [n for n, _v in found], "visible": [n for n, v in found if v]})


def say(what: Any) -> None:
    """Print a line of JSON."""
    print(json.dumps(what))


def main(path: str, wanted: str) -> None:
    """Print the sheets, then the rows of one, then how it ended."""
    kind = kind_of(path)
    if kind == "xlsx":
        read_xlsx(path, wanted)
    else:
        read_by_calamine(path, wanted, kind)
    say({"end": True})


if __name__ == "__main__":
    memory, seconds = int(sys.argv[3]), int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        main(sys.argv[1], sys.argv[2])
    except Refused as refused:
        say(refused.values)
    except DefusedXmlException:
        say({"refused": "entities"})
    except MemoryError:
        say({"refused": "memory"})
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, NotImplementedError, EOFError, OSError, zlib.error) as error:
        if isinstance(error, BrokenPipeError):
            os._exit(0)
        say({"refused": "damaged", "error": f"{type(error).__name__}: {error}"[:200]})
