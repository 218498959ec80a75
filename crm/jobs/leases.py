"""Who holds which job: claiming, keeping, giving back, taking over from the dead.

Every claim is one statement with ``FOR UPDATE SKIP LOCKED``: of any number of workers exactly one gets the
job. The attempt is counted by the claim, outside the code of the job.
"""

import os
import socket
import threading
import uuid
from datetime import timedelta
from functools import cache

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.jobs.models import Checkpoint, Job
from crm.jobs.registry import tell_finished

LEASE = timedelta(seconds=30)
BEAT = 5.0
AT_ONCE = {"import": 2, "low": 1}
"""How many jobs of a queue run at once. They share four processes with exports, which always find a free one."""

# An attempt that left a checkpoint got on: only those that did not count against the job.
_CLAIM = """
UPDATE jobs_job SET
    state = 'running', attempts = attempts + 1, leased_by = %(holder)s, claimed_at = clock_timestamp(),
    fruitless = CASE WHEN {moved} THEN 1 ELSE fruitless + 1 END,
    lease_until = clock_timestamp() + %(lease)s, heartbeat_at = clock_timestamp(),
    started_at = coalesce(started_at, clock_timestamp()), stop_requested_at = NULL, error = '', trace = ''
WHERE id = (
    SELECT id FROM jobs_job
    WHERE {which} AND (fruitless < max_attempts OR {moved}) AND cancel_requested_at IS NULL
      AND ((state = 'queued' AND due_at <= clock_timestamp())
           OR (state = 'running' AND lease_until < clock_timestamp()))
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
_MOVED = "EXISTS (SELECT 1 FROM jobs_checkpoint c WHERE c.job_id = jobs_job.id AND c.updated_at > jobs_job.claimed_at)"


@cache
def here() -> str:
    """Return what identifies the place whose process ids mean something to us: the host, and on Linux its namespace."""
    try:
        inside = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        inside = ""
    return f"{socket.gethostname()[:40]}/{inside}"


def holder() -> str:
    """Return the name this thread takes leases under: place, worker (the parent), process, thread."""
    return f"{here()}:{os.getppid()}:{os.getpid()}:{threading.get_ident()}:{uuid.uuid4().hex[:8]}"


def claim(queues: list[str] | None = None, *, job_id: uuid.UUID | None = None) -> Job | None:
    """Take the next job of the queues (or the named one), or return None when there is none to take."""
    which = "id = %(id)s" if job_id else "queue = ANY(%(queues)s)"
    values = {"holder": holder(), "lease": LEASE, "id": job_id, "queues": queues}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(which=which, moved=_MOVED), values)
        row = cursor.fetchone()
    return Job.objects.select_related("user").get(pk=row[0]) if row else None


def is_full(queue: str) -> bool:
    """Tell whether as many jobs of a queue run as may run at once, so that the others of its workers stay free."""
    most = AT_ONCE.get(queue)
    if most is None:
        return False
    return Job.objects.filter(queue=queue, state=Job.State.RUNNING, lease_until__gt=timezone.now()).count() >= most


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
        attempts=F("attempts") - (0 if counted else 1), fruitless=F("fruitless") - (0 if counted else 1),
        stop_requested_at=None, error=error, trace=trace,
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


def release_dead() -> int:
    """End the leases whose process is gone, as far as we can see processes: their jobs need not wait for the clock."""
    running = Job.objects.filter(state=Job.State.RUNNING, leased_by__startswith=f"{here()}:", lease_until__gt=timezone.now())
    gone = [job for job, holder in running.values_list("pk", "leased_by") if not _lives(int(holder.split(":")[2]))]
    return Job.objects.filter(pk__in=gone, state=Job.State.RUNNING).update(lease_until=timezone.now()) if gone else 0


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_spent(job: Job) -> bool:
    """Tell whether a job used up its attempts: so many in a row got nowhere."""
    moved = Checkpoint.objects.filter(job_id=job.pk, updated_at__gt=job.claimed_at).exists() if job.claimed_at else False
    return not moved and job.fruitless >= job.max_attempts


def bury() -> int:
    """End the jobs whose worker died: given up after the last attempt, cancelled where that was asked."""
    ended = 0
    while True:
        with transaction.atomic():
            job = (
                Job.objects.select_for_update(skip_locked=True)
                .filter(state=Job.State.RUNNING, lease_until__lt=timezone.now())
                .filter(
                    Q(fruitless__gte=F("max_attempts")) & ~Exists(
                        Checkpoint.objects.filter(job_id=OuterRef("pk"), updated_at__gt=OuterRef("claimed_at"))
                    )
                    | Q(cancel_requested_at__isnull=False)
                )
                .first()
            )
            if job is None:
                return ended
            cancelled = job.cancel_requested_at is not None
            job.state = Job.State.CANCELLED if cancelled else Job.State.DEAD
            job.error = (
                _("Cancelled.")
                if cancelled
                else _("Given up: its worker process ended %(count)d times while it was running.") % {"count": job.fruitless}
            )
            job.leased_by, job.lease_until, job.finished_at = "", None, timezone.now()
            job.save()
            tell_finished(job)
            ended += 1


def stop_jobs_of(worker_pid: int) -> int:
    """Ask the jobs of a worker that shuts down (its own and its child processes') to stop at their next check."""
    mine = Q()
    for prefix in (f"{here()}:{worker_pid}:", f"{here()}:{os.getppid()}:{worker_pid}:"):
        mine |= Q(leased_by__startswith=prefix)
    return Job.objects.filter(mine, state=Job.State.RUNNING).update(stop_requested_at=timezone.now())
