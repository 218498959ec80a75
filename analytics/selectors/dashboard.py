"""The dashboard: the sales figures beside what is due and what is new."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from analytics.selectors.period import Scope
from analytics.selectors.sales import SalesReport, sales_report
from communications.models import Interaction
from crm.access.policy import visible_to
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


def dashboard(user: Any, scope: Scope) -> Dashboard:
    """Compute the dashboard over what ``user`` may see; “new” and interactions are those of 30 days."""
    now = timezone.now()
    month = now - timedelta(days=30)
    tomorrow = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    people, tasks = visible_to(user, Customer), visible_to(user, Task)
    said, companies = visible_to(user, Interaction), visible_to(user, Company)
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
        tasks_due_today=todo["today"], interactions=said.filter(happened_at__gte=month, happened_at__lte=now).count(),
    )
