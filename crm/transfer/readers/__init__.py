"""Readers: a file of any supported kind as headers and rows of texts, with bounded memory."""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from crm.transfer.readers.base import Row, Source, Unreadable
from crm.transfer.readers.delimited import Delimited
from crm.transfer.readers.encoding import refuse_binary
from crm.transfer.readers.jsonfile import JsonFile
from crm.transfer.readers.ldif import BEGINS, DirectoryFile
from crm.transfer.readers.vcard import CardFile
from crm.transfer.readers.workbook import Workbook
from crm.transfer.readers.xmlfile import XmlFile

__all__ = ["Row", "Source", "Unreadable", "open_source"]

_KINDS: dict[str, type[Any]] = {"csv": Delimited, "workbook": Workbook, "json": JsonFile, "vcard": CardFile, "ldif": DirectoryFile, "xml": XmlFile}
_WORKBOOKS = ("xlsx", "xlsm", "xlsb", "xls", "ods")
_REFUSED = {"pdf": "CSV", "yaml": "JSON", "yml": "JSON", "html": "CSV", "htm": "CSV", "numbers": "XLSX"}


def open_source(path: Path, name: str, options: dict[str, Any] | None = None) -> Source:
    """Open a file by its content first and its name second; ``Unreadable`` says what is wrong with it.

    Options: ``encoding``, ``delimiter``, ``header`` (whether there is one), ``sheet``, ``part`` (of a JSON file).
    """
    return _KINDS[kind_of(path, name)](path, options or {})  # type: ignore[no-any-return]


def kind_of(path: Path, name: str) -> str:
    """Tell the kind of a file; content that contradicts the name is refused."""
    extension = Path(name).suffix.lower().lstrip(".")
    with path.open("rb") as file:
        head = file.read(4096)
    # Workbooks are told by what is in them; the child process says so where they are something else.
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "workbook"
    refuse_binary(head)
    if extension in _REFUSED:
        raise Unreadable(
            _("Files of the kind .%(kind)s cannot be read. Save the table as %(better)s.")
            % {"kind": extension, "better": _REFUSED[extension]}
        )
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").lstrip()
    start = head.decode("utf-16", "ignore").lower().encode() if head[:2] in (b"\xff\xfe", b"\xfe\xff") else text.lower()
    if start.startswith(b"<?xml") and b"<html" not in start and b"mso-application" not in start:
        return "xml"
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<table")):
        raise Unreadable(_("This is a web page or XML, not a table. Open it in a spreadsheet program and save the table as XLSX or CSV."))
    if extension == "xml":
        return "xml"
    # Many programs give tabs or commas the name of a workbook (.xls), and spreadsheets open it all the same.
    if extension in _WORKBOOKS and extension != "xls":
        raise Unreadable(_("This is not an XLSX workbook, whatever its name says. Rename it to .csv if it is text."))
    if extension in ("vcf", "vcard") or text[:11].upper() == b"BEGIN:VCARD":
        return "vcard"
    if extension in ("ldif", "ldi") or BEGINS.match(text.replace(b"\r\n", b"\n")):
        return "ldif"
    if extension in ("json", "jsonl", "ndjson") or text[:1] == b"{" or (text[:1] == b"[" and text[1:].lstrip()[:1] == b"{"):
        return "json"
    return "csv"
