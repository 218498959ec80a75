"""Who holds which job: claiming, keeping, giving back, taking over from the dead.

Every claim is one statement with ``FOR UPDATE SKIP LOCKED``: of any number of workers exactly one gets the
job. The attempt is counted by the claim, outside the code of the job.
"""

import os
import socket
import threading
import uuid
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.jobs.models import Job
from crm.jobs.registry import tell_finished

LEASE = timedelta(seconds=30)
BEAT = 5.0

_CLAIM = """
UPDATE jobs_job SET
    state = 'running', attempts = attempts + 1, leased_by = %(holder)s,
    lease_until = clock_timestamp() + %(lease)s, heartbeat_at = clock_timestamp(),
    started_at = coalesce(started_at, clock_timestamp()), stop_requested_at = NULL, error = '', trace = ''
WHERE id = (
    SELECT id FROM jobs_job
    WHERE {which} AND attempts < max_attempts AND cancel_requested_at IS NULL
      AND ((state = 'queued' AND due_at <= clock_timestamp())
           OR (state = 'running' AND lease_until < clock_timestamp()))
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def holder() -> str:
    """Return the name this thread takes leases under: host, worker (the parent), process, thread."""
    return f"{socket.gethostname()}:{os.getppid()}:{os.getpid()}:{threading.get_ident()}:{uuid.uuid4().hex[:8]}"


def claim(queues: list[str] | None = None, *, job_id: uuid.UUID | None = None) -> Job | None:
    """Take the next job of the queues (or the named one), or return None when there is none to take."""
    which = "id = %(id)s" if job_id else "queue = ANY(%(queues)s)"
    values = {"holder": holder(), "lease": LEASE, "id": job_id, "queues": queues}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(which=which), values)
        row = cursor.fetchone()
    return Job.objects.select_related("user").get(pk=row[0]) if row else None


def held(job: Job) -> Q:
    """Return the clause for a job that is still held by the one who claimed it."""
    return Q(pk=job.pk, leased_by=job.leased_by, state=Job.State.RUNNING)


def renew(job: Job, **progress: object) -> tuple[bool, bool, bool]:
    """Prolong the lease; return whether it is still held, cancel is wanted, and the worker is to stop."""
    now = timezone.now()
    kept = Job.objects.filter(held(job)).update(lease_until=now + LEASE, heartbeat_at=now, **progress)
    if not kept:
        return False, False, False
    cancel, stop = Job.objects.values_list("cancel_requested_at", "stop_requested_at").get(pk=job.pk)
    return True, cancel is not None, stop is not None


def give_back(job: Job, *, after: timedelta = timedelta(0), counted: bool = True, error: str = "", trace: str = "") -> bool:
    """Put a job back into its queue; ``counted=False`` returns the attempt, too (an orderly shutdown)."""
    changed = Job.objects.filter(held(job)).update(
        state=Job.State.QUEUED, leased_by="", lease_until=None, due_at=timezone.now() + after,
        attempts=F("attempts") - (0 if counted else 1), stop_requested_at=None, error=error, trace=trace,
    )
    return bool(changed)


def finish(job: Job, state: str, **values: object) -> bool:
    """End a job that is still held, and tell whoever wants to know, in one transaction."""
    with transaction.atomic():
        ended = Job.objects.filter(held(job)).update(
            state=state, leased_by="", lease_until=None, finished_at=timezone.now(), **values
        )
        if not ended:
            return False
        job.refresh_from_db()
        tell_finished(job)
    return True


def bury() -> int:
    """End the jobs whose worker died: given up after the last attempt, cancelled where that was asked."""
    ended = 0
    while True:
        with transaction.atomic():
            job = (
                Job.objects.select_for_update(skip_locked=True)
                .filter(state=Job.State.RUNNING, lease_until__lt=timezone.now())
                .filter(Q(attempts__gte=F("max_attempts")) | Q(cancel_requested_at__isnull=False))
                .first()
            )
            if job is None:
                return ended
            cancelled = job.cancel_requested_at is not None
            job.state = Job.State.CANCELLED if cancelled else Job.State.DEAD
            job.error = (
                _("Cancelled.")
                if cancelled
                else _("Given up: its worker process ended %(count)d times while it was running.") % {"count": job.attempts}
            )
            job.leased_by, job.lease_until, job.finished_at = "", None, timezone.now()
            job.save()
            tell_finished(job)
            ended += 1


def stop_jobs_of(worker_pid: int) -> int:
    """Ask the jobs of a worker that shuts down (its own and its child processes') to stop at their next check."""
    mine = Q()
    for prefix in (f"{socket.gethostname()}:{worker_pid}:", f"{socket.gethostname()}:{os.getppid()}:{worker_pid}:"):
        mine |= Q(leased_by__startswith=prefix)
    return Job.objects.filter(mine, state=Job.State.RUNNING).update(stop_requested_at=timezone.now())
