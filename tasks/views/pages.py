"""The pages of tasks: the list by due date, the board by status, and what one does there."""

import datetime as dt
import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from crm.access.policy import allows, require, visible_to
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Missing, Refusal
from crm.lists.views.lists import record_list
from crm.records.entity import entity
from crm.records.services import create_record, update_record
from crm.ui.figures import day_and_time
from crm.ui.layouts import layout_of
from crm.ui.pages import done, local_url, page, problems_of, redirect_to, render, toast, wants_part
from customers.models import Company, Customer
from sales.models import Deal
from tasks.models import Task
from tasks.quick import corrected, understand
from tasks.selectors import by_status, drawn, grouped, mine_or_team
from tasks.services.tasks import complete_task, reopen_task, reschedule
from tasks.views.asked import evening, task_or_404, who_of
from tasks.views.calendar import calendar_page

LAYOUTS = ("list", "board", "calendar", "table")
SHIFTS = {"today": 0, "tomorrow": 1, "next_week": None}
MAX_BULK = 200


@page()
def tasks(request: HttpRequest) -> HttpResponseBase:
    """Show tasks by due date, or by status."""
    require(request.user, "view", Task)
    layout = layout_of(request, "tasks", LAYOUTS)
    if layout == "table":
        return record_list(request, entity=entity("task"), template="tasks/table.html")
    return calendar_page(request) if layout == "calendar" else _tasks_page(request)


@page("POST")
def quick_add(request: HttpRequest) -> HttpResponseBase:
    """Make a task of a line."""
    line = request.POST.get("line", "")
    read = understand(line, request.user)
    try:
        fields = corrected(read.fields, request.POST)
        problems = list(read.problems)
    except Invalid as error:
        fields, problems = {}, [m for found in problems_of(error).values() for m in found]
    if not problems:
        try:
            with intend(actor=request.user) as intention:
                made = create_record(of="task", data=fields, actor=request.user)
            due = f" ({day_and_time(made.due_date)})" if made.due_date else ""
            toast(request, _("Task added: %(title)s") % {"title": made.title} + due,
                  undo=intention.id, url=f"/tasks/{made.pk}", link=pgettext("act", "Open"))
            return redirect_to(request, local_url(request, request.POST.get("next", ""), "/tasks"))
        except Invalid as error:
            problems = [m for found in problems_of(error).values() for m in found]
        except Refusal as error:
            problems = [str(error.message)]
    return _tasks_page(request, line=line, problems=problems, status=422)


@page()
def understood(request: HttpRequest) -> HttpResponse:
    """Show as chips what a line is understood to mean."""
    line = request.GET.get("line", "")
    return render(request, "tasks/parts.html#chips", {
        "read": understand(line, request.user) if line.strip() else None, "priorities": Task.Priority.choices, "types": Task.Type.choices,
    })


@page("GET POST")
def plan(request: HttpRequest) -> HttpResponseBase:
    """Ask for the next step of a deal in a line (GET), or make a task of it (POST)."""
    params = request.GET if request.method == "GET" else request.POST
    pk = _id(params.get("deal", ""))
    deal = visible_to(request.user, Deal).filter(pk=pk).first() if pk else None
    if deal is None:
        raise Missing
    context: dict[str, Any] = {"deal": deal, "line": params.get("line", "")}
    if request.method == "GET":
        return render(request, "tasks/plan.html", context)
    read = understand(params.get("line", ""), request.user)
    problems = list(read.problems)
    if not problems:
        about: list[tuple[str, Any, Any]] = [("deal", Deal, deal.pk), ("customer", Customer, deal.customer_id), ("company", Company, deal.company_id)]
        # What the planner may not see he cannot name: the task is about the deal alone then.
        data: dict[str, Any] = {n: str(pk) for n, model, pk in about if pk and visible_to(request.user, model).filter(pk=pk).exists()}
        try:
            data = {"due_date": evening(1).isoformat(), **data, **corrected(read.fields, params)}
            with intend(actor=request.user, label=_("Plan the next step")) as intention:
                made = create_record(of="task", data=data, actor=request.user)
        except Refusal as error:
            problems = [m for found in problems_of(error).values() for m in found]
        else:
            toast(request, _("Planned: %(title)s") % {"title": made.title}, undo=intention.id, url=f"/tasks/{made.pk}", link=pgettext("act", "Open"))
            return done(request, **{"record:changed": {"entity": "deal", "id": str(deal.pk)}, "dialog:close": {}})
    return render(request, "tasks/plan.html", {**context, "problems": problems}, status=422)


