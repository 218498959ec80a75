"""The log's own jobs."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.activity.models import ChangeSet, Delivery
from crm.activity.undo import undo
from crm.jobs.engine import Run, job
from crm.jobs.schedule import daily

KEEP_DONE = timedelta(days=7)
AT_ONCE = 10_000


@job("activity.undo", queue="default", label=_("Undo"), source="undo", max_attempts=3)
def undo_change_set(run: Run) -> dict[str, Any]:
    """Undo a large change set; all of it is one transaction."""
    done = undo(
        change_set=ChangeSet.objects.get(pk=uuid.UUID(run.params["change_set"])),
        actor=run.user, force=bool(run.params.get("force")),
    )
    return {"change_set": str(done.pk)}


@job("activity.partitions", queue="low", label=_("Prepare the log's next months"))
def make_partitions(run: Run) -> dict[str, Any]:
    """Make the partitions of the coming months, so that nothing lands in the rest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rapport_make_partitions(3)")
        return {"made": cursor.fetchone()[0]}


@job("activity.tidy", queue="low", label=_("Remove old deliveries"))
def tidy_deliveries(run: Run) -> dict[str, Any]:
    """Remove deliveries that were done a week ago, some thousand at a time."""
    removed = 0
    while True:
        run.check()
        old = Delivery.objects.filter(
            state__in=[Delivery.State.DONE, Delivery.State.DISCARDED], created_at__lt=timezone.now() - KEEP_DONE
        ).values("pk")[:AT_ONCE]
        count, _by_model = Delivery.objects.filter(pk__in=old).delete()
        removed += count
        if count < AT_ONCE:
            return {"removed": removed}


daily("activity.partitions", at="02:10")
daily("activity.tidy", at="03:20")
