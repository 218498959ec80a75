"""One attempt at a job, as its function sees it."""

import threading
from typing import Any

from django.db import connection, transaction

from crm.jobs.models import Checkpoint, Job


class Cancelled(Exception):
    """Its user asked the job to stop; what was committed stays."""


class Stopped(Exception):
    """Its worker shuts down; the job goes back into its queue and another resumes it."""


class LeaseLost(Exception):
    """Another worker has taken the job over; this one must not write any more."""


class Run:
    """One attempt at a job, as its function sees it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.params: dict[str, Any] = job.params
        self.user = job.user
        saved = Checkpoint.objects.filter(pk=job.pk).values_list("data", flat=True).first()
        self.checkpoint: dict[str, Any] = saved or {}
        self.ended: type[Exception] | None = None
        self._progress: dict[str, object] = {}
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise if the job is to end here: cancelled, its worker shutting down, or taken over."""
        if self.ended is not None:
            raise self.ended

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell how far the job is; it shows within a second. Also a ``check``."""
        with self._lock:
            self._progress = {
                "progress_done": done, "progress_total": total, "progress_message": str(message)[:300],
            }
        self.check()

    def save(self, checkpoint: dict[str, Any]) -> None:
        """Keep what is needed to resume, in the caller's transaction; refuse when the lease is lost.

        The share lock keeps others from taking the job over before the batch is committed, and lets the
        heartbeat through.
        """
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM jobs_job WHERE id = %s AND leased_by = %s AND state = 'running' FOR KEY SHARE",
                    [self.job.pk, self.job.leased_by],
                )
                if cursor.fetchone() is None:
                    raise LeaseLost
            Checkpoint.objects.update_or_create(job_id=self.job.pk, defaults={"data": checkpoint})
        self.checkpoint = checkpoint

    def take_progress(self) -> dict[str, object]:
        """Return what was told of the progress since this was asked last."""
        with self._lock:
            taken, self._progress = self._progress, {}
        return taken
