"""The calendar of tasks, and giving a task another day or status by putting it somewhere else."""

import datetime as dt
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import allows
from crm.activity.intention import intend
from crm.lib.errors import Invalid
from crm.ui.figures import weekday
from crm.ui.pages import done, page, redirect_to, render, toast, wants_part
from tasks.models import Task
from tasks.month import SPANS, calendar
from tasks.repeating import END_OF_WORK
from tasks.selectors import mine_or_team
from tasks.services.tasks import reschedule
from tasks.views.asked import task_or_404, who_of


def calendar_page(request: HttpRequest) -> HttpResponse:
    """Show a month or a week."""
    span = request.GET.get("span", "")
    span = span if span in SPANS else "month"
    try:
        around = dt.date.fromisoformat(request.GET.get("day", ""))
        around = around if 1900 < around.year < 2200 else timezone.localdate()
    except ValueError:
        around = timezone.localdate()
    who = who_of(request)
    shown = calendar(request.user, mine_or_team(request.user, who), span, around)
    context: dict[str, Any] = {
        "who": who, "layout": "calendar", "calendar": shown, "may_create": allows(request.user, "create", Task),
        "today": timezone.localdate(), "around": around, "here": request.get_full_path(),
    }
    return render(request, "tasks/calendar.html", context, part="tasks")


@page("POST")
def due(request: HttpRequest, task_id: uuid.UUID) -> HttpResponseBase:
    """Put a task on another day, at the time it has; without a day it has no date."""
    task = task_or_404(request, task_id)
    text = request.POST.get("day", "")
    try:
        day = dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid.field("day", _("This is not a date.")) from None
    at = timezone.localtime(task.due_date).time() if task.due_date else END_OF_WORK
    moment = timezone.make_aware(dt.datetime.combine(day, at)) if day else None
    with intend(actor=request.user) as intention:
        task = reschedule(task=task, due_date=moment, actor=request.user)
    said = weekday(day) if day else _("no date")
    toast(request, _("“%(task)s”: %(day)s") % {"task": task.title, "day": said}, undo=intention.id)
    return done(request) if wants_part(request) else redirect_to(request, "/tasks?layout=calendar")
