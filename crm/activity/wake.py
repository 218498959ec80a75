"""The relay's alarm clock: a message through Valkey after each commit that left deliveries."""

import time
from functools import cache

import redis
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CHANNEL = "rapport:relay"
_SILENT_FOR = 5.0
_silent_until = 0.0


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


def ring() -> None:
    """Wake the relays; when Valkey is away they find the work by their slow poll."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        _client().publish(CHANNEL, "1")
    except redis.RedisError as error:
        _silent_until = time.monotonic() + _SILENT_FOR
        log.warning("relay.alarm_failed", error=str(error))


class Bell:
    """Waits for the alarm, or for a while."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self._pubsub: redis.client.PubSub | None = None

    def wait(self, seconds: float, *, gather: float) -> None:
        """Return ``gather`` seconds after the next alarm, which is then over however often it rang; at the latest after ``seconds``."""
        try:
            if self._pubsub is None:
                # Kept, for a client that is collected closes the connections of what it made.
                self._client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, health_check_interval=15)
                self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)
                self._pubsub.subscribe(CHANNEL)
            deadline = time.monotonic() + seconds
            while (left := deadline - time.monotonic()) > 0:
                if self._pubsub.get_message(timeout=left):
                    time.sleep(gather)
                    while self._pubsub.get_message(timeout=0):
                        pass
                    return
        except (redis.RedisError, OSError):
            self._pubsub = None
            time.sleep(seconds)
