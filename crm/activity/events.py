"""What happens to the log itself, and to jobs."""

import uuid

from django.utils.translation import pgettext_lazy

from crm.activity.facts import fact


@fact("activity.change_set_undone", pgettext_lazy("audit log", "undone"))
class ChangeSetUndone:
    """A change set was undone; ``counts`` are removed, changed, restored and kept rows by entity."""

    change_set_id: uuid.UUID
    undone_by_id: uuid.UUID
    counts: dict[str, list[int]]


@fact("jobs.finished", pgettext_lazy("audit log", "finished"))
class JobFinished:
    """A job has ended, well or not."""

    job_id: uuid.UUID
    kind: str
    state: str
    user_id: uuid.UUID | None
    label: str
