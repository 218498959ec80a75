"""LDIF (RFC 2849), the address books of Thunderbird, Outlook servers and directories: one entry a person, attributes by their names.

The package ``ldif`` reads it as well, but stops at the first line that is none, does not bound a folded line, and knows no
line numbers below one: a row must be told by its place, and a hostile file must not fill the memory.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from crm.transfer.readers.base import MAX_CELL, Row, Source, Unreadable, name_headers, storable
from crm.transfer.readers.encoding import detect, open_text

BEGINS = re.compile(rb"\A(version:\s*1\s*\n|#[^\n]*\n|\s*\n)*dn::?\s", re.IGNORECASE)
LOOKED_AT = 5_000
"""Entries of which the attributes make the header; a rare one that comes later stands with the others."""
NAMES = {
    "cn": "Full name", "displayname": "Full name", "givenname": "First name", "gn": "First name", "sn": "Last name", "surname": "Last name",
    "mail": "Email", "mozillasecondemail": "Email 2", "telephonenumber": "Phone", "homephone": "Home phone", "mobile": "Mobile phone",
    "cellphone": "Mobile phone", "facsimiletelephonenumber": "Fax", "fax": "Fax", "o": "Company", "company": "Company", "ou": "Department",
    "department": "Department", "title": "Job title", "street": "Street", "streetaddress": "Street", "postaladdress": "Street", "l": "City",
    "locality": "City", "st": "State", "region": "State", "postalcode": "Postal code", "zip": "Postal code", "c": "Country", "co": "Country",
    "countryname": "Country", "description": "Note", "labeleduri": "Website", "mozillaworkurl": "Website", "mozillahomeurl": "Website",
}
_UNSAID = frozenset({"objectclass", "userpassword", "jpegphoto", "photo", "usercertificate", "modifytimestamp", "changetype"})
"""What says nothing of a person, or is a secret or a picture."""
_REST = "Other"


class DirectoryFile(Source):
    """Entries as rows; an attribute that comes several times stands in one cell, its values one below the other."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "ldif")
        self.encoding = str(options.get("encoding") or detect(path))
        found: dict[str, None] = {}
        for number, (_line, entry) in enumerate(self._entries()):
            if number >= LOOKED_AT:
                break
            found.update(dict.fromkeys(entry))
        if not found:
            raise Unreadable(_("The file holds no entries (lines of “name: value” below a “dn:”)."))
        self.headers = name_headers([*found, _REST])
        self.details = {"encoding": self.encoding}

    def rows(self) -> Iterator[Row]:
        """Yield one row an entry, by the number of its first line."""
        known = set(self.headers[:-1])
        for number, entry in self._entries():
            rest = "\n".join(f"{name}: {value}" for name, values in entry.items() if name not in known for value in values)
            cells, problem = storable([*("\n".join(entry.get(h, ())) for h in self.headers[:-1]), rest])
            yield Row(number, [c[:MAX_CELL] for c in cells], problem)

    def _entries(self) -> Iterator[tuple[int, dict[str, list[str]]]]:
        entry: dict[str, list[str]] = {}
        first = 0
        for number, line in self._lines():
            if not line.strip():
                if entry:
                    yield first, entry
                entry = {}
                continue
            name, value = _attribute(line)
            if name == "dn" or not name:
                first = number
            elif name not in _UNSAID and name != "version" and value.strip():
                values = entry.setdefault(NAMES.get(name, name), [])
                if value.strip() not in values:
                    values.append(value.strip())
        if entry:
            yield first, entry

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines without comments, each with what was folded below it."""
        held, at = "", 0
        with open_text(self.path, self.encoding, strict=False, newline=None) as file:
            for number, line in enumerate(file, 1):
                text = line.rstrip("\r\n")
                if text[:1] == " " and held:
                    held = (held + text[1:])[: MAX_CELL * 2]
                    continue
                if held:
                    yield at, held
                held, at = text, number
                if text[:1] == "#":
                    held = ""
                elif not text.strip():
                    yield at, ""
                    held = ""
        if held:
            yield at, held


def _attribute(line: str) -> tuple[str, str]:
    """Return the name and the value of a line; what stands behind two colons is base64."""
    name, colon, value = line.partition(":")
    if not colon:
        return "", ""
    name = name.partition(";")[0].strip().lower()
    if value.startswith(":"):
        try:
            return name, base64.b64decode(value[1:].strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return name, value[1:]
    return (name, "") if value.startswith("<") else (name, value)
