"""What happens by the clock: each due time is one job row with a key of its own.

Two beats, or a beat and a relay, ask at the same time and still make one job. When nobody asked for a while,
only the latest slot is made up for, and only while it is still worth it (``grace``).
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import structlog
from django.db.models import Count
from django.utils import timezone

from crm.jobs import leases
from crm.jobs.engine import enqueue
from crm.jobs.models import Job
from crm.jobs.registry import discover
from crm.jobs.wake import wake

log = structlog.get_logger(__name__)

TICK = 10.0
"""Seconds between two looks; the sweeper takes over an expired lease within one tick."""

BEAT_SCHEDULE = {
    "jobs-tick": {
        "task": "crm.jobs.tick",
        "schedule": TICK,
        "args": ["beat"],
        "options": {"queue": "default", "expires": 2 * TICK},
    }
}
"""What ``crm/celery.py`` hands to beat: one entry, whatever the number of jobs."""


@dataclass(frozen=True)
class Slot:
    """When a kind of job is due: every so often, or daily at a time (UTC)."""

    kind: str
    every: timedelta | None
    at: time | None
    grace: timedelta

    def latest(self, now: datetime) -> datetime:
        """Return the last due time that has passed."""
        if self.every is not None:
            seconds = int(self.every.total_seconds())
            return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
        assert self.at is not None
        today = now.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        return today if today <= now else today - timedelta(days=1)


_SLOTS: dict[str, Slot] = {}


def every(kind: str, *, seconds: int = 0, minutes: int = 0, hours: int = 0, grace: timedelta | None = None) -> None:
    """Have a kind of job done every so often (call it beside the ``@job``)."""
    pause = timedelta(seconds=seconds, minutes=minutes, hours=hours)
    _SLOTS[kind] = Slot(kind, pause, None, grace or pause)


def daily(kind: str, *, at: str, grace: timedelta = timedelta(hours=6)) -> None:
    """Have a kind of job done every day at ``HH:MM`` UTC (call it beside the ``@job``)."""
    hour, _, minute = at.partition(":")
    _SLOTS[kind] = Slot(kind, None, time(int(hour), int(minute)), grace)


def enqueue_due(now: datetime | None = None) -> list[Job]:
    """Write the jobs whose time has come."""
    now = now or timezone.now()
    discover()
    due = {}
    for slot in _SLOTS.values():
        at = slot.latest(now)
        if now - at <= slot.grace:
            due[f"{slot.kind}@{at.isoformat()}"] = slot
    for key in Job.objects.filter(key__in=due).values_list("key", flat=True):
        due.pop(key or "", None)
    return [enqueue(slot.kind, key=key) for key, slot in due.items()]


def sweep() -> dict[str, int]:
    """Wake the queues in which work waits, and settle what the dead have left behind."""
    leases.release_dead()
    buried = leases.bury()
    now = timezone.now()
    waiting = dict(
        Job.objects.filter(state=Job.State.QUEUED, due_at__lte=now - timedelta(seconds=3))
        .values_list("queue").annotate(n=Count("pk")).order_by()
    )
    for queue, count in (
        Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now)
        .values_list("queue").annotate(n=Count("pk")).order_by()
    ):
        waiting[queue] = waiting.get(queue, 0) + count
    for queue, count in waiting.items():
        wake(queue, min(count, 4))
    return {"buried": buried, **waiting}


def tick() -> dict[str, int]:
    """Look at the clock and at the queues once."""
    found = sweep()
    found["due"] = len(enqueue_due())
    return found
