"""The Celery tasks: they carry nothing but a wake-up, so that a lost broker loses no work."""

import os
from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.jobs import leases, schedule
from crm.jobs.alive import pulse
from crm.jobs.engine import Run, job, run_next
from crm.jobs.models import Job, Pulse
from crm.jobs.registry import QUEUES
from crm.jobs.wake import producer, wake

KEEP = timedelta(days=30)
KEEP_SCHEDULED = timedelta(days=2)


@shared_task(name="crm.jobs.run", acks_late=False)
def run(queue: str) -> None:
    """Run the next job of a queue, and pass the wake-up on while there is more."""
    # Whoever runs already passes the wake-up on.
    if leases.is_full(queue) or run_next([queue]) is None:
        return
    pulse(f"worker:{queue}")
    if Job.objects.filter(queue=queue, state=Job.State.QUEUED, due_at__lte=timezone.now()).exists():
        wake(queue)


@shared_task(name="crm.jobs.tick", acks_late=False)
def tick(sender: str = "beat") -> None:
    """Look at the clock and at the queues; have every queue's worker show that it lives."""
    pulse(sender)
    pulse("worker:default")
    schedule.tick()
    for queue in QUEUES:
        if queue != "default":
            producer().send_task(
                "crm.jobs.pulse", args=[queue], queue=queue, retry=False, ignore_result=True, expires=schedule.TICK
            )


@shared_task(name="crm.jobs.pulse", acks_late=False)
def show_life(queue: str) -> None:
    """Show that a worker listens to this queue."""
    pulse(f"worker:{queue}")


@worker_shutting_down.connect
def stop_jobs(**kwargs: Any) -> None:
    """Have the running jobs of this worker stop at their next check and go back into their queues."""
    leases.stop_jobs_of(os.getpid())


@job("jobs.tidy", queue="low", label=_("Remove old jobs"))
def tidy(run: Run) -> dict[str, Any]:
    """Remove finished jobs after a month, and scheduled ones that went well after two days."""
    now = timezone.now()
    done = Job.objects.filter(state__in=Job.FINISHED)
    old, _rows = done.filter(finished_at__lt=now - KEEP).delete()
    clock, _rows = done.filter(
        key__contains="@", user=None, state=Job.State.SUCCEEDED, finished_at__lt=now - KEEP_SCHEDULED
    ).delete()
    Pulse.objects.filter(seen_at__lt=now - KEEP).delete()
    return {"removed": old + clock}


schedule.daily("jobs.tidy", at="03:40")
