"""Doing jobs: declare a kind, enqueue a row, run it under a lease.

    @job("transfer.import", queue="import", label=_("Import"))
    def import_file(run: Run) -> dict:
        for batch in batches(after=run.checkpoint.get("row", 0)):
            run.check()
            with transaction.atomic():
                load(batch)
                run.save({"row": batch.last})
            run.progress(batch.last, total)
        return {"rows": total}

    enqueue("transfer.import", params={"file": str(pk)}, user=user, label="accounts.csv")
"""

import traceback
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.jobs import leases
from crm.jobs.keeper import Keeper
from crm.jobs.models import Job
from crm.jobs.registry import contexts, discover, job, kind_of, tell_finished
from crm.jobs.run import Cancelled, LeaseLost, Run, Stopped
from crm.jobs.wake import wake
from crm.lib.errors import Conflict, Refusal

__all__ = [
    "Cancelled", "LeaseLost", "Run", "Stopped", "cancel", "enqueue", "job", "perform", "retry", "run_next", "run_now",
]

log = structlog.get_logger(__name__)

PASSING = (OperationalError, InterfaceError, ConnectionError, TimeoutError)
"""Failures of the surroundings: the job is tried again after a pause."""


def enqueue(
    kind: str,
    *,
    params: dict[str, Any] | None = None,
    user: Any = None,
    label: str = "",
    key: str | None = None,
    due_at: datetime | None = None,
    pk: uuid.UUID | None = None,
) -> Job:
    """Write a job in the caller's transaction, and wake a worker after its commit.

    With a ``key`` that is already taken, the job that has it is returned instead. ``pk`` lets a job bear the id of
    what it is about.
    """
    found = kind_of(kind)
    if found is None:
        discover()
        found = kind_of(kind)
    if found is None:
        raise LookupError(f"There is no job called {kind}.")
    made = Job(
        kind=kind, key=key, queue=found.queue, label=str(label or found.label)[:200], params=params or {},
        max_attempts=found.max_attempts, user=user if getattr(user, "pk", None) else None,
    )
    if due_at is not None:
        made.due_at = due_at
    if pk is not None:
        made.pk = pk
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        if key is None:
            raise
        return Job.objects.get(key=key)
    if due_at is None:
        transaction.on_commit(lambda: wake(found.queue), robust=True)
    return made


def run_now(job: Job) -> Job:
    """Run a waiting job here and now (tests, commands) and return it as it ended."""
    claimed = leases.claim(job_id=job.pk)
    if claimed is None:
        raise Conflict(_("This job is not waiting."))
    perform(claimed)
    job.refresh_from_db()
    return job


def run_next(queues: list[str]) -> Job | None:
    """Claim and run the next job of the queues; None when nothing waits."""
    claimed = leases.claim(queues)
    if claimed is not None:
        perform(claimed)
    return claimed


def perform(job: Job) -> None:
    """Run a claimed job to its end, whatever that is."""
    kind = kind_of(job.kind)
    if kind is None:
        discover()
        kind = kind_of(job.kind)
    if kind is None:
        leases.finish(job, Job.State.DEAD, error=_("This version knows no job called %(kind)s.") % {"kind": job.kind})
        return
    structlog.contextvars.bind_contextvars(job=str(job.pk), kind=job.kind)
    run = Run(job)
    keeper = Keeper(run)
    # Inside somebody's transaction (a test, a command that ran it inline) no other connection sees the row.
    if not connection.in_atomic_block:
        keeper.start()
    end: Callable[[], bool]
    try:
        with contexts(job, kind):
            result = kind.run(run)
        end = _ending(job, run, Job.State.SUCCEEDED, result=result or {})
    except Cancelled:
        end = _ending(job, run, Job.State.CANCELLED, error=_("Cancelled."))
    except Stopped:
        end = lambda: leases.give_back(job, counted=False)
    except LeaseLost:
        end = lambda: False
    except Refusal as refusal:
        details = [d.message for d in refusal.details if d.message != refusal.message]
        end = _ending(job, run, Job.State.FAILED, error="\n".join([refusal.message, *details][:50]))
    except (*PASSING, *kind.retry_on) as error:
        end = _after_failure(job, run, error)
    except Exception as error:
        end = _ending(job, run, Job.State.FAILED, **_words(error))
        log.exception("jobs.failed")
    finally:
        keeper.done.set()
        if keeper.is_alive():
            keeper.join(timeout=10)
        structlog.contextvars.unbind_contextvars("job", "kind")
    with contexts(job, kind):
        if not end():
            log.warning("jobs.not_mine_any_more", job=str(job.pk))


def cancel(job: Job) -> Job:
    """Ask a job to stop: a waiting one ends at once, a running one at its next check (within 5 s)."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.is_finished:
            raise Conflict(_("This job has already ended."))
        job.cancel_requested_at = timezone.now()
        if job.state == Job.State.QUEUED:
            job.state, job.finished_at, job.error = Job.State.CANCELLED, timezone.now(), _("Cancelled.")
        job.save(update_fields=["cancel_requested_at", "state", "finished_at", "error"])
        if job.is_finished:
            tell_finished(job)
    return job


def retry(job: Job) -> Job:
    """Put a job that failed, was cancelled or given up back into its queue; it resumes where it was."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.state not in (Job.State.FAILED, Job.State.CANCELLED, Job.State.DEAD):
            raise Conflict(_("Only a job that failed or was cancelled can be tried again."))
        job.state, job.attempts, job.fruitless, job.due_at = Job.State.QUEUED, 0, 0, timezone.now()
        job.cancel_requested_at = job.stop_requested_at = job.finished_at = None
        job.error = job.trace = ""
        job.save()
        queue = job.queue
        transaction.on_commit(lambda: wake(queue), robust=True)
    return job


def _ending(job: Job, run: Run, state: str, **values: object) -> Callable[[], bool]:
    return lambda: leases.finish(job, state, **{**run.take_progress(), **values})


def _after_failure(job: Job, run: Run, error: Exception) -> Callable[[], bool]:
    log.warning("jobs.attempt_failed", attempt=job.attempts, error=str(error))
    if not connection.in_atomic_block:
        close_old_connections()
    if leases.is_spent(job):
        return _ending(job, run, Job.State.FAILED, **_words(error))
    pause = timedelta(seconds=5 * 4 ** (job.attempts - 1))
    return lambda: leases.give_back(job, after=pause, trace=_trace(error))


def _words(error: Exception) -> dict[str, object]:
    reference = uuid.uuid4().hex[:8]
    return {
        "error": _("An unexpected error stopped this job (reference %(reference)s).") % {"reference": reference},
        "trace": f"{reference}\n{_trace(error)}",
    }


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-8000:].replace("\x00", "")
