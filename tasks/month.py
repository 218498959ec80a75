"""Tasks as a calendar: a month in weeks, or a week, in the reader's time zone and with the first day of the locale."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from babel.dates import format_date, get_day_names
from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber, TruncDate
from django.utils import timezone

from crm.lib.languages import dates
from crm.ui.figures import day_of_year, weekday
from tasks.models import Task
from tasks.selectors import OPEN, drawn

SPANS = ("month", "week")
SHOWN = {"month": 4, "week": 40}
TRAY = 20


@dataclass
class Day:
    """One day: its first tasks, and how many there are."""

    day: dt.date
    inside: bool
    today: bool
    name: str
    tasks: list[Task] = field(default_factory=list)
    count: int = 0

    @property
    def more(self) -> int:
        """Return how many tasks are not shown."""
        return max(0, self.count - len(self.tasks))


@dataclass
class Calendar:
    """The days of a month or week in rows of seven, and the tasks without a date."""

    span: str
    title: str
    names: Sequence[tuple[str, str]]
    weeks: list[list[Day]]
    before: dt.date
    after: dt.date
    undated: list[Task]
    undated_count: int


def calendar(user: Any, rows: QuerySet[Task], span: str, around: dt.date) -> Calendar:
    """Return the calendar around a day: three statements, whatever the number of tasks."""
    locale = dates()
    first = around.replace(day=1) if span == "month" else around
    start = first - dt.timedelta(days=(first.weekday() - locale.first_week_day) % 7)
    if span == "month":
        following = (first + dt.timedelta(days=32)).replace(day=1)
        count = -(-((following - start).days) // 7) * 7
        title, before = format_date(first, "LLLL y", locale=locale), (first - dt.timedelta(days=1)).replace(day=1)
    else:
        following, count = start + dt.timedelta(days=7), 7
        title = f"{day_of_year(start)} – {format_date(following - dt.timedelta(days=1), 'medium', locale=locale)}"
        before = start - dt.timedelta(days=7)
    today = timezone.localdate()
    all_days = [start + dt.timedelta(days=n) for n in range(count)]
    days = {
        d: Day(d, span == "week" or d.month == first.month, d == today, weekday(d)) for d in all_days
    }
    _fill(user, rows, span, days)
    undated = rows.filter(OPEN, due_date=None).order_by("-created_at", "id")
    shown = drawn(user, undated, TRAY)
    wide, short = get_day_names("wide", "stand-alone", locale), get_day_names("abbreviated", "stand-alone", locale)
    order = [(locale.first_week_day + n) % 7 for n in range(7)]
    listed = list(days.values())
    return Calendar(
        span, title[:1].upper() + title[1:], [(wide[n], short[n]) for n in order], [listed[n:n + 7] for n in range(0, count, 7)],
        before, following, shown, undated.count() if len(shown) == TRAY else len(shown),
    )


def _fill(user: Any, rows: QuerySet[Task], span: str, days: dict[dt.date, Day]) -> None:
    first, last = min(days), max(days) + dt.timedelta(days=1)
    begin, end = (timezone.make_aware(dt.datetime.combine(d, dt.time.min)) for d in (first, last))
    dated: Any = rows.filter(OPEN | Q(status=Task.Status.COMPLETED), due_date__gte=begin, due_date__lt=end).annotate(on=TruncDate("due_date"))
    for row in dated.order_by().values("on").annotate(n=Count("pk")):
        days[row["on"]].count = row["n"]
    placed = dated.annotate(
        place=Window(RowNumber(), partition_by=[F("on")], order_by=[F("completed_at").asc(nulls_first=True), F("due_date"), F("id")])
    ).filter(place__lte=SHOWN[span])
    for task in drawn(user, rows.model.objects.filter(pk__in=[pk for (pk,) in placed.values_list("pk")]).order_by("due_date", "id"), 2000):
        days[timezone.localtime(task.due_date).date()].tasks.append(task)
