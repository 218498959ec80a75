"""Adding up deals: from the kept sums where nothing narrows them, from the deals themselves otherwise."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, DecimalField, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from crm.access.policy import field_rights
from crm.lib.prepared import prepared_cursor
from crm.ui.values import sees_everything
from sales.models import Deal, Stage

MONEY: Any = DecimalField(max_digits=20, decimal_places=2)
ZERO = Decimal(0)
COMMIT = 2
"""The band of deals that are as good as won: 75 % and more."""
WEIGHTED = ExpressionWrapper(F("value_base") * F("probability") / Decimal(100), output_field=MONEY)


@dataclass(frozen=True)
class StageSum:
    """What the deals of one stage come to, and those of certain days among them."""

    n: int = 0
    total: Decimal = ZERO
    weighted: Decimal = ZERO
    closing: Decimal = ZERO
    """Expected to close this month (of an open stage)."""
    slipping: int = 0
    """Expected to have closed by now (of an open stage)."""
    quarter: Decimal = ZERO
    """Closed in this quarter (of a closed stage)."""
    recent: int = 0
    """Closed in the last ninety days (of a closed stage)."""
    earlier: int = 0
    """Closed in the ninety days before those (of a closed stage)."""


def amounts_shown(user: Any) -> bool:
    """Tell whether the user may see what deals are worth; otherwise no sum tells it either."""
    return field_rights(user, Deal).can_read("value")


def amount(user: Any) -> Any:
    """Return the expression that a board sums: nothing for those who may not see what deals are worth."""
    return F("value_base") if amounts_shown(user) else Value(ZERO, output_field=MONEY)


def weighted(user: Any) -> Any:
    """Return the expression of what deals are worth by their chances."""
    return WEIGHTED if amounts_shown(user) else amount(user)


def stage_sums(user: Any, stages: list[Stage], deals: QuerySet[Deal], *, narrowed: bool) -> dict[uuid.UUID, StageSum]:
    """Return the sums of each stage that has deals; ``narrowed`` says whether anything but rights narrows ``deals``."""
    rows: list[dict[str, Any]]
    if narrowed or not sees_everything(user, Deal):
        rows = list(_summed(user, deals))
    else:
        rows = _kept(stages, amounts_shown(user))
    return {row.pop("stage_id"): _stage_sum(row) for row in rows}


def _stage_sum(row: dict[str, Any]) -> StageSum:
    found: dict[str, Any] = {name: value or ZERO for name, value in row.items()}
    return StageSum(**found)


def _days() -> dict[str, date]:
    today = timezone.localdate()
    return {
        "today": today,
        "month": today.replace(day=1),
        "next_month": (today.replace(day=1) + timedelta(days=32)).replace(day=1),
        "quarter": today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
        "recent": today - timedelta(days=90),
        "earlier": today - timedelta(days=180),
    }


_KEPT = """
SELECT stage_id, sum(n), sum(value), sum(weighted),
       sum(value) FILTER (WHERE day >= %(month)s AND day < %(next_month)s),
       sum(n) FILTER (WHERE day < %(today)s),
       sum(value) FILTER (WHERE day >= %(quarter)s AND day <= %(today)s),
       sum(n) FILTER (WHERE day >= %(recent)s AND day <= %(today)s),
       sum(n) FILTER (WHERE day >= %(earlier)s AND day < %(recent)s)
  FROM sales_dealtotal WHERE grain = 'd' AND stage_id = ANY(%(stages)s)
 GROUP BY stage_id HAVING sum(n) <> 0
