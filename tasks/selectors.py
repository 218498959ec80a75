"""Reading tasks: what is late, what is due, what comes next for a deal."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.lib.prepared import PreparedMany, PreparedTuples, Shelf
from crm.records.entity import entity
from crm.ui.values import for_eyes, with_links
from sales.selectors import NextStep, finds_next_steps
from tasks.models import Task

OPEN = Q(status__in=[Task.Status.PENDING, Task.Status.IN_PROGRESS])
SHOWN = 50
DONE_SHOWN = 15
"""What is done is looked back at, not worked through."""
GROUPS = (
    ("late", gettext_lazy("Late")),
    ("today", gettext_lazy("Today")),
    ("week", gettext_lazy("This week")),
    ("later", gettext_lazy("Later")),
    ("none", gettext_lazy("No date")),
    ("done", gettext_lazy("Done")),
)


@dataclass
class Group:
    """The tasks under one heading: the first ones, and how many there are."""

    key: str
    label: Any
    count: int = 0
    tasks: list[Task] = field(default_factory=list)

    @property
    def more(self) -> int:
        """Return how many are not shown."""
        return max(0, self.count - len(self.tasks))


def mine_or_team(user: Any, who: str) -> QuerySet[Task]:
    """Return the visible tasks of oneself, of one's team, or of everybody."""
    tasks = visible_to(user, Task).filter(archived_at=None)
    if who == "all":
        return tasks
    if who == "team":
        return tasks.filter(assigned_user__in=rights_of(user).owners("tree"))
    return tasks.filter(assigned_user=user)


def clauses() -> dict[str, Q]:
    """Return what makes a task stand in each group, in the reader's time zone."""
    now = timezone.localtime()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + dt.timedelta(days=1)
    next_week = midnight + dt.timedelta(days=7 - now.weekday())
    return {
        "late": OPEN & Q(due_date__lt=now),
        "today": OPEN & Q(due_date__gte=now, due_date__lt=tomorrow),
        "week": OPEN & Q(due_date__gte=tomorrow, due_date__lt=next_week),
        "later": OPEN & Q(due_date__gte=max(tomorrow, next_week)),
        "none": OPEN & Q(due_date=None),
        "done": Q(status=Task.Status.COMPLETED, completed_at__gte=midnight - dt.timedelta(days=7)),
    }


def grouped(user: Any, tasks: QuerySet[Task], keys: Sequence[str] | None = None, limit: int = SHOWN) -> list[Group]:
    """Return the groups with their first tasks: two statements for the numbers, a short one a group, and one for what is drawn."""
    wanted = clauses()
    labels = [(key, label) for key, label in GROUPS if keys is None or key in keys]
    # What is done is counted apart: years of it must not be read for the sake of what is open.
    counts = tasks.filter(OPEN).order_by().aggregate(**{key: Count("pk", filter=wanted[key]) for key, _label in labels if key != "done"})
    counts["done"] = tasks.filter(wanted["done"]).count() if any(key == "done" for key, _label in labels) else 0
    firsts: dict[str, list[uuid.UUID]] = {}
    for key, _label in labels:
        if counts[key]:
            order = ("-completed_at", "id") if key == "done" else ("due_date", "id")
            most = min(limit, DONE_SHOWN) if key == "done" else limit
            firsts[key] = list(tasks.filter(wanted[key]).order_by(*order).values_list("pk", flat=True)[:most])
    by_id = {task.pk: task for task in _by_ids(user, [pk for some in firsts.values() for pk in some])}
    return [
        Group(key, label, counts[key], [by_id[pk] for pk in firsts.get(key, ()) if pk in by_id]) for key, label in labels
    ]


def following(user: Any) -> Task | None:
    """Return the next task of one's own that is due after today."""
    later = Q(due_date__gte=timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1))
    return mine_or_team(user, "mine").filter(OPEN & later).order_by("due_date", "id").first()


def with_records(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Load what a line of a task shows along with it."""
    return tasks.select_related("customer", "company", "deal", "assigned_user", "category")


def drawn(user: Any, tasks: QuerySet[Task], limit: int = SHOWN) -> list[Task]:
    """Return tasks for drawing their lines, with as much of what they are about as ``user`` may see."""
    ids = list(tasks.values_list("pk", flat=True)[:limit])
    by_id = {task.pk: task for task in _by_ids(user, ids)}
    return [by_id[pk] for pk in ids if pk in by_id]


# By the rights of who asks.
_lines: Shelf[PreparedMany[Task]] = Shelf()


def _by_ids(user: Any, ids: list[uuid.UUID]) -> list[Task]:
    """Return the tasks of some ids, in any order: the ids are found first, so that only what is drawn is read with its links."""
    if not ids:
        return []
    of = entity("task")
    about = [of.own_fields[name] for name in ("customer", "company", "deal")]
    rows = _lines.get(rights_of(user).fingerprint or None, lambda: PreparedMany(
        lambda some: with_links(with_records(Task.objects.filter(pk__among=some).order_by()), of, about, user), ([uuid.UUID(int=1)],)
    )).all(ids)
    return for_eyes(rows, of, user)


def by_status(user: Any, tasks: QuerySet[Task]) -> list[Group]:
    """Return the tasks by status, for the board; of the finished only those of the last week."""
    recent = timezone.now() - dt.timedelta(days=7)
    groups = []
    for status in Task.Status:
        rows = tasks.filter(status=status)
        if status == Task.Status.COMPLETED:
            rows = rows.filter(completed_at__gte=recent)
        elif status == Task.Status.CANCELLED:
            rows = rows.filter(updated_at__gte=recent)
        groups.append(Group(status.value, status.label, rows.count(), drawn(user, rows.order_by("due_date", "id"))))
    return groups


# By the rights of who asks.
_nexts: Shelf[PreparedTuples] = Shelf()


@finds_next_steps
def next_steps(user: Any, deals: Sequence[uuid.UUID]) -> dict[uuid.UUID, NextStep]:
    """Return the next open task of each deal that ``user`` may see."""
    now = timezone.localtime()
    rows = _nexts.get(rights_of(user).fingerprint or None, lambda: PreparedTuples(
        lambda some: visible_to(user, Task).filter(OPEN, deal__id__among=some)
        .order_by("deal", "due_date", "created_at").distinct("deal").values_list("deal", "title", "due_date"),
        ([uuid.UUID(int=1)],),
    )).ask((list(deals),))
    found = {}
    for deal, title, due in rows:
        if due is None:
            found[deal] = NextStep(title, None, "success", "chevron-right", _("Planned: %(title)s") % {"title": title})
        elif due < now:
            found[deal] = NextStep(title, due, "danger", "triangle-alert", _("Late: %(title)s") % {"title": title})
        elif timezone.localtime(due).date() == now.date():
            found[deal] = NextStep(title, due, "warning", "clock", _("Due today: %(title)s") % {"title": title})
        else:
            found[deal] = NextStep(title, due, "success", "chevron-right", _("Planned: %(title)s") % {"title": title})
    return found
