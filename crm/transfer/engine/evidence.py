"""What a whole column says about how its cells are to be read: the order of dates, the mark of decimals, shares of one.

One cell like 25/04/2024 tells what 03/04/2024 in another row means. The rows lie in a table by now, so PostgreSQL
counts; whatever was found is shown before anything is written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crm.records.fields import NUMERIC, TEMPORAL, Field, Kind
from crm.transfer.engine.staging import query
from crm.transfer.engine.values import How
from crm.transfer.mapping.model import Column, Mapping
from crm.transfer.models import ImportRun

ROWS_AT_ONCE = 100_000
_MARK, _DAY, _MONTH = r"\s*[/.-]\s*", "(1[3-9]|2[0-9]|3[01])", "(0?[1-9]|1[0-2])"
DATES = {
    "dmy": rf"^{_DAY}{_MARK}[0-9]{{1,2}}{_MARK}[0-9]",
    "mdy": rf"^[0-9]{{1,2}}{_MARK}{_DAY}{_MARK}[0-9]{{2}}",
    "ymd": rf"^(3[2-9]|[4-9][0-9]){_MARK}[0-9]{{1,2}}{_MARK}[0-9]{{1,2}}($|[ T])",
    "open": rf"^{_MONTH}\s*[/-]\s*{_MONTH}\s*[/-]\s*[0-9]{{2}}",
}
_GROUPS = r"[^0-9]*[0-9]{1,3}(%s[0-9]{3})+[^0-9.,]*$"
NUMBERS = {
    "comma": r",([0-9]{1,2}|[0-9]{4,})[^0-9.,]*$|\.[0-9]{3},[0-9]",
    "point": r"\.([0-9]{1,2}|[0-9]{4,})[^0-9.,]*$|,[0-9]{3}\.[0-9]",
    "groups_by_comma": "^" + _GROUPS % ",",
    "groups_by_point": "^" + _GROUPS % r"\.",
    "within_one": r"^\s*(0?[.,][0-9]+|[01]([.,]0+)?)\s*$",
    "parts_of_one": r"^\s*0?[.,][0-9]*[1-9][0-9]*\s*$",
    "filled": r"[0-9]",
}

# In this order; the first that every filled cell fits.
KINDS = {
    Kind.BOOLEAN: "^(true|false|yes|no)$",
    Kind.NUMBER: r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$",
    Kind.DATE: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    Kind.DATETIME: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}",
    Kind.EMAIL: r"^[^@\s,;]+@[^@\s,;]+\.[a-z]{2,}$",
    Kind.URL: r"^https?://\S+\.\S+$",
}


@dataclass
class Reading:
    """How a column is read, and how many of its cells could have been read otherwise."""

    column: str
    what: str
    """``dates``, ``decimal`` or ``scale``."""
    value: str
    count: int
    certain: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as the report shows it."""
        return {"column": self.column, "what": self.what, "value": self.value, "count": self.count, "certain": self.certain}


def readings(run: ImportRun, mapping: Mapping, fields: dict[str, Field]) -> list[Reading]:
    """Return what the columns say about themselves where the mapping says nothing."""
    columns = mapping.columns
    place = {h: i for i, h in enumerate(run.source["headers"])}
    asked = [
        (column, f, DATES if f.kind in TEMPORAL else NUMBERS) for column in columns
        if (f := fields.get(column.to)) is not None and column.header in place and not column.parameters.get("part")
        and (not column.custom or column.custom.get("kind"))  # a field of the kind that its cells fit needs no reading
        and ((f.kind in TEMPORAL and not column.dates and not mapping.dates) or (f.kind in NUMERIC and not column.decimal))
    ]
    if not asked:
        return []
    wanted = [(place[column.header], pattern) for column, _f, patterns in asked for pattern in patterns.values()]
    counts = _counted(run, wanted)
    found: list[Reading] = []
    for column, f, patterns in asked:
        of = {name: next(counts) for name in patterns}
        if f.kind in TEMPORAL:
            found.extend(_of_dates(column.header, of))
        else:
            found.extend(_of_numbers(column, f, of))
    return found


