"""The customers report: how many, in which state, where from, since when, and who bought most."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from analytics.selectors.period import Scope, rows_of
from analytics.selectors.remembered import remembered
from analytics.selectors.sales import deals_of, period_of
from crm.access.policy import field_rights
from customers.models import Company, Customer
from sales.models import Deal
from sales.selectors import base_currency


@dataclass
class CustomerReport:
    """The whole report; ``None`` for what the reader's role hides."""

    scope: Scope
    currency: str
    as_of: datetime
    customers: int
    companies: int
    new_customers: int
    by_status: list[tuple[str, int]]
    by_source: list[tuple[str, int]]
    by_month: list[tuple[date, int]]
    top_companies: list[tuple[Any, str, int, Decimal | None]]


@remembered
def customer_report(user: Any, scope: Scope) -> CustomerReport:
    """Compute the report over what ``user`` may see. The period is that in which customers were made."""
    people, companies = rows_of(user, Customer), rows_of(user, Company)
    if scope.owner is not None:
        people, companies = people.filter(assigned_user=scope.owner), companies.filter(assigned_user=scope.owner)
    rights = field_rights(user, Customer)
    new = people.filter(_made(scope))
    # One walk over the people, added up by each of their keys.
    counts = list(people.order_by().values("status", "source").annotate(n=Count("pk")))
    months = [
        (r["month"].date(), r["n"]) for r in new.order_by().annotate(month=TruncMonth("created_at")).values("month")
        .annotate(n=Count("pk")).order_by("month")
    ]
    return CustomerReport(
        scope=scope, currency=base_currency(), as_of=timezone.now(), customers=sum(r["n"] for r in counts), companies=companies.count(),
        new_customers=sum(n for _month, n in months),
        by_status=_counts(counts, "status") if rights.can_read("status") else [],
        by_source=_counts(counts, "source")[:20] if rights.can_read("source") else [],
        by_month=months,
        top_companies=_top(user, scope, companies),
    )


def _made(scope: Scope) -> Q:
    clause = Q()
    if scope.start:
        clause &= Q(created_at__date__gte=scope.start)
    if scope.end:
        clause &= Q(created_at__date__lte=scope.end)
    return clause


def _counts(rows: list[dict[str, Any]], name: str) -> list[tuple[str, int]]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row[name]] += row["n"]
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _top(user: Any, scope: Scope, companies: Any) -> list[tuple[Any, str, int, Decimal | None]]:
    """Return the companies with the most won value, of those and of the deals that the reader sees."""
    amounts = field_rights(user, Deal).can_read("value")
    rows = (
        deals_of(user, scope).filter(period_of(scope), outcome="won", company__in=companies).order_by()
        .values("company", "company__name").annotate(n=Count("pk"), value=Sum("value_base"))
        .order_by("-value" if amounts else "-n", "company")[:10]
    )
    return [(r["company"], r["company__name"], r["n"], r["value"] if amounts else None) for r in rows]
