"""What happens to tasks."""

import uuid

from django.utils.translation import pgettext_lazy

from crm.activity.facts import fact


@fact("tasks.completed", pgettext_lazy("audit log", "completed"))
class TaskCompleted:
    """A task was done."""

    task_id: uuid.UUID
    owner_id: uuid.UUID | None
    customer_id: uuid.UUID | None
    deal_id: uuid.UUID | None
    outcome: str


@fact("tasks.reopened", pgettext_lazy("audit log", "reopened"))
class TaskReopened:
    """A completed task was opened again."""

    task_id: uuid.UUID
    owner_id: uuid.UUID | None


@fact("tasks.assigned", pgettext_lazy("audit log", "assigned"))
class TaskAssigned:
    """A task was given to someone by someone else."""

    task_id: uuid.UUID
    owner_id: uuid.UUID
