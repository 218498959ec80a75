"""The relay process: any number of them may run beside each other."""

import os
import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connection

from crm.activity.relay import BATCH, relay_again, relay_new
from crm.activity.wake import Bell
from crm.jobs.alive import pulse
from crm.jobs.schedule import TICK, tick

log = structlog.get_logger(__name__)

POLL = 1.5
NICE = 10
"""Whoever waits for a page comes before what is told to others a few milliseconds later."""
GATHER = 0.02
"""Seconds after the alarm: the request that rang it is answered first, and what follows it is taken together with it."""
AGAIN = 0.25
"""Seconds between two looks at what failed before, while there is always something new."""


def commit_lightly() -> None:
    """Have this process wait for no disk when it commits.

    What a reaction wrote and the mark that it is done are lost together if the database dies within the same second, and
    the delivery, which was written by who published the fact, comes back.
    """
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    options = connection.settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c synchronous_commit=off"


class Command(BaseCommand):
    """Deliver facts until told to stop."""

    help = "Deliver published facts to their reactions, and wake workers for jobs that wait."
    running = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the one option."""
        parser.add_argument("--once", action="store_true", help="End when nothing is due any more.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Deliver, wait for the alarm or a moment, and look after the jobs every ten seconds."""
        if not options["once"]:
            os.nice(NICE)
            commit_lightly()
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        bell = Bell()
        looked = tried = 0.0
        pause = 1.0
        while self.running:
            try:
                if time.monotonic() - looked > TICK and not options["once"]:
                    pulse("relay")
                    tick()
                    looked = time.monotonic()
                new, again = relay_new(), 0
                if not new or time.monotonic() - tried > AGAIN:
                    tried, again = time.monotonic(), relay_again()
                # Whatever is published from here on rings again: an empty look at the end of each round is spared.
                if new < BATCH and not again and not (new and options["once"]):
                    if options["once"]:
                        return
                    bell.wait(POLL, gather=GATHER)
                pause = 1.0
            except Error as error:
                log.warning("relay.database_away", error=str(error))
                close_old_connections()
                time.sleep(pause)
                pause = min(pause * 2, 15.0)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.running = False
