"""What the pages of tasks read from a request."""

import datetime as dt
import uuid

from django.http import HttpRequest
from django.utils import timezone

from crm.access.policy import visible_to
from crm.lib.errors import Missing
from tasks.models import Task
from tasks.repeating import END_OF_WORK
from tasks.selectors import with_records

WHO = ("mine", "team", "all")


def who_of(request: HttpRequest) -> str:
    """Return whose tasks are asked for."""
    who = request.GET.get("who", "mine")
    return who if who in WHO else "mine"


def task_or_404(request: HttpRequest, task_id: uuid.UUID) -> Task:
    """Return a task that the user sees."""
    found = with_records(visible_to(request.user, Task)).filter(pk=task_id).first()
    if found is None:
        raise Missing
    return found


def evening(days: int = 0, day: dt.date | None = None) -> dt.datetime:
    """Return five in the afternoon of a day, or of some days from today."""
    day = day or timezone.localdate() + dt.timedelta(days=days)
    return timezone.make_aware(dt.datetime.combine(day, END_OF_WORK))
