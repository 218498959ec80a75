"""The dashboard: the sales figures beside what is due and what is new."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from analytics.selectors.period import Scope, list_url, rows_of
from analytics.selectors.remembered import remembered
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


@remembered
def dashboard(user: Any, scope: Scope) -> Dashboard:
    """Compute the dashboard over what ``user`` may see; “new” and interactions are those of 30 days."""
    now = timezone.now()
    recent = {"relative": "last", "n": 30, "unit": "day"}
    is_open = {"field": "status", "op": "is_any_of", "value": ["PENDING", "IN_PROGRESS"]}
    behind = {
        "interactions": scope.owned({"field": "happened_at", "op": "in", "value": recent}, field="user"),
        "new": scope.owned({"field": "created_at", "op": "in", "value": recent}),
        "tasks": scope.owned(is_open),
        "late": scope.owned(is_open, {"field": "due_date", "op": "before", "value": {"relative": "now"}}),
    }
    # Each number is counted by the criteria of the list that it leads to.
    clauses = {name: compile_criteria(behind[name], model, user) for name, model in (
        ("interactions", Interaction), ("new", Customer), ("tasks", Task), ("late", Task))}
    tomorrow = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    people, tasks = rows_of(user, Customer), rows_of(user, Task)
    said, companies = rows_of(user, Interaction), rows_of(user, Company)
    if scope.owner is not None:
        people, companies = people.filter(assigned_user=scope.owner), companies.filter(assigned_user=scope.owner)
    todo = tasks.filter(clauses["tasks"]).order_by().aggregate(
        open=Count("pk"), overdue=Count("pk", filter=clauses["late"]),
        today=Count("pk", filter=Q(due_date__gte=now, due_date__lt=tomorrow)),
    )
    return Dashboard(
        sales=sales_report(user, scope), customers=people.count(), new_customers=people.filter(clauses["new"]).count(),
        companies=companies.count(), tasks_open=todo["open"], tasks_overdue=todo["overdue"],
        tasks_due_today=todo["today"], interactions=said.filter(clauses["interactions"]).count(),
        urls={
            "customers": list_url("customers", scope.owned()), "companies": list_url("companies", scope.owned()),
            "tasks": list_url("tasks", behind["tasks"]), "interactions": list_url("interactions", behind["interactions"]),
            "new": list_url("customers", behind["new"]), "late": list_url("tasks", behind["late"]),
        },
    )
