"""The sales report: what is open, what was won and lost, by whom, in which stage, of which product, when."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, DateField, ExpressionWrapper, F, FloatField, Func, Q, QuerySet, Sum
from django.db.models.functions import Cast, Coalesce, TruncMonth
from django.utils import timezone

from analytics.selectors.period import Scope, rows_of
from crm.access.policy import field_rights
from sales.models import Deal
from sales.selectors import WEIGHTED, base_currency

ZERO = Decimal(0)
OPEN, WON, LOST = Q(outcome="open"), Q(outcome="won"), Q(outcome="lost")


class Days(Func):
    """The number of days between two dates."""

    template = "(%(expressions)s)"
    arg_joiner = " - "
    output_field = FloatField()


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


def sales_report(user: Any, scope: Scope) -> SalesReport:
    """Compute the report over the deals that ``user`` may see: five statements, whatever their number."""
    deals = deals_of(user, scope)
    rights = field_rights(user, Deal)
    amounts = rights.can_read("value")
    report = SalesReport(scope, base_currency(), timezone.now(), _figures(_measured(deals, scope), amounts))
    stages = deals.order_by().values(
        "stage", "stage__name", "stage__code", "stage__outcome", "stage__hue", "pipeline__name"
    ).order_by("pipeline__position", "pipeline__name", "stage__position")
    report.by_stage = [
        Group(r["stage"], r["stage__name"], _figures(r, amounts), r["stage__code"], r["stage__outcome"], r["stage__hue"],
              r["pipeline__name"])
        for r in _grouped(stages, scope) if _counted(r)
    ]
    owners = deals.order_by().values(
        "assigned_user", "assigned_user__first_name", "assigned_user__last_name", "assigned_user__email"
    )
    report.by_owner = _by_value([
        Group(r["assigned_user"], _name(r), _figures(r, amounts)) for r in _grouped(owners, scope) if _counted(r)
    ])
    products = deals.order_by().values("product", "product__name")
    report.by_product = _by_value([
        Group(r["product"], r["product__name"] or "", _figures(r, amounts)) for r in _grouped(products, scope) if _counted(r)
    ])
    months = (
        deals.filter(period_of(scope)).exclude(outcome="open").order_by()
        .annotate(month=TruncMonth("actual_close_date")).values("month").order_by("month")
    )
    report.by_month = [(r["month"], _figures(r, amounts)) for r in _grouped(months, scope) if r["month"]]
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
    """Return the aggregates that make a group's figures."""
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
        "average_cycle_days": Avg(CYCLE, filter=won),
    }


def _measured(deals: QuerySet[Deal], scope: Scope) -> dict[str, Any]:
    return dict(deals.order_by().aggregate(**measures(scope)))


def _grouped(rows: Any, scope: Scope) -> Any:
    return rows.annotate(**measures(scope))


def _counted(row: dict[str, Any]) -> bool:
    return bool(row["open_count"] or row["won_count"] or row["lost_count"])


def _figures(row: dict[str, Any], amounts: bool) -> Figures:
    def value(name: str) -> Decimal | None:
        return round(row[name] or ZERO, 2) if amounts else None

    days = row["average_cycle_days"]
    return Figures(
        row["open_count"], value("open_value"), value("weighted_value"), row["won_count"], value("won_value"),
        row["lost_count"], value("lost_value"), round(float(days), 1) if days is not None else None,
    )


def _name(row: dict[str, Any]) -> str:
    full = f"{row['assigned_user__first_name'] or ''} {row['assigned_user__last_name'] or ''}".strip()
    return full or row["assigned_user__email"] or ""


def _by_value(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda g: (-(g.figures.won_value or 0), -g.figures.won_count, g.name.casefold()))
