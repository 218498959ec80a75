"""What tasks add to timelines: those that were completed."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.records.entity import entity
from crm.records.timeline import Asked, Entry, timeline_source
from tasks.models import Task


@timeline_source("task", gettext_lazy("Tasks"), entities={"customer", "company", "deal"})
def completed_tasks(asked: Asked) -> Iterable[Entry]:
    """Read the completed tasks about the record."""
    rows = visible_to(asked.user, Task).filter(**{asked.entity.name: asked.obj}, completed_at__isnull=False)
    for row in asked.older(rows, "completed_at", person="assigned_user_id", texts=("title", "outcome")):
        yield Entry(
            kind="task", id=str(row.pk), at=row.completed_at, icon="circle-check", hue="green",
            actor_id=row.assigned_user_id, text=_("completed the task “%(title)s”") % {"title": row.title},
            url=entity("task").url(row), details=(row.outcome,) if row.outcome else (),
        )
