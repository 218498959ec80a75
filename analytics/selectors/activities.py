"""The activities report: what was done, by whom, and what is left to do."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone

from analytics.selectors.period import Scope, rows_of
from analytics.selectors.remembered import remembered
from communications.models import Interaction, InteractionType
from crm.accounts.models import User
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


@remembered
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
    # One walk over what was said, added up by each of its keys.
    counts = list(
        said.order_by().annotate(month=TruncMonth("happened_at")).values("type", "user", "month").annotate(n=Count("pk"))
    )
    names = dict(InteractionType.objects.values_list("code", "name"))
    types = sorted(_by(counts, "type").items(), key=lambda t: (-t[1], str(t[0])))
    return ActivityReport(
        scope=scope, as_of=now, interactions=sum(n for _type, n in types),
        tasks_completed=sums["completed"], tasks_open=sums["open"], tasks_overdue=sums["overdue"],
        on_time=round(100 * sums["punctual"] / sums["dated"], 1) if sums["dated"] else None,
        by_type=[(code, names[code], n) for code, n in types],
        by_month=[(month.date(), n) for month, n in sorted(_by(counts, "month").items())],
        by_person=_people(_by(counts, "user"), tasks, counted),
    )


def _by(rows: list[dict[str, Any]], name: str) -> dict[Any, int]:
    """Return how many there are for each value of a key."""
    found: Counter[Any] = Counter()
    for row in rows:
        found[row[name]] += row["n"]
    return found


def _people(said: dict[Any, int], tasks: Any, counted: dict[str, Any]) -> list[Person]:
    found: dict[Any, dict[str, Any]] = {pk: {"interactions": n} for pk, n in said.items()}
    for r in tasks.order_by().values("assigned_user").annotate(**counted):
        if r["completed"] or r["open"]:
            found.setdefault(r["assigned_user"], {}).update(
                tasks_completed=r["completed"], tasks_open=r["open"], tasks_overdue=r["overdue"])
    known = User.objects.in_bulk([pk for pk in found if pk is not None])
    people = [Person(id=pk, name=known[pk].name if pk in known else "", **values) for pk, values in found.items()]
    return sorted(people, key=lambda p: (-p.interactions - p.tasks_completed, p.name.casefold()))


def _within(scope: Scope, name: str) -> Q:
    clause = Q()
    if scope.start:
        clause &= Q(**{f"{name}__date__gte": scope.start})
    if scope.end:
        clause &= Q(**{f"{name}__date__lte": scope.end})
    return clause

