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
    Row,
    Source,
    Unreadable,
    fit,
    left_out,
    name_headers,
    no_rows,
    storable,
    titles_above,
)
from crm.transfer.readers.encoding import MIXED, detect, open_text, undecodable
from crm.transfer.readers.records import Dialect, records

LOOKED_AT, TITLES, REMARKS = 20, 5, 50
LOOKED_THROUGH = 65_536
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "^": "caret", "~": "tilde"}
NONE = "\x1f"
"""Stands between cells that there are none of: the table has one column."""
_YEAR = re.compile(r"^(19|20)\d\d$")
_LOOKS_LIKE_DATA = re.compile(r"^(\S+@\S+\.\S+|-?\d+([.,]\d+)?|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*|[=@+].*\(.*)$")
_DECLARED = re.compile(r'"?sep=(.)"?\r?\n')


class Delimited(Source):
    """A text file with one record a line, or over several lines inside quotes."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "csv")
        self._chosen = bool(options.get("encoding") and options.get("chosen", True))
        self.encoding = str(options.get("encoding") or detect(path))
        self._declared = 0
        sample = self._sample()
        given = _delimiter_of(options.get("delimiter"))
        if declared := _DECLARED.match(sample):  # Excel's own way of saying it
            self._declared, sample = 1, sample[declared.end() :]
        self.delimiter = given or (declared[1] if declared else _find_delimiter(sample))
        self.dialect = _dialect(sample, self.delimiter)
        found = self._first_records()
        wanted = options.get("header")
        self._above = 0 if wanted is False else _titles([cells for _number, cells in found])
        header_row, first = found[self._above]
        self.has_header = wanted if isinstance(wanted, bool) else not _is_data(first)
        if self.has_header:
            self.headers = name_headers(first)
            if self._above:
                self.warnings.append(left_out(header_row, found[0][1]))
            if len(found) == self._above + 1:
                raise no_rows(self.headers)
        else:
            self._above = 0
            self.headers = name_headers([""] * len(first))
            self.warnings.append(_("The first row looks like data, so the columns are numbered."))
        if self.encoding == MIXED:
            self.warnings.append(_("The file is UTF-8 with some letters of Windows-1252 in it; both were read."))
        self.details = {
            "encoding": self.encoding, "delimiter": self.delimiter,
            "delimiter_name": DELIMITERS.get(self.delimiter, "none" if self.delimiter == NONE else self.delimiter), "header": self.has_header,
            "chosen": self._chosen,
        }

    def _open(self) -> TextIO:
        file = open_text(self.path, self.encoding, strict=self._chosen)
        for _line in range(self._declared):
            file.readline()
        return file

    def _sample(self) -> str:
        with self._open() as file:
            try:
                sample = file.read(LOOKED_THROUGH)
            except UnicodeDecodeError as error:
                raise undecodable(self.encoding, error) from None
        return sample[: max(sample.rfind("\n"), 1)] if len(sample) == LOOKED_THROUGH else sample

    def _records(self) -> Iterator[tuple[int, list[str], str]]:
        """Yield number, cells and problem of every record that is not blank; blank ones count."""
        number = 0
        with self._open() as file:
            try:
                for number, (_line, cells, problem) in enumerate(records(file, self.dialect, 1 + self._declared), 1):
                    if problem or (any(cells) and any(c.strip() for c in cells)):
                        yield number, cells, problem
            except UnicodeDecodeError as error:
                raise undecodable(self.encoding, error, number) from None

    def _first_records(self) -> list[tuple[int, list[str]]]:
        found = [(number, cells) for number, cells, _problem in islice(self._records(), LOOKED_AT)]
        if not found:
            raise Unreadable(_("The file is empty."))
        return found

    def rows(self) -> Iterator[Row]:
        """Yield the rows; one whose quotes are wrong comes with its problem and with what it says."""
        width, due = len(self.headers), self._above + 1 if self.has_header else 0
        previous = 0
        alone: list[Row] = []
        for number, cells, problem in self._records():
            gap, previous = number > previous + 1, number
            if due:
                due -= 1
                continue
            lonely = len(cells) == 1 < width and not problem and len(alone) < REMARKS
            cells, ragged = fit(cells, width)
            cells, unstorable = storable(cells)
            row = Row(number, cells, problem or ragged or unstorable)
            if lonely and (gap or alone):
                alone.append(row)
                continue
            yield from alone
            alone.clear()
            yield row
        # Reports end with lines of their own: who made them, and when. Whether one is a record, a person can say.
        for row in alone:
            yield row._replace(problem=row.problem or _(
                "It stands alone below the table, like a remark. If it is a record, give it all %(count)d cells."
            ) % {"count": width})


def _is_data(cells: list[str]) -> bool:
    """Tell whether a first row is no header: an address, a number, a date stands in it. Years may head columns."""
    return any(_LOOKS_LIKE_DATA.match(c.strip()) and not _YEAR.match(c.strip()) for c in cells)


def _titles(found: list[list[str]]) -> int:
    """Return how many rows are titles: only where a table of one width without a doubt begins below them."""
    remarks = next((i for i, cells in enumerate(found) if not cells[0].lstrip().startswith("#")), 0)
    if remarks and remarks < len(found) - 1:
        return remarks
    for above in range(titles_above(found), min(TITLES, len(found) - 2) + 1):
        header, *rest = found[above:]
        regular = len(header) > 2 and sum(len(cells) == len(header) for cells in rest) >= 0.9 * len(rest)
        if regular and all(sum(map(bool, cells)) < len(header) for cells in found[:above]):
            return 0 if _is_data(header) else above
    return 0


def _find_delimiter(sample: str) -> str:
    best, score = NONE, 0.0
    for candidate in DELIMITERS:
        found = _score(sample, candidate)
        if found > score:
            best, score = candidate, found
    if best == NONE:
        # No row is as wide as another: what the header is divided by; a header in one piece has one column.
        header = sample.lstrip().partition("\n")[0]
        best = max(DELIMITERS, key=header.count)
        return best if best in header else NONE
    return best


def _score(sample: str, delimiter: str) -> float:
    """Return how well a delimiter explains the text: many rows of the same width, more than one column."""
    if delimiter not in sample:
        return 0.0
    try:
        reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
        widths = [len(r) for r in islice(reader, 200) if any(r) and not r[0].startswith("#")]
    except csv.Error:
        return 0.0
    if not widths:
        return 0.0
    width = Counter(widths).most_common(1)[0][0]
    for _title in range(min(TITLES, len(widths) - 2)):  # titles above the header have no columns
        if width < 3 or widths[0] >= width:
            break
        widths.pop(0)
    agreeing = widths.count(width)
    share = agreeing / len(widths)
    # The mark of a header that has none of it stands in the texts, not between them.
    if width < 2 or (widths[0] != width and share < 0.9) or (widths[0] == 1 and width == 2):
        return 0.0
    rare = 0.5 if delimiter in "^~" else 1.0
    return rare * share**2 * (1 + min(width, 40) / 40)


def _dialect(sample: str, delimiter: str) -> Dialect:
    """Tell quotation marks that are escaped by a backslash, and cells in single ones."""
    plain = Dialect(delimiter)
    if '\\"' in sample and _failures(sample, plain) > _failures(sample, escaped := Dialect(delimiter, escape="\\")):
        return escaped
    heads = [c.strip() for c in sample.partition("\n")[0].split(delimiter)]
    if all(len(c) > 1 and c[0] == c[-1] == "'" for c in heads):
        return Dialect(delimiter, quote="'")
    return plain


def _failures(sample: str, dialect: Dialect) -> int:
    failed, lines = 0, iter(sample.splitlines(keepends=True))
    reader = dialect.reader(lines, strict=True)
    for _turn in range(500):
        try:
            next(reader)
        except StopIteration:
            break
        except csv.Error:
            failed += 1
            reader = dialect.reader(lines, strict=True)
    return failed


def _delimiter_of(given: Any) -> str | None:
    if not given:
        return None
    text = str(given)
    found = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "none": NONE}.get(text.lower(), text)
    if len(found) != 1 or found in "\r\n\"":
        raise Unreadable(_("A delimiter is one character; “%(value)s” is not.") % {"value": text[:20]})
    return found
