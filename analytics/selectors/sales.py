"""The sales report: what is open, what was won and lost, by whom, in which stage, of which product, when."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, DateField, ExpressionWrapper, F, FloatField, Func, Q, QuerySet, Sum, When
from django.db.models.functions import Cast, Coalesce, TruncMonth
from django.utils import timezone

from analytics.selectors.period import Scope, rows_of
from analytics.selectors.remembered import remembered
from crm.access.policy import field_rights
from crm.accounts.models import User
from sales.models import Deal, Product, Stage
from sales.selectors import WEIGHTED, base_currency

ZERO = Decimal(0)
OPEN, WON, LOST = Q(outcome="open"), Q(outcome="won"), Q(outcome="lost")


class Days(Func):
    """The number of days between two dates."""

    template = "(%(expressions)s)"
    arg_joiner = " - "
    output_field = FloatField()


_MEASURED = (
    "open_count", "open_value", "weighted_value", "won_count", "won_value", "lost_count", "lost_value", "cycle_days",
)
CYCLE = Days(F("actual_close_date"), Coalesce(F("engaged_on"), Cast(F("created_at"), DateField())))


@dataclass(frozen=True)
class Figures:
    """The numbers of one group of deals. Amounts are in the base currency; None where hidden from the reader."""

    open_count: int = 0
    open_value: Decimal | None = ZERO
    weighted_value: Decimal | None = ZERO
    won_count: int = 0
    won_value: Decimal | None = ZERO
    lost_count: int = 0
    lost_value: Decimal | None = ZERO
    average_cycle_days: float | None = None

    @property
    def win_rate(self) -> float | None:
        """Return won of won and lost, in per cent."""
        closed = self.won_count + self.lost_count
        return round(100 * self.won_count / closed, 2) if closed else None

    @property
    def average_deal(self) -> Decimal | None:
        """Return the average value of a won deal."""
        if not self.won_count or self.won_value is None:
            return None
        return round(self.won_value / self.won_count, 2)


@dataclass(frozen=True)
class Group:
    """One line of a breakdown: what it stands for (id and name; no id for “none”), its numbers."""

    id: Any
    name: str
    figures: Figures
    code: str = ""
    outcome: str = ""
    hue: str = ""
    pipeline: str = ""


@dataclass
class SalesReport:
    """The whole report."""

    scope: Scope
    currency: str
    as_of: datetime
    totals: Figures
    by_stage: list[Group] = field(default_factory=list)
    by_owner: list[Group] = field(default_factory=list)
    by_product: list[Group] = field(default_factory=list)
    by_month: list[tuple[date, Figures]] = field(default_factory=list)


@remembered
def sales_report(user: Any, scope: Scope) -> SalesReport:
    """Compute the report over the deals that ``user`` may see: two walks over them, whatever their number."""
    deals = deals_of(user, scope)
    amounts = field_rights(user, Deal).can_read("value")
    month = Case(When(~OPEN & period_of(scope), then=Cast(TruncMonth("actual_close_date"), DateField())))
    found = list(_summed(deals.order_by().annotate(month=month).values("stage", "assigned_user", "month"), scope))
    report = SalesReport(scope, base_currency(), timezone.now(), _figures(_added(found), amounts))
    by_stage = _by(found, "stage")
    stages = Stage.objects.filter(pk__in=by_stage).select_related("pipeline").order_by("pipeline__position", "pipeline__name", "position")
    report.by_stage = [
        Group(s.pk, s.name, _figures(by_stage[s.pk], amounts), s.code, s.outcome, s.hue, s.pipeline.name)
        for s in stages if _counted(by_stage[s.pk])
    ]
    by_owner = _by(found, "assigned_user")
    people = User.objects.in_bulk([pk for pk in by_owner if pk is not None])
    report.by_owner = _by_value([
        Group(pk, people[pk].name if pk in people else "", _figures(row, amounts)) for pk, row in by_owner.items() if _counted(row)
    ])
    by_product = _by(list(_summed(deals.order_by().values("product"), scope)), "product")
    products = Product.everything.in_bulk([pk for pk in by_product if pk is not None])
    report.by_product = _by_value([
        Group(pk, products[pk].name if pk in products else "", _figures(row, amounts)) for pk, row in by_product.items() if _counted(row)
    ])
    by_month = _by(found, "month")
    report.by_month = [(day, _figures(by_month[day], amounts)) for day in sorted(d for d in by_month if d is not None)]
    return report


def deals_of(user: Any, scope: Scope) -> QuerySet[Deal]:
    """Return the deals that ``user`` may see in a pipeline and of an owner, whatever the period."""
    deals = rows_of(user, Deal)
    if scope.pipeline is not None:
        deals = deals.filter(pipeline=scope.pipeline)
    if scope.owner is not None:
        deals = deals.filter(assigned_user=scope.owner)
    return deals


def period_of(scope: Scope) -> Q:
    """Return the clause that a closed deal was closed in the period."""
    clause = Q()
    if scope.start:
        clause &= Q(actual_close_date__gte=scope.start)
    if scope.end:
        clause &= Q(actual_close_date__lte=scope.end)
    return clause


def measures(scope: Scope) -> dict[str, Any]:
    """Return the aggregates that make a group's figures; all of them can be added up over groups."""
    within = period_of(scope)
    won, lost = WON & within, LOST & within
    return {
        "open_count": Count("pk", filter=OPEN),
        "open_value": Sum("value_base", filter=OPEN),
        "weighted_value": Sum(ExpressionWrapper(WEIGHTED, output_field=WEIGHTED.output_field), filter=OPEN),
        "won_count": Count("pk", filter=won),
        "won_value": Sum("value_base", filter=won),
        "lost_count": Count("pk", filter=lost),
        "lost_value": Sum("value_base", filter=lost),
        "cycle_days": Sum(CYCLE, filter=won),
    }


def _summed(rows: Any, scope: Scope) -> Any:
    return rows.annotate(**measures(scope))


def _by(rows: list[dict[str, Any]], name: str) -> dict[Any, dict[str, Any]]:
    """Return the rows added up by one of their keys."""
    parts: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        parts[row[name]].append(row)
    return {key: _added(some) for key, some in parts.items()}


def _added(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum((r[name] for r in rows if r[name] is not None), 0) for name in _MEASURED}


def _counted(row: dict[str, Any]) -> bool:
    return bool(row["open_count"] or row["won_count"] or row["lost_count"])


def _figures(row: dict[str, Any], amounts: bool) -> Figures:
    def value(name: str) -> Decimal | None:
        return round(Decimal(row[name]), 2) if amounts else None

    days = row["cycle_days"] / row["won_count"] if row["won_count"] else None
    return Figures(
        row["open_count"], value("open_value"), value("weighted_value"), row["won_count"], value("won_value"),
        row["lost_count"], value("lost_value"), round(float(days), 1) if days is not None else None,
    )


def _by_value(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda g: (-(g.figures.won_value or 0), -g.figures.won_count, g.name.casefold()))