"""
_NAMES = ("stage_id", "n", "total", "weighted", "closing", "slipping", "quarter", "recent", "earlier")
_OF_OPEN, _OF_CLOSED = frozenset({"closing", "slipping"}), frozenset({"quarter", "recent", "earlier"})
_AMOUNTS = frozenset({"total", "weighted", "closing", "quarter"})


def _kept(stages: list[Stage], amounts: bool) -> list[dict[str, Any]]:
    with prepared_cursor() as cursor:
        cursor.execute(_KEPT, {"stages": [s.pk for s in stages], **_days()})
        rows = [dict(zip(_NAMES, row, strict=True)) for row in cursor.fetchall()]
    is_open = {s.pk: s.outcome == Stage.Outcome.OPEN for s in stages}
    for row in rows:
        nothing = _OF_CLOSED if is_open[row["stage_id"]] else _OF_OPEN
        row.update(dict.fromkeys(nothing if amounts else nothing | _AMOUNTS, 0))
    return rows


def _summed(user: Any, deals: QuerySet[Deal]) -> Any:
    days = _days()
    is_open, closed = Q(outcome="open"), ~Q(outcome="open")
    return deals.order_by().values("stage_id").annotate(
        n=Count("pk"), total=Coalesce(Sum(amount(user)), ZERO, output_field=MONEY),
        weighted=Coalesce(Sum(weighted(user)), ZERO, output_field=MONEY),
        closing=Sum(amount(user), filter=is_open & Q(expected_close_date__gte=days["month"], expected_close_date__lt=days["next_month"])),
        slipping=Count("pk", filter=is_open & Q(expected_close_date__lt=days["today"])),
        quarter=Sum(amount(user), filter=closed & Q(actual_close_date__gte=days["quarter"], actual_close_date__lte=days["today"])),
        recent=Count("pk", filter=closed & Q(actual_close_date__gte=days["recent"], actual_close_date__lte=days["today"])),
        earlier=Count("pk", filter=closed & Q(actual_close_date__gte=days["earlier"], actual_close_date__lt=days["recent"])),
    )


_BY_DAY = """
SELECT t.day, s.outcome, t.band, sum(t.value), sum(t.weighted) FROM sales_dealtotal t JOIN sales_stage s ON s.id = t.stage_id
 WHERE t.grain = 'd' AND t.day BETWEEN %s AND %s GROUP BY t.day, s.outcome, t.band
"""


def kept_by_day(first: date, last: date) -> list[tuple[date, str, int, Decimal, Decimal]]:
    """Return what all deals of some days come to: the day, the outcome, the band of certainty, the sum, the weighted sum."""
    with prepared_cursor() as cursor:
        cursor.execute(_BY_DAY, [first, last])
        return cursor.fetchall()


_OVERDUE = """
SELECT coalesce(sum(t.n), 0)::bigint FROM sales_dealtotal t JOIN sales_stage s ON s.id = t.stage_id
 WHERE t.grain = 'd' AND t.day < %s AND s.outcome = 'open'
"""


def number_overdue(today: date) -> int:
    """Return how many open deals of all should have been closed before a day, from the kept sums."""
    with prepared_cursor() as cursor:
        cursor.execute(_OVERDUE, [today])
        return int(cursor.fetchone()[0])


_BUSIEST = """
SELECT owner_id FROM sales_dealtotal
 WHERE grain = 'o' AND stage_id = ANY(%s) AND owner_id IS NOT NULL AND (%s::uuid[] IS NULL OR owner_id = ANY(%s))
 GROUP BY owner_id HAVING sum(n) > 0 ORDER BY sum(n) DESC, owner_id LIMIT %s
"""


def busiest_owners(stages: list[uuid.UUID], limit: int, among: list[uuid.UUID] | None = None) -> list[uuid.UUID]:
    """Return who (of some people) owns most deals of these stages, from the kept sums."""
    with prepared_cursor() as cursor:
        cursor.execute(_BUSIEST, [stages, among, among, limit])
        return [owner for (owner,) in cursor.fetchall()]


SPREAD = 500
"""So many more rows than sums make it worth folding."""

_SPREAD = "SELECT count(*) - count(DISTINCT (stage_id, grain, day, band, owner_id)) FROM sales_dealtotal"
_FOLD = """
WITH gone AS (DELETE FROM sales_dealtotal RETURNING *)
INSERT INTO sales_dealtotal (stage_id, grain, day, band, owner_id, n, value, weighted)
SELECT stage_id, grain, day, band, owner_id, sum(n), sum(value), sum(weighted) FROM gone GROUP BY stage_id, grain, day, band, owner_id
HAVING sum(n) <> 0 OR sum(value) <> 0 OR sum(weighted) <> 0
"""


def fold() -> int:
    """Make one row of all that belong to the same sum, when there are many; return how many were too many.

    Readers see the rows before or after, writers only add: nobody waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPREAD)
        spread = int(cursor.fetchone()[0])
        if spread < SPREAD:
            return 0
        cursor.execute(_FOLD)
    return spread


def recount() -> None:
    """Add all deals up anew (after rows were loaded past the triggers)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sales_recount_totals()")
