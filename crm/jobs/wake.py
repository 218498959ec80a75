"""Waking workers: a message that says “there is work in this queue”. Losing one costs seconds, never work."""

import time
from functools import cache

import structlog
from celery import Celery

log = structlog.get_logger(__name__)

SILENT_FOR = 3.0
"""Seconds for which a broker that failed is left alone."""
_silent_until = 0.0


@cache
def producer() -> Celery:
    """Return a Celery application that only sends; made from the settings, in any process."""
    app = Celery("rapport-wake", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    # Whoever saves does not wait for a broker that is away.
    app.conf.broker_transport_options = {
        "max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0, "socket_connect_timeout": 1, "socket_timeout": 2,
    }
    return app


def wake(queue: str, count: int = 1) -> bool:
    """Wake workers of a queue; tell whether the broker took the message. Never raises."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        for _ in range(count):
            producer().send_task("crm.jobs.run", args=[queue], queue=queue, retry=False, ignore_result=True, expires=600)
    except Exception as error:
        # The row is written: the sweeper wakes the queue again when the broker is back.
        _silent_until = time.monotonic() + SILENT_FOR
        log.warning("jobs.wake_failed", queue=queue, error=str(error))
        return False
    return True
