"""CSV, TSV, semicolons and pipes: the delimiter is found by reading, quotes are taken seriously."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from crm.transfer.readers.base import (
    MAX_CELL,
    Row,
    Source,
    Unreadable,
    fit,
    left_out,
    name_headers,
    storable,
    titles_above,
)
from crm.transfer.readers.encoding import detect

LOOKED_AT, TITLES = 20, 5
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_LOOKS_LIKE_DATA = re.compile(r"^(\S+@\S+\.\S+|-?\d+([.,]\d+)?|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*|[=@+].*\(.*)$")

csv.field_size_limit(MAX_CELL)


class Delimited(Source):
    """A text file with one record a line, or over several lines inside quotes."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "csv")
        self.encoding = str(options.get("encoding") or detect(path))
        self._declared = 0
        self.delimiter = _delimiter_of(options.get("delimiter")) or self._find_delimiter()
        records = self._first_records()
        wanted = options.get("header")
        self._above = 0 if wanted is False else _titles([cells for _number, cells in records])
        header_row, first = records[self._above]
        self.has_header = wanted if isinstance(wanted, bool) else not any(_LOOKS_LIKE_DATA.match(c.strip()) for c in first)
        if self.has_header:
            self.headers = name_headers(first)
            if self._above:
                self.warnings.append(left_out(header_row, records[0][1]))
        else:
            self._above = 0
            self.headers = name_headers([""] * len(first))
            self.warnings.append(_("The first row looks like data, so the columns are numbered."))
        self.details = {
            "encoding": self.encoding, "delimiter": self.delimiter,
            "delimiter_name": DELIMITERS.get(self.delimiter, self.delimiter), "header": self.has_header,
        }

    def _open(self) -> TextIO:
        try:
            file = self.path.open(encoding=self.encoding, newline="", errors="strict")
        except LookupError:
            raise Unreadable(_("There is no encoding called “%(name)s”.") % {"name": self.encoding}) from None
        for _line in range(self._declared):
            file.readline()
        return file

    def _find_delimiter(self) -> str:
        with self._open() as file:
            try:
                sample = file.read(65_536)
            except UnicodeDecodeError as error:
                raise _undecodable(self.encoding, error) from None
        declared = re.match(r"sep=(.)\r?\n", sample)
        if declared:  # Excel's own way of saying it
            self._declared = 1
            return declared[1]
        if len(sample) == 65_536:
            sample = sample[: max(sample.rfind("\n"), 1)]
        best, score = ",", 0.0
        for candidate in DELIMITERS:
            found = _score(sample, candidate)
            if found > score:
                best, score = candidate, found
        return best

    def _first_records(self) -> list[tuple[int, list[str]]]:
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.delimiter, skipinitialspace=True)
            found: list[tuple[int, list[str]]] = []
            try:
                for number, cells in enumerate(reader, 1):
                    if any(c.strip() for c in cells):
                        found.append((number, cells))
                    if len(found) == LOOKED_AT:
                        break
            except UnicodeDecodeError as error:
                raise _undecodable(self.encoding, error) from None
            except csv.Error as error:
                if found:
                    return found
                raise Unreadable(_("The first row cannot be read: %(error)s.") % {"error": error}) from None
        if not found:
            raise Unreadable(_("The file is empty."))
        return found

    def rows(self) -> Iterator[Row]:
        """Yield the rows; a row whose quotes are wrong comes with its problem."""
        width, number, due = len(self.headers), 0, self._above + 1 if self.has_header else 0
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True, skipinitialspace=True)
            while True:
                number += 1
                line = reader.line_num + 1 + self._declared
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except UnicodeDecodeError as error:
                    raise _undecodable(self.encoding, error, number) from None
                except csv.Error as error:
                    if "unexpected end of data" in str(error):
                        raise Unreadable(
                            _("A quotation mark opened in row %(row)d (line %(line)d) is never closed.")
                            % {"row": number, "line": line}, row=number,
                        ) from None
                    yield Row(number, [""] * width, _quotes(line, error))
                    continue
                if not any(cells) or not any(c.strip() for c in cells):
                    continue
                if due:
                    due -= 1
                    continue
                cells, problem = fit(cells, width)
                cells, unstorable = storable(cells)
                yield Row(number, cells, problem or unstorable)


def _titles(records: list[list[str]]) -> int:
    """Return how many rows are titles: only where a table of one width without a doubt begins below them."""
    for above in range(titles_above(records), min(TITLES, len(records) - 2) + 1):
        header, *rest = records[above:]
        regular = len(header) > 2 and sum(len(cells) == len(header) for cells in rest) >= 0.9 * len(rest)
        if regular and all(sum(map(bool, cells)) < len(header) for cells in records[:above]):
            return 0 if any(_LOOKS_LIKE_DATA.match(c.strip()) for c in header) else above
    return 0


def _score(sample: str, delimiter: str) -> float:
    """Return how well a delimiter explains the text: many rows of the same width, more than one column."""
    try:
        reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
        widths = [len(r) for r in islice(reader, 200) if any(r)]
    except csv.Error:
        return 0.0
    if not widths:
        return 0.0
    width = Counter(widths).most_common(1)[0][0]
    for _title in range(min(TITLES, len(widths) - 2)):  # titles above the header have no columns
        if width < 3 or widths[0] * 2 > width:
            break
        widths.pop(0)
    agreeing = widths.count(width)
    share = agreeing / len(widths)
    if width < 2 or (widths[0] != width and share < 0.9):
        return 0.0
    return share**2 * (1 + min(width, 40) / 40)


def _delimiter_of(given: Any) -> str | None:
    if not given:
        return None
    text = str(given)
    found = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(text.lower(), text)
    if len(found) != 1 or found in "\r\n\"":
        raise Unreadable(_("A delimiter is one character; “%(value)s” is not.") % {"value": text[:20]})
    return found


def _undecodable(encoding: str, error: UnicodeDecodeError, row: int | None = None) -> Unreadable:
    where = _(" near row %(row)d") % {"row": row} if row else ""
    return Unreadable(
        _("The file is not valid %(encoding)s%(where)s (byte 0x%(byte)02x). Choose another encoding.")
        % {"encoding": encoding, "where": where, "byte": error.object[error.start]}, row=row,
    )


def _quotes(line: int, error: csv.Error) -> str:
    if "field larger" in str(error):
        return _("A cell in line %(line)d is longer than %(limit)d characters.") % {"line": line, "limit": MAX_CELL}
    return _(
        "The quotation marks in line %(line)d are not closed where the cell ends. Double the marks inside a cell."
    ) % {"line": line}