@page("GET POST")
def complete(request: HttpRequest, task_id: uuid.UUID) -> HttpResponseBase:
    """Ask for outcome and next step (GET), or mark the task as done (POST)."""
    task = task_or_404(request, task_id)
    if request.method == "GET":
        shown = drawn(request.user, Task.objects.filter(pk=task.pk))[0]
        return render(request, "tasks/complete.html", {"task": shown, "tomorrow": evening(1)})
    follow_up = None
    if request.POST.get("follow_up", "").strip():
        read = understand(request.POST["follow_up"], request.user)
        follow_up = {**read.fields}
        follow_up.setdefault("due_date", request.POST.get("follow_up_due") or None)
    try:
        with intend(actor=request.user) as intention:
            outcome = request.POST.get("outcome", "").strip() or None
            task = complete_task(task=task, actor=request.user, outcome=outcome, follow_up=follow_up)
    except Invalid as error:
        return render(request, "tasks/complete.html", {
            "task": drawn(request.user, Task.objects.filter(pk=task.pk))[0], "tomorrow": evening(1),
            "problems": [m for found in problems_of(error).values() for m in found],
        }, status=422)
    # Whoever did not say what comes next is asked: the habit that keeps deals from standing still.
    more = {} if follow_up else {"url": _follow_up_url(task), "link": _("Add follow-up")}
    toast(request, _("Task done"), undo=intention.id, **more)
    return _row_or_page(request, task)


@page("POST")
def reopen(request: HttpRequest, task_id: uuid.UUID) -> HttpResponseBase:
    """Open a task again."""
    task = reopen_task(task=task_or_404(request, task_id), actor=request.user)
    toast(request, _("Task opened again"))
    return _row_or_page(request, task)


@page("POST")
def status(request: HttpRequest, task_id: uuid.UUID) -> HttpResponseBase:
    """Move a task to another status (the board's menu)."""
    task = task_or_404(request, task_id)
    with intend(actor=request.user) as intention:
        update_record(obj=task, data={"status": request.POST.get("status", "")}, actor=request.user)
    toast(request, _("Task moved"), undo=intention.id)
    return done(request) if wants_part(request) else redirect_to(request, "/tasks?layout=board")


@page("POST")
def reschedule_many(request: HttpRequest) -> HttpResponseBase:
    """Give the ticked tasks another due date; all of them, or none."""
    ids = [_id(text) for text in request.POST.getlist("task")][:MAX_BULK]
    found = list(visible_to(request.user, Task).filter(pk__in=[pk for pk in ids if pk]))
    if not found or len(found) != len(set(ids)):
        raise Missing
    to = request.POST.get("to", "")
    if to == "none":
        due = None
    elif to in SHIFTS:
        days = SHIFTS[to]
        due = evening(7 - timezone.localdate().weekday() if days is None else days)
    elif request.POST.get("day"):
        try:
            due = evening(day=dt.date.fromisoformat(request.POST["day"]))
        except (ValueError, OverflowError):
            raise Invalid.field("day", _("This is not a date.")) from None
    else:
        raise Invalid.field("to", _("Choose a day."))
    with intend(actor=request.user, label=_("Reschedule tasks")) as intention:
        for task in found:
            reschedule(task=task, due_date=due, actor=request.user)
    text = ngettext("%(n)d task moved", "%(n)d tasks moved", len(found)) % {"n": len(found)}
    toast(request, text, undo=intention.id)
    return redirect_to(request, local_url(request, request.POST.get("next", ""), "/tasks"))


def _tasks_page(
    request: HttpRequest, *, line: str = "", problems: list[str] | None = None, status: int = 200
) -> HttpResponse:
    who = who_of(request)
    layout = layout_of(request, "tasks", LAYOUTS)
    rows = mine_or_team(request.user, who)
    context: dict[str, Any] = {
        "who": who, "layout": layout, "line": line, "problems": problems or [],
        "may_create": allows(request.user, "create", Task), "here": request.get_full_path() if request.method == "GET" else "/tasks",
    }
    if layout == "board":
        context["columns"] = by_status(request.user, rows)
    else:
        groups = grouped(request.user, rows)
        context |= {"groups": [g for g in groups if g.count], "open_count": sum(g.count for g in groups if g.key != "done")}
    return render(request, "tasks/board.html" if layout == "board" else "tasks/list.html", context, status=status, part="tasks")


def _row_or_page(request: HttpRequest, task: Task) -> HttpResponseBase:
    if wants_part(request) and request.POST.get("row"):
        shown = drawn(request.user, visible_to(request.user, Task).filter(pk=task.pk))
        return render(request, "tasks/parts.html#row", {"task": shown[0] if shown else None})
    if wants_part(request) and request.POST.get("on") == "record":
        return done(request, **{"record:changed": {"fields": ["task"]}, "dialog:close": {}})
    return redirect_to(request, request.POST.get("next") or "/tasks")


def _follow_up_url(task: Task) -> str:
    """Return the form of a task about the same records."""
    about = {name: getattr(task, f"{name}_id") for name in ("customer", "company", "deal")}
    asked = {"back": "/tasks", **{name: str(pk) for name, pk in about.items() if pk}}
    return f"/tasks/new?{urlencode(asked)}"


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
