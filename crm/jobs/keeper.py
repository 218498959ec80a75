"""Who keeps a job's lease while it works."""

import threading

import structlog
from django.db import close_old_connections, connection
from django.utils import timezone

from crm.jobs import leases
from crm.jobs.run import Cancelled, LeaseLost, Run, Stopped

log = structlog.get_logger(__name__)


class Keeper(threading.Thread):
    """Renews the lease and writes the progress, on a connection of its own, while the job works."""

    def __init__(self, run: Run) -> None:
        super().__init__(name=f"job-{run.job.pk}", daemon=True)
        self.attempt = run
        self.done = threading.Event()

    def run(self) -> None:
        """Look after the job until it is done."""
        last = timezone.now()
        try:
            while not self.done.wait(0.5):
                progress = self.attempt.take_progress()
                due = (timezone.now() - last).total_seconds() >= leases.BEAT
                if progress or due:
                    last = timezone.now()
                    self._renew(progress)
        finally:
            connection.close()

    def _renew(self, progress: dict[str, object]) -> None:
        try:
            kept, cancel, stop = leases.renew(self.attempt.job, **progress)
        except Exception as error:
            # The database is away: the lease is tried again at the next beat; if it expires meanwhile,
            # the next save() says so.
            log.warning("jobs.heartbeat_failed", job=str(self.attempt.job.pk), error=str(error))
            close_old_connections()
            return
        if not kept:
            self.attempt.ended = LeaseLost
        elif cancel:
            self.attempt.ended = Cancelled
        elif stop:
            self.attempt.ended = Stopped
