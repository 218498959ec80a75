"""The four forms of an export, each written in pieces: CSV, XLSX, JSON, XML."""

import datetime as dt
import re
import tempfile
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

import orjson

from crm.transfer.export.lines import CSV, MAX_CELL, XLSX, lines_of
from crm.transfer.export.objects import objects_of
from crm.transfer.export.rows import Exported
from crm.transfer.formulas import guard

PIECE = 500
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "xml": "application/xml",
}
_QUOTED = re.compile(r'[",\r\n]')
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_MARKUP = re.compile("[&<>\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# Certainly no formula, and nothing to quote.
_PLAIN = re.compile(r"[^\W_](?:[^\",\r\n]*[^\",\s])?")
KNOWN = 30_000


def text_of(value: Any) -> str:
    """Return a value as a cell of text: times in UTC, truth as true and false."""
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def csv_cell(value: Any) -> str:
    """Return a cell of CSV; texts are guarded against being run, numbers are what they are."""
    if isinstance(value, str):
        text = guard(value)
    elif isinstance(value, int | float | Decimal | UUID | dt.date) or value is None:
        return text_of(value)
    else:
        text = text_of(value)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) or text != text.strip() else text


class Cells:
    """Writes the cells of one CSV file. What a list says again and again (owners, companies, days) is written once."""

    def __init__(self) -> None:
        self._known: dict[Any, str] = {}

    def line(self, row: list[Any]) -> str:
        """Return a row as a line."""
        known, made = self._known, []
        for value in row:
            if value is None or value == "":
                made.append("")
                continue
            kind = value.__class__
            if kind is UUID or kind is str or kind is dt.datetime:
                text = known.get(value)
                if text is None:
                    text = str(value) if kind is UUID else value if kind is str and _PLAIN.fullmatch(value) else csv_cell(value)
                    if len(known) < KNOWN:
                        known[value] = text
                made.append(text)
            else:
                made.append(csv_cell(value))
        return ",".join(made)


def pieces_of_csv(exported: Exported) -> Iterator[bytes]:
    """Yield an export as CSV with a mark that spreadsheets need to read UTF-8."""
    cells = Cells()
    held = [cells.line(list(exported.headers))]
    yield b"\xef\xbb\xbf"
    written = lines_of(exported, CSV)
    if written is not None:
        yield f"{held[0]}\r\n".encode()
        for lines in written:
            yield ("\r\n".join(lines) + "\r\n").encode()
        return
    for row in exported.rows():
        held.append(cells.line(row))
        if len(held) >= PIECE:
            yield ("\r\n".join(held) + "\r\n").encode()
            held.clear()
    if held:
        yield ("\r\n".join(held) + "\r\n").encode()


def pieces_of_json(exported: Exported) -> Iterator[bytes]:
    """Yield an export as a JSON list of records."""
    yield b"["
    first = True
    written = objects_of(exported)
    if written is not None:
        for lines in written:
            yield (("" if first else ",\n") + ",\n".join(lines)).encode()
            first = False
        yield b"]\n"
        return
    held: list[bytes] = []
    for record in exported.records():
        held.append(orjson.dumps(record, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS))
        if len(held) >= PIECE:
            yield (b"" if first else b",\n") + b",\n".join(held)
            held.clear()
            first = False
    if held:
        yield (b"" if first else b",\n") + b",\n".join(held)
    yield b"]\n"


def pieces_of_xml(exported: Exported) -> Iterator[bytes]:
    """Yield an export as XML: one element a record, one a field."""
    root = re.sub(r"[^a-z_]", "_", exported.entity.plural)
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>\n'.encode()
    held: list[str] = []
    for record in exported.records():
        held.append(_element(exported.entity.name, record))
        if len(held) >= PIECE:
            yield "".join(held).encode()
            held.clear()
    yield "".join(held).encode()
    yield f"</{root}>\n".encode()


@lru_cache(maxsize=1_000)
def _tag(name: str) -> str:
    tag = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return tag if re.match(r"[A-Za-z_]", tag) else f"_{tag}"


def _element(name: str, value: Any) -> str:
    tag = _tag(name)
    if value is None:
        return f"<{tag}/>"
    kind = value.__class__
    if kind is UUID or kind is int or kind is Decimal or (kind is str and not _MARKUP.search(value)):
        return f"<{tag}>{value}</{tag}>"
    if isinstance(value, dict):
        return f"<{tag}>" + "".join(_element(str(k), v) for k, v in value.items()) + f"</{tag}>\n"
    if isinstance(value, list):
        return f"<{tag}>" + "".join(_element("item", v) for v in value) + f"</{tag}>\n"
    return f"<{tag}>{escape(_NOT_XML.sub('', text_of(value)))}</{tag}>"


def pieces_of_xlsx(exported: Exported) -> Iterator[bytes]:
    """Yield an export as a workbook. Texts are typed strings, so that none is a formula."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as book:
            for name, content in _PARTS.items():
                book.writestr(name, content.replace("SHEET", escape(str(exported.entity.label_plural))[:31]))
            with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
                sheet.write(_SHEET.encode())
                held = ["<row>" + "".join(_xlsx_cell(h, 1) for h in exported.headers) + "</row>"]
                written = lines_of(exported, XLSX)
                for lines in written or ():
                    sheet.write("".join(held + lines).encode())
                    held.clear()
                for row in exported.rows() if written is None else ():
                    held.append("<row>" + "".join(map(_xlsx_cell, row)) + "</row>")
                    if len(held) >= PIECE:
                        sheet.write("".join(held).encode())
                        held.clear()
                sheet.write(("".join(held) + "</sheetData></worksheet>").encode())
        file.seek(0)
        while block := file.read(1 << 18):
            yield block


def _xlsx_cell(value: Any, style: int = 0) -> str:
    if value is None or value == "":
        return "<c/>"
    if value is True or value is False:
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | Decimal):
        return f"<c><v>{value}</v></c>"
    text = escape(_NOT_XML.sub("", text_of(value))[:MAX_CELL])
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{text}</t></is></c>'


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
    'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_PARTS = {
    "[Content_Types].xml": (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="SHEET" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
        '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf numFmtId="49"/>'
        '<xf numFmtId="49" fontId="1" applyFont="1"/></cellXfs></styleSheet>'
    ),
}
PIECES = {"csv": pieces_of_csv, "xlsx": pieces_of_xlsx, "json": pieces_of_json, "xml": pieces_of_xml}
