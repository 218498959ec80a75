"""Reminding people of their tasks (T3)."""

from typing import Any

from babel.dates import format_datetime
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from crm.jobs.engine import Run, job
from crm.jobs.schedule import every
from crm.notifications.service import notify
from crm.ui.figures import dates
from tasks.models import Task

AT_ONCE = 500


@job("tasks.remind", queue="default", label=gettext_lazy("Reminders of tasks"))
def remind(run: Run) -> dict[str, Any]:
    """Tell whoever has a task whose reminder has come. A reminder that was sent is not sent again."""
    with transaction.atomic():
        due = list(
            Task.objects.select_for_update(skip_locked=True, of=("self",)).select_related("assigned_user")
            .filter(remind_at__lte=timezone.now(), reminded_at=None, status__in=["PENDING", "IN_PROGRESS"],
                    assigned_user__is_active=True).order_by("remind_at")[:AT_ONCE]
        )
        for task in due:
            user: Any = task.assigned_user
            with override(user.language), timezone.override(user.time_zone):
                text = task.title
                if task.due_date:
                    due_words = format_datetime(timezone.localtime(task.due_date), "short", locale=dates())
                    text = _("%(title)s, due %(when)s") % {"title": task.title, "when": due_words}
            notify(user=user, kind="task_reminder", text=text, url=f"/tasks/{task.pk}", about=("task", task.pk),
                   key=f"task_reminder:{task.pk}:{task.remind_at}")
        Task.objects.filter(pk__in=[t.pk for t in due]).update(reminded_at=timezone.now())
    return {"reminded": len(due)}


every("tasks.remind", minutes=1)
