"""Where columns and lanes of a board meet, read for half a million deals: from the kept sums, and by walks of an index.

It serves whoever sees all deals of a pipeline that nothing narrows; ``sales.grid`` counts and sorts the rest itself.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    DateField,
    F,
    IntegerField,
    Q,
    QuerySet,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.expressions import RawSQL

from crm.lib.prepared import prepared_cursor
from sales.models import Deal, Stage
from sales.totals import ZERO

NONE, PAST, LATER = "none", "past", "later"
FORECAST = "forecast"
"""What stands for the lanes of the forecast."""
BANDS = {"pipeline": (0, 39), "best": (40, 74), "commit": (75, 100)}
"""How certain a deal is, from the least to the most: which chances, in percent."""

_MONTH = (
    "CASE WHEN day IS NULL THEN 'none' WHEN day < %(first)s THEN 'past' WHEN day >= %(later)s THEN 'later' "
    "ELSE to_char(day, 'YYYY-MM') END"
)
_KEYS = {
    "owner": ("o", "stage_id::text", "coalesce(owner_id::text, 'none')"),
    "month": ("d", "stage_id::text", _MONTH),
    FORECAST: ("d", _MONTH, f"(ARRAY{list(BANDS)})[band + 1]"),
}
KEPT = frozenset(_KEYS)
"""The lanes whose sums are kept."""


def kept_cells(stages: list[Stage], lanes: str, *, first: dt.date, later: dt.date | None, amounts: bool) -> list[dict[str, Any]]:
    """Return what stands in each cell, by the kept sums of these stages (of open ones alone, where lanes are months)."""
    grain, column, lane = _KEYS[lanes]
    text = (
        f"SELECT {column}, {lane}, stage_id, sum(n), sum(value), sum(weighted) FROM sales_dealtotal"
        f" WHERE grain = '{grain}' AND stage_id = ANY(%(stages)s) GROUP BY 1, 2, 3 HAVING sum(n) <> 0"
    )
    outcomes = {s.pk: s.outcome for s in stages}
    with prepared_cursor() as cursor:
        cursor.execute(text, {"stages": list(outcomes), "first": first, "later": later or dt.date.max})
        rows = cursor.fetchall()
    return [
        {"column": c, "lane": row, "stage": stage, "outcome": outcomes[stage], "n": n, "total": total if amounts else ZERO,
         "weighted": round(likely, 2) if amounts else ZERO}
        for c, row, stage, n, total, likely in rows
    ]


@dataclass(frozen=True)
class Spot:
    """A cell as the deals of one stage in it are found."""

    column: str
    lane: str
    stage: uuid.UUID
    owner: uuid.UUID | None = None
    low: str | None = None
    """The months of the expected close: from this day on …"""
    high: str | None = None
    """… and before this one; nothing stands for deals without a date."""
    band: str = "pipeline"
    status: str = ""
    few: bool = False
    """So few stand here that to sort them all is quicker than to meet the first ones on a walk through the stage."""


_SPOTS = """unnest(%s::text[], %s::text[], %s::uuid[], %s::uuid[], %s::text[]::date[], %s::text[]::date[], %s::int[], %s::int[], %s::text[])
 AS v(col, lane, stage, owner, low, high, least, most, status)"""


def are_few(here: int, in_stage: int, number: int) -> bool:
    """Tell whether a walk that meets ``number`` of those here would pass more deals of the stage than there are here."""
    return here * here < number * in_stage


def first_of_spots(deals: QuerySet[Deal], lanes: str, spots: Iterable[Spot], number: int) -> dict[tuple[str, str], list[uuid.UUID]]:
    """Return the first deals by hand of each cell: a short walk of an index for each spot, in one statement."""
    alike: dict[tuple[bool, bool], list[Spot]] = {}
    for spot in spots:
        empty = {"owner": spot.owner is None, "status": not spot.status}.get(lanes, spot.low is None)
        alike.setdefault((empty, spot.few), []).append(spot)
    texts, values = [], []
    for (empty, few), some in alike.items():
        clause = _empty(lanes, few) if empty else _clause(lanes, few)
        # An order that no index has: the planner must not bet on a walk here.
        order = (F("rank") + Value(0.0), "pk") if few else ("rank", "pk")
        inner = deals.filter(clause, stage_id=_of("stage", UUIDField())).order_by(*order).values_list("pk", "rank")[:number]
        text, given = inner.query.sql_with_params()
        texts.append(f"SELECT v.col, v.lane, d.id, d.rank FROM {_SPOTS} CROSS JOIN LATERAL ({text}) d(id, rank)")
        values += [*_columns(some), *given]
    if not texts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(texts), values)
        rows = cursor.fetchall()
    found: dict[tuple[str, str], list[uuid.UUID]] = {}
    for column, lane, pk, _rank in sorted(rows, key=lambda row: (row[3], row[2])):
        there = found.setdefault((column, lane), [])
        if len(there) < number:
            there.append(pk)
    return found


def _of(name: str, kind: Any) -> Any:
    return RawSQL(f"v.{name}", [], kind)  # noqa: S611


def _clause(lanes: str, few: bool) -> Q:
    if lanes == "owner":
        return Q(assigned_user_id=_of("owner", UUIDField()))
    if lanes == "status":
        return Q(customer__status=_of("status", TextField()))
    months = Q(expected_close_date__gte=_of("low", DateField()), expected_close_date__lt=_of("high", DateField()))
    return months & _band(lanes) if few else _while_walking(months & _band(lanes))


def _empty(lanes: str, few: bool) -> Q:
    if lanes == "owner":
        return Q(assigned_user=None)
    if lanes == "status":
        return Q(customer=None)
    undated = Q(expected_close_date=None) & _band(lanes)
    return undated if few else _while_walking(undated)


def _band(lanes: str) -> Q:
    if lanes != FORECAST:
        return Q()
    return Q(probability__gte=_of("least", IntegerField()), probability__lte=_of("most", IntegerField()))


def _while_walking(clause: Q) -> Q:
    """Return a clause that no index is looked through for: the cards are met in their order, and every second fits."""
    return Q(Case(When(clause, then=Value(True)), default=Value(False), output_field=BooleanField()))


def _columns(spots: list[Spot]) -> list[list[Any]]:
    return [
        [s.column for s in spots], [s.lane for s in spots], [s.stage for s in spots], [s.owner for s in spots], [s.low for s in spots],
        [s.high for s in spots], [BANDS[s.band][0] for s in spots], [BANDS[s.band][1] for s in spots], [s.status for s in spots],
    ]