def how(column: Column, mapping: Mapping, found: list[Reading]) -> How:
    """Return how a column is read: as its mapping says, else as it says itself."""
    mine = {r.what: r.value for r in found if r.column == column.header}
    scale = column.scale if column.scale is not None else Decimal(mine["scale"]) if "scale" in mine else None
    return How(column.dates or mapping.dates or mine.get("dates", ""), column.decimal or mine.get("decimal", ""), scale)


def _counted(run: ImportRun, wanted: list[tuple[int, str]]) -> Iterator[int]:
    """Return how many cells of a column match a pattern, for each of them: one walk through the rows, in pieces."""
    totals = [0] * len(wanted)
    last = query("SELECT coalesce(max(number), 0) FROM {t}", run.staging_table)[0][0]
    columns = ", ".join("count(*) FILTER (WHERE btrim(c ->> %s) ~ %s)" for _one in wanted)
    parameters = [p for index, pattern in wanted for p in (index, pattern)]
    for start in range(0, last + 1, ROWS_AT_ONCE):
        # OFFSET 0: the cells of a row are taken apart once, not once for each pattern.
        row = query(
            f"SELECT {columns} FROM (SELECT cells::jsonb AS c FROM {{t}} WHERE number >= %s AND number < %s OFFSET 0) s",
            run.staging_table, [*parameters, start, start + ROWS_AT_ONCE],
        )[0]
        totals = [a + b for a, b in zip(totals, row, strict=True)]
    return iter(totals)


def _of_dates(header: str, of: dict[str, int]) -> Iterator[Reading]:
    certain = {order: of[order] for order in ("dmy", "mdy", "ymd") if of[order]}
    if len(certain) == 1:
        order, count = next(iter(certain.items()))
        yield Reading(header, "dates", order, of["open"], count)


def _of_numbers(column: Column, f: Field, of: dict[str, int]) -> Iterator[Reading]:
    grouped = of["groups_by_comma"] + of["groups_by_point"]
    if of["comma"] and not of["point"]:
        yield Reading(column.header, "decimal", ",", of["groups_by_point"], of["comma"])
    elif of["point"] and not of["comma"]:
        yield Reading(column.header, "decimal", ".", of["groups_by_comma"], of["point"])
    elif grouped and not of["comma"] and not of["point"]:
        # 1.234 and nothing but such: an amount has no three places, a plain number may have.
        if of["groups_by_point"] and not of["groups_by_comma"] and f.kind != Kind.NUMBER:
            yield Reading(column.header, "decimal", ",", grouped)
        elif of["groups_by_comma"] and not of["groups_by_point"]:
            yield Reading(column.header, "decimal", ".", grouped)
    if f.extra.get("share") and column.scale is None and of["parts_of_one"] and of["within_one"] == of["filled"]:
        yield Reading(column.header, "scale", "100", of["filled"])


def kinds_of_columns(run: ImportRun, headers: list[str]) -> dict[str, Kind]:
    """Return the kinds that fields for all cells of some columns have: never one that a cell does not fit."""
    places = {h: i for i, h in enumerate(run.source["headers"])}
    samples = {h: [t.strip() for t in run.report["columns"][places[h]]["samples"]] for h in headers}
    # What already some of the cells do not fit need not be counted.
    possible = {h: [k for k, p in KINDS.items() if all(re.search(p, t, re.I) for t in samples[h])] for h in headers}
    wanted = [(places[h], pattern) for h in headers for pattern in (*(f"(?i){KINDS[k]}" for k in possible[h]), r"(?n)\n|^.{201}")]
    counts = _counted(run, wanted)
    found = {}
    for header in headers:
        filled = run.report["columns"][places[header]]["filled"]
        fitting = [k for k in possible[header] if next(counts) == filled]
        long = next(counts)
        found[header] = fitting[0] if fitting and filled else Kind.LONG_TEXT if long else Kind.TEXT
    return found
