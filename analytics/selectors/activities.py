"""The activities report: what was done, by whom, and what is left to do."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone

from analytics.selectors.period import Scope, rows_of
from communications.models import Interaction
from tasks.models import Task

OPEN = Q(status__in=["PENDING", "IN_PROGRESS"])


@dataclass(frozen=True)
class Person:
    """What one person did and has to do."""

    id: Any
    name: str
    interactions: int = 0
    tasks_completed: int = 0
    tasks_open: int = 0
    tasks_overdue: int = 0


@dataclass
class ActivityReport:
    """The whole report."""

    scope: Scope
    as_of: datetime
    interactions: int
    tasks_completed: int
    tasks_open: int
    tasks_overdue: int
    on_time: float | None
    by_type: list[tuple[str, str, int]]
    by_month: list[tuple[date, int]]
    by_person: list[Person]


def activity_report(user: Any, scope: Scope) -> ActivityReport:
    """Compute the report over what ``user`` may see."""
    now = timezone.now()
    said, tasks = rows_of(user, Interaction), rows_of(user, Task)
    if scope.owner is not None:
        said, tasks = said.filter(user=scope.owner), tasks.filter(assigned_user=scope.owner)
    said = said.filter(_within(scope, "happened_at"))
    done = Q(status="COMPLETED") & _within(scope, "completed_at")
    counted = {
        "completed": Count("pk", filter=done), "open": Count("pk", filter=OPEN),
        "overdue": Count("pk", filter=OPEN & Q(due_date__lt=now)),
    }
    sums = tasks.order_by().aggregate(
        **counted, dated=Count("pk", filter=done & Q(due_date__isnull=False)),
        punctual=Count("pk", filter=done & Q(completed_at__lte=F("due_date"))),
    )
    types = list(said.order_by().values("type", "type__name").annotate(n=Count("pk")).order_by("-n", "type"))
    months = (
        said.order_by().annotate(month=TruncMonth("happened_at")).values("month").annotate(n=Count("pk")).order_by("month")
    )
    return ActivityReport(
        scope=scope, as_of=now, interactions=sum(r["n"] for r in types),
        tasks_completed=sums["completed"], tasks_open=sums["open"], tasks_overdue=sums["overdue"],
        on_time=round(100 * sums["punctual"] / sums["dated"], 1) if sums["dated"] else None,
        by_type=[(r["type"], r["type__name"], r["n"]) for r in types],
        by_month=[(r["month"].date(), r["n"]) for r in months],
        by_person=_people(said, tasks, counted),
    )


def _people(said: Any, tasks: Any, counted: dict[str, Any]) -> list[Person]:
    found: dict[Any, dict[str, Any]] = {}
    for r in said.order_by().values("user", "user__first_name", "user__last_name", "user__email").annotate(n=Count("pk")):
        found[r["user"]] = {"name": _name(r, "user"), "interactions": r["n"]}
    owner = "assigned_user"
    rows = tasks.order_by().values(owner, f"{owner}__first_name", f"{owner}__last_name", f"{owner}__email").annotate(**counted)
    for r in rows:
        if r["completed"] or r["open"]:
            person = found.setdefault(r[owner], {"name": _name(r, owner)})
            person.update(tasks_completed=r["completed"], tasks_open=r["open"], tasks_overdue=r["overdue"])
    people = [Person(id=pk, **values) for pk, values in found.items()]
    return sorted(people, key=lambda p: (-p.interactions - p.tasks_completed, p.name.casefold()))


def _within(scope: Scope, name: str) -> Q:
    clause = Q()
    if scope.start:
        clause &= Q(**{f"{name}__date__gte": scope.start})
    if scope.end:
        clause &= Q(**{f"{name}__date__lte": scope.end})
    return clause


def _name(row: dict[str, Any], path: str) -> str:
    full = f"{row[f'{path}__first_name'] or ''} {row[f'{path}__last_name'] or ''}".strip()
    return full or row[f"{path}__email"] or ""
