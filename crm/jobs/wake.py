"""Waking workers: a message that says “there is work in this queue”. Losing one costs seconds, never work."""

from functools import cache

import structlog
from celery import Celery

log = structlog.get_logger(__name__)


@cache
def producer() -> Celery:
    """Return a Celery application that only sends; made from the settings, in any process."""
    app = Celery("rapport-wake", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


def wake(queue: str, count: int = 1) -> bool:
    """Wake workers of a queue; tell whether the broker took the message. Never raises."""
    try:
        for _ in range(count):
            producer().send_task("crm.jobs.run", args=[queue], queue=queue, retry=False, ignore_result=True, expires=600)
    except Exception as error:
        # The row is written: the sweeper wakes the queue again when the broker is back.
        log.warning("jobs.wake_failed", queue=queue, error=str(error))
        return False
    return True
