"""Whether the background is at work: each process leaves a pulse, so that the application can say what is missing."""

import os
import socket
from datetime import timedelta

from django.utils import timezone

from crm.jobs.models import Job, Pulse
from crm.jobs.registry import QUEUES

STALE = timedelta(seconds=60)


def pulse(name: str, **detail: object) -> None:
    """Leave a sign of life of one process (``worker:import``, ``beat``, ``relay``)."""
    now = timezone.now()
    Pulse.objects.bulk_create(
        [Pulse(name=name, seen_at=now, detail={"host": socket.gethostname(), "pid": os.getpid(), **detail})],
        update_conflicts=True, unique_fields=["name"], update_fields=["seen_at", "detail"],
    )


def is_alive(name: str) -> bool:
    """Tell whether a process was seen at work within the last minute.

    A worker that is busy with a long job shows its life by that job's heartbeat.
    """
    since = timezone.now() - STALE
    if Pulse.objects.filter(name=name, seen_at__gte=since).exists():
        return True
    kind, _, queue = name.partition(":")
    return kind == "worker" and Job.objects.filter(
        state=Job.State.RUNNING, queue=queue, heartbeat_at__gte=since
    ).exists()


def missing(*, relay: bool = True) -> list[str]:
    """Return the names of the background processes that were not seen lately."""
    wanted = [*(f"worker:{queue}" for queue in QUEUES), "beat", *(["relay"] if relay else [])]
    return [name for name in wanted if not is_alive(name)]


def oldest_waiting() -> dict[str, float]:
    """Return the age in seconds of the oldest waiting job of each queue, for metrics and health."""
    now = timezone.now()
    ages: dict[str, float] = {}
    rows = Job.objects.filter(state=Job.State.QUEUED, due_at__lte=now)
    for queue in QUEUES:
        first = rows.filter(queue=queue).order_by("due_at").values_list("due_at", flat=True).first()
        ages[queue] = (now - first).total_seconds() if first else 0.0
    return ages
