"""What tasks bring to the pages of others: the next step on a deal's card, and the next steps at a record's side."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.records.panels import panel
from tasks.models import Task
from tasks.selectors import OPEN, next_steps

__all__ = ["next_steps"]

SHOWN = 4


def coming(obj: Any, user: Any) -> dict[str, Any]:
    """Return the open tasks about a record, the most urgent first, and how each stands in time."""
    rows = visible_to(user, Task).filter(OPEN, **{obj._meta.model_name: obj.pk}, archived_at=None)
    found = list(rows.select_related("assigned_user").order_by("due_date", "created_at")[: SHOWN + 1])
    now = timezone.localtime()
    return {
        "tasks": [(task, _tone(task, now)) for task in found[:SHOWN]], "more": len(found) > SHOWN,
        "may_plan": rights_of(user).may("create", "task"), "may_finish": rights_of(user).may("change", "task"),
    }


def _tone(task: Task, now: Any) -> str:
    if task.due_date is None:
        return ""
    if task.due_date < now:
        return "danger"
    return "warning" if timezone.localtime(task.due_date).date() == now.date() else ""


for _on in ("customer", "company", "deal"):
    panel(_on, "next-steps", _("Next step"), "tasks/next_steps.html", 10, column="side", icon="circle-check", load=coming,
          needs=("view", "task"), watches=("task",))
