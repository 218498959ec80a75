"""Workbooks (XLSX, XLS, XLSB, ODS), read by a child process under limits: sparse sheets, bombs and entities stop there."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

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

MEMORY = 700_000_000
SECONDS = 600
LOOKED_AT = 20
_CHILD = Path(__file__).with_name("workbook_child.py")


class Workbook(Source):
    """One sheet of a workbook; its first row with cells is the header, titles above it apart."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "xlsx")
        self.sheet = str(options.get("sheet") or "")
        lines = self._lines()
        about = next(lines)
        self.kind = about["kind"]
        self.sheet = about["sheet"]
        self.details = {"sheet": self.sheet, "sheets": about["sheets"]}
        records = [r for r in islice(lines, LOOKED_AT) if isinstance(r, list)]
        lines.close()
        if not records:
            raise Unreadable(_("The sheet “%(name)s” is empty.") % {"name": self.details["sheet"]})
        self._above = titles_above([r[1] for r in records])
        self.headers = name_headers(records[self._above][1])
        if self._above:
            self.warnings.append(left_out(records[self._above][0], records[0][1]))
        if len(records) == self._above + 1:
            raise no_rows(self.headers)
        others = [name for name in about["visible"] if name != self.sheet]
        if others and not options.get("sheet"):
            self.warnings.append(
                _("“%(sheet)s” is read. The workbook also holds: %(names)s. Import each of them as well.")
                % {"sheet": self.sheet, "names": ", ".join(others)[:300]}
            )

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header."""
        width, due = len(self.headers), self._above + 1
        for record in self._lines():
            if not isinstance(record, list):
                continue
            if due:
                due -= 1
                continue
            cells, problem = fit(record[1], width)
            cells, unstorable = storable(cells)
            if any(c.strip() for c in cells) or problem:
                yield Row(record[0], cells, problem or unstorable)

    def _lines(self) -> Any:
        """Run the child and yield what it prints; its death is a refusal, never ours."""
        with tempfile.TemporaryFile() as complaints:
            child = subprocess.Popen(
                [sys.executable, str(_CHILD), str(self.path), self.sheet, str(MEMORY), str(SECONDS)],
                stdout=subprocess.PIPE, stderr=complaints, stdin=subprocess.DEVNULL,
            )
            assert child.stdout is not None
            ended = False
            try:
                for line in child.stdout:
                    said = json.loads(line)
                    if isinstance(said, dict) and "refused" in said:
                        raise Unreadable(_reason(said))
                    if isinstance(said, dict) and "end" in said:
                        ended = True
                        break
                    yield said
                if not ended:
                    raise Unreadable(_("The workbook needs more memory or time than is allowed. Save it as CSV."))
            finally:
                child.stdout.close()
                child.kill()
                child.wait(timeout=10)


def _reason(said: dict[str, Any]) -> str:
    reasons = {
        "bomb": _("Unpacked, the workbook is %(megabytes)s MB: too much for its size. It was not read."),
        "entries": _("The workbook has %(count)s parts; that is no spreadsheet."),
        "document": _("This is a text document or a presentation, not a table. Save the table in it as XLSX or CSV."),
        "numbers": _("This is a document of Apple Numbers. Export it as XLSX or CSV."),
        "archive": _("This is a ZIP archive (%(names)s). Unpack it and import the files in it."),
        "encrypted": _("The workbook is protected by a password. Save it without one."),
        "no_sheet": _("The workbook has no worksheet."),
        "sheet": _("There is no sheet “%(name)s”; there are: %(names)s."),
        "columns": _("The cell %(cell)s lies beyond column %(limit)s. Delete the stray cell, or save the table as CSV."),
        "entities": _("The workbook declares XML entities, which spreadsheets never do. It was not read."),
        "memory": _("The workbook needs more memory than is allowed. Save it as CSV."),
        "damaged": _("The workbook is damaged (%(error)s). Open it in a spreadsheet program and save it again."),
    }
    return reasons[said["refused"]] % said
