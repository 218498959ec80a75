"""The dashboard: the sales figures beside what is due and what is new."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from analytics.selectors.period import Scope, list_url, rows_of
from analytics.selectors.sales import SalesReport, sales_report
from communications.models import Interaction
from crm.criteria import compile_criteria
from customers.models import Company, Customer
from tasks.models import Task


@dataclass
class Dashboard:
    """The numbers of the dashboard."""

    sales: SalesReport
    customers: int
    new_customers: int
    companies: int
    tasks_open: int
    tasks_overdue: int
    tasks_due_today: int
    interactions: int
    urls: dict[str, str] = field(default_factory=dict)
    """The lists behind the numbers."""


def dashboard(user: Any, scope: Scope) -> Dashboard:
    """Compute the dashboard over what ``user`` may see; “new” and interactions are those of 30 days."""
    now = timezone.now()
    recent = {"relative": "last", "n": 30, "unit": "day"}
    said_lately = scope.owned({"field": "happened_at", "op": "in", "value": recent}, field="user")
    open_tasks = scope.owned({"field": "status", "op": "is_any_of", "value": ["PENDING", "IN_PROGRESS"]})
    month = now - timedelta(days=30)
    tomorrow = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    people, tasks = rows_of(user, Customer), rows_of(user, Task)
    said, companies = rows_of(user, Interaction), rows_of(user, Company)
    if scope.owner is not None:
        people, tasks = people.filter(assigned_user=scope.owner), tasks.filter(assigned_user=scope.owner)
        said, companies = said.filter(user=scope.owner), companies.filter(assigned_user=scope.owner)
    is_open = Q(status__in=["PENDING", "IN_PROGRESS"])
    counted = people.order_by().aggregate(n=Count("pk"), new=Count("pk", filter=Q(created_at__gte=month)))
    todo = tasks.order_by().aggregate(
        open=Count("pk", filter=is_open), overdue=Count("pk", filter=is_open & Q(due_date__lt=now)),
        today=Count("pk", filter=is_open & Q(due_date__gte=now, due_date__lt=tomorrow)),
    )
    return Dashboard(
        sales=sales_report(user, scope), customers=counted["n"], new_customers=counted["new"],
        companies=companies.count(), tasks_open=todo["open"], tasks_overdue=todo["overdue"],
        tasks_due_today=todo["today"], interactions=said.filter(compile_criteria(said_lately, Interaction, user)).count(),
        urls={
            "customers": list_url("customers", scope.owned()), "companies": list_url("companies", scope.owned()),
            "tasks": list_url("tasks", open_tasks), "interactions": list_url("interactions", said_lately),
        },
    )
