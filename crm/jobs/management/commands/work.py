"""A worker without Celery: claims jobs of its queues straight from the table."""

import os
import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from crm.jobs import leases
from crm.jobs.alive import pulse
from crm.jobs.engine import run_next
from crm.jobs.registry import QUEUES, discover
from crm.jobs.schedule import TICK, tick

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Run jobs until told to stop."""

    help = "Run waiting jobs without Celery (small installations, tests)."
    running = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare which queues, and whether to end when they are empty."""
        parser.add_argument("--queue", action="append", choices=QUEUES, help="Serve this queue (repeatable; default: all).")
        parser.add_argument("--once", action="store_true", help="End when nothing waits any more.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Claim, run, and wait when there is nothing to do."""
        queues = options["queue"] or list(QUEUES)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        discover()
        looked = 0.0
        while self.running:
            try:
                if time.monotonic() - looked > TICK:
                    tick()
                    for queue in queues:
                        pulse(f"worker:{queue}")
                    looked = time.monotonic()
                if run_next(queues) is None:
                    if options["once"]:
                        return
                    time.sleep(0.5)
            except Error as error:
                log.warning("jobs.database_away", error=str(error))
                close_old_connections()
                time.sleep(2)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.running = False
        leases.stop_jobs_of(os.getpid())
