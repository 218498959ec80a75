"""What every reader gives: headers, and rows of texts one at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from crm.lib.errors import Detail, Invalid

MAX_COLUMNS = 2_000
MAX_CELL = 1_000_000
SAMPLE = 262_144

_NUL = re.compile("\x00")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")


class Unreadable(Invalid):
    """The file cannot be read as a table; the sentence says why and what to do."""

    def __init__(self, message: str, *, row: int | None = None) -> None:
        self.row = row
        super().__init__(message, details=[Detail("file", message)])


class Row(NamedTuple):
    """One record of the file: its number as a person counts (the header is 1), its texts, what is wrong.

    A row with something wrong may have more cells than there are headers: nothing of it is cut off.
    """

    number: int
    cells: list[str]
    problem: str = ""


@dataclass
class Source:
    """An opened file: what it is, its headers, and how to run through its rows again and again."""

    path: Path
    kind: str
    headers: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Yield the rows from the first to the last."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Return what a page shows about the file."""
        return {"kind": self.kind, "headers": self.headers, "warnings": self.warnings, **self.details}


def storable(cells: list[str]) -> tuple[list[str], str]:
    """Return the cells without what PostgreSQL cannot hold, and a sentence if there was any."""
    if not _UNSTORABLE.search("".join(cells)):
        return cells, ""
    for index, cell in enumerate(cells):
        if _UNSTORABLE.search(cell):
            words = (
                _("Column %(column)d holds characters that cannot be stored (NUL). Remove them.") if _NUL.search(cell)
                else _("Column %(column)d holds bytes that the file's encoding does not know. Write the cell again.")
            )
            return [_UNSTORABLE.sub("\ufffd", c) for c in cells], words % {"column": index + 1}
    return cells, ""


def name_headers(found: list[str]) -> list[str]:
    """Return usable headers: trimmed, empty ones numbered, repeated ones counted."""
    if len(found) > MAX_COLUMNS:
        raise Unreadable(
            _("The file has %(count)d columns; at most %(limit)d can be read. Delete the columns that are not needed.")
            % {"count": len(found), "limit": MAX_COLUMNS}
        )
    named: list[str] = []
    taken: set[str] = set()
    for index, header in enumerate(found):
        plain = _INVISIBLE.sub("", _UNSTORABLE.sub("", header))
        name = " ".join(plain.split())[:200] or _("Column %(number)d") % {"number": index + 1}
        unique, count = name, 2
        while unique in taken:
            unique = f"{name} ({count})"
            count += 1
        taken.add(unique)
        named.append(unique)
    return named


def fit(cells: list[str], width: int) -> tuple[list[str], str]:
    """Return the cells padded to ``width``; text that has no column is a problem, and is kept."""
    if len(cells) < width:
        return cells + [""] * (width - len(cells)), ""
    if len(cells) == width:
        return cells, ""
    extra = [c for c in cells[width:] if c.strip()]
    if not extra:
        return cells[:width], ""
    return cells, _(
        "The row has %(count)d cells, the header %(width)d (“%(extra)s” has no column). Add a header or quote the cell."
    ) % {"count": len(cells), "width": width, "extra": extra[0][:40]}


def titles_above(rows: list[list[str]]) -> int:
    """Return how many rows stand above the header: titles fill less than half of the width of what follows."""
    filled = [sum(bool(c.strip()) for c in row) for row in rows]
    widest = max(filled)
    return next(i for i, count in enumerate(filled) if count * 2 > widest) if widest > 2 else 0


def left_out(row: int, first: list[str]) -> str:
    """Return the sentence that says what stands above the header."""
    return _("Row %(row)d is taken as the header; what stands above it (“%(text)s”) is left out.") % {
        "row": row, "text": next(c for c in first if c.strip())[:60],
    }


def no_rows(headers: list[str]) -> Unreadable:
    """Return the refusal of a table without rows."""
    return Unreadable(
        _("The file has a header (%(headers)s) and no rows below it.") % {"headers": ", ".join(headers[:6])[:200]}
    )
