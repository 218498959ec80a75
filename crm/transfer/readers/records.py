"""The records of a delimited text, one after the other; after a broken one, reading goes on at the next line.

Quotation marks that are opened and never closed would swallow the rest of the file. Here a record that cannot be
read gives its first line as it stands, with a sentence, and the lines after it are read again as records of
their own. What was swallowed in vain is bounded: each failure halves the patience with the next one.
"""

import csv
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from django.utils.translation import gettext as _

from crm.transfer.readers.base import MAX_CELL

LONGEST_LINE = 8 * MAX_CELL
PATIENCE, LEAST_PATIENCE = 20_000, 50
"""How many lines one record may take."""

csv.field_size_limit(MAX_CELL)


class Record(NamedTuple):
    """One record: its line in the file, its cells, and what is wrong with it."""

    line: int
    cells: list[str]
    problem: str = ""


class Dialect(NamedTuple):
    """How cells are told apart."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None

    def reader(self, lines: Any, *, strict: bool) -> Any:
        """Return a reader of lines."""
        return csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, escapechar=self.escape, strict=strict, skipinitialspace=True
        )


class _Endless(Exception):
    """A record takes more lines than it may."""


def records(file: TextIO, dialect: Dialect, line: int = 1) -> Iterator[Record]:
    """Yield the records of an opened file, blank ones too; ``line`` is the number of the first line."""
    taken: list[str] = []
    again: list[str] = []
    patience = PATIENCE
    long = False

    def lines() -> Iterator[str]:
        nonlocal long
        while True:
            if again:
                text = again.pop()
            else:
                text = file.readline(LONGEST_LINE)
                if len(text) == LONGEST_LINE and text[-1] not in "\r\n":
                    long = True
                    while (rest := file.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                        pass
            if not text:
                return
            taken.append(text)
            if len(taken) > patience:
                raise _Endless
            yield text

    reader = dialect.reader(lines(), strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _Endless) as error:
            if not taken:
                return
            first, unclosed = taken[0], len(taken) > 1
            again.extend(reversed(taken[1:]))
            taken.clear()
            yield Record(line, _leniently(first, dialect), _why(line, error, long, unclosed))
            long = False
            line += 1
            if unclosed:
                patience = max(LEAST_PATIENCE, patience // 2)
            reader = dialect.reader(lines(), strict=True)
            continue
        if long:
            yield Record(line, [c[:MAX_CELL] for c in cells], _too_long(line))
            long = False
        else:
            yield Record(line, cells)
        line += len(taken)
        taken.clear()


def _leniently(line: str, dialect: Dialect) -> list[str]:
    """Return the cells of one line whose quotation marks are wrong, as well as they can be told."""
    text = line.rstrip("\r\n")
    try:
        cells = next(dialect.reader([text], strict=False), [])
    except csv.Error:
        cells = [text]
    # A mark that was opened and not closed holds the rest of the line: the cells in it are still to be told apart.
    if len(cells) == 1 and dialect.delimiter in cells[0]:
        cells = [c.strip(dialect.quote) for c in text.split(dialect.delimiter)]
    return [c[:MAX_CELL] for c in cells]


def _why(line: int, error: Exception, long: bool, unclosed: bool) -> str:
    if long or ("field larger" in str(error) and not unclosed):
        return _too_long(line)
    if unclosed:
        return _(
            "A quotation mark opened in line %(line)d is not closed where the cell ends. Close it, or double the marks inside a cell."
        ) % {"line": line}
    return _(
        "The quotation marks in line %(line)d are not closed where the cell ends. Double the marks inside a cell."
    ) % {"line": line}


def _too_long(line: int) -> str:
    return _("A cell in line %(line)d is longer than %(limit)d characters. Shorten it.") % {"line": line, "limit": MAX_CELL}
