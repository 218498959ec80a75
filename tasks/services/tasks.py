"""What can be done with a task beside editing it."""

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict
from crm.records.services import create_record, update_record
from crm.records.services.records import lock
from tasks.models import Task

INHERITED = ("customer", "company", "deal", "assigned_user", "priority")


@verb
def complete_task(
    *,
    task: Task,
    actor: Any,
    outcome: str | None = None,
    follow_up: dict[str, Any] | None = None,
    version: int | None = None,
) -> Task:
    """Mark ``task`` as done. Doing it again changes nothing; a cancelled one must be reopened first.

    ``follow_up`` are the fields of a next task; it is about the same records and for the same person unless
    they say otherwise.
    """
    if lock(task).status == Task.Status.CANCELLED:
        raise Conflict(_("This task is cancelled. Reopen it first."))
    relabel(_("Complete task"))
    data: dict[str, Any] = {"status": Task.Status.COMPLETED}
    if outcome is not None:
        data["outcome"] = outcome
    task = update_record(obj=task, data=data, actor=actor, version=version, doing="complete")
    if follow_up is not None:
        inherited = {name: getattr(task, f"{name}_id", None) or getattr(task, name) for name in INHERITED}
        inherited = {name: value for name, value in inherited.items() if value is not None}
        create_record(of="task", data={**inherited, **follow_up}, actor=actor)
    return task


@verb
def reopen_task(*, task: Task, actor: Any, version: int | None = None) -> Task:
    """Open a completed or cancelled task again. An open one stays as it is."""
    relabel(_("Reopen task"))
    if lock(task).status in (Task.Status.PENDING, Task.Status.IN_PROGRESS):
        data: dict[str, Any] = {}
    else:
        data = {"status": Task.Status.PENDING}
    return update_record(obj=task, data=data, actor=actor, version=version, doing="reopen")


@verb
def reschedule(
    *, task: Task, due_date: dt.datetime | str | None, actor: Any, version: int | None = None
) -> Task:
    """Give ``task`` another due date, or none."""
    relabel(_("Reschedule task"))
    return update_record(obj=task, data={"due_date": due_date}, actor=actor, version=version, doing="reschedule")
