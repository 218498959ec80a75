"""The cache that may go away: without Valkey every read is a miss and every write is forgotten, at once.

Nothing promised depends on the cache. What does depend on a shared counter (throttles) asks ``is_up`` and
counts elsewhere meanwhile.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from prometheus_client import Counter
from redis.exceptions import RedisError

T = TypeVar("T")

PAUSE = 2.0
"""Seconds for which a server that failed is left alone, so that requests do not wait for it one by one."""

logger = structlog.get_logger(__name__)
lost = Counter("rapport_cache_lost_total", "Cache calls that went nowhere because the server was away.", ["call"])


class Breaker:
    """What this process knows of one server: whether to leave it alone, and what was forgotten meanwhile."""

    def __init__(self) -> None:
        self.retry_at = 0.0
        self.forgotten = False
        self.lock = threading.Lock()

    def is_open(self) -> bool:
        """Tell whether the server is being left alone."""
        return time.monotonic() < self.retry_at

    def failed(self, error: Exception) -> None:
        """Leave the server alone for a while."""
        first = self.retry_at == 0.0
        self.retry_at = time.monotonic() + PAUSE
        if first:
            logger.warning("cache.away", error=str(error))

    def worked(self) -> bool:
        """Note an answer; return True once if writes were forgotten before it."""
        if self.retry_at == 0.0:
            return False
        with self.lock:
            stale, self.forgotten, self.retry_at = self.forgotten, False, 0.0
        logger.info("cache.back")
        return stale


_breakers: dict[str, Breaker] = {}
_clients: dict[str, Any] = {}


class KeptClient(RedisCacheClient):
    """Django's client with one client of the driver to read and one to write: Django makes one for every call, at a third of a millisecond."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """Return the driver's client, which may be used by all threads."""
        if write not in self._kept:
            self._kept.setdefault(write, super().get_client(key, write=write))
        return self._kept[write]


class ResilientCache(RedisCache):
    """Django's Redis cache that never raises because of the network."""

    _servers: list[str]
    _options: dict[str, Any]

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient
        self._breaker = _breakers.setdefault(str(server), Breaker())

    @property
    def _cache(self) -> Any:
        """Return the client of this process: Django would make one, with its sockets, for every request."""
        key = str(self._servers)
        if key not in _clients:
            _clients.setdefault(key, self._class(self._servers, **self._options))
        return _clients[key]

    # -- state ------------------------------------------------------------------------------------

    def is_up(self) -> bool:
        """Ask the server now, and tell whether it answers."""
        return self._try("ping", lambda: bool(self._cache.get_client().ping()), False)

    def _try(self, call: str, action: Callable[[], T], otherwise: T, *, writes: bool = False) -> T:
        if self._breaker.is_open():
            return self._lose(call, otherwise, writes)
        try:
            result = action()
        except (RedisError, OSError) as error:
            self._breaker.failed(error)
            return self._lose(call, otherwise, writes)
        if self._breaker.worked():
            self._sweep()
        return result

    def _lose(self, call: str, otherwise: T, writes: bool) -> T:
        lost.labels(call).inc()
        if writes:
            self._breaker.forgotten = True
        return otherwise

    def _sweep(self) -> None:
        """Drop all our keys: an entry that was to be replaced or deleted meanwhile must not come back to life."""
        try:
            client = self._cache.get_client(write=True)
            for key in client.scan_iter(match=f"{self.key_prefix}:*", count=1000):
                client.unlink(key)
        except (RedisError, OSError) as error:
            self._breaker.forgotten = True
            self._breaker.failed(error)

    # -- reads ------------------------------------------------------------------------------------

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return the value; ``default`` when there is none or no server."""
        return self._try("get", lambda: super(ResilientCache, self).get(key, default, version), default)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """Return the values that are there."""
        return self._try("get_many", lambda: super(ResilientCache, self).get_many(keys, version), {})

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """Tell whether the key is there."""
        return self._try("has_key", lambda: super(ResilientCache, self).has_key(key, version), False)

    # -- writes -----------------------------------------------------------------------------------

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep a value."""
        self._try("set", lambda: super(ResilientCache, self).set(key, value, timeout, version), None, writes=True)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value if there is none; tell whether it was kept."""
        return self._try(
            "add", lambda: super(ResilientCache, self).add(key, value, timeout, version), False, writes=True
        )

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        """Keep several values; return the keys that were not kept."""
        return self._try(
            "set_many",
            lambda: super(ResilientCache, self).set_many(data, timeout, version),
            list(data),
            writes=True,
        )

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value for longer; tell whether it was there."""
        return self._try("touch", lambda: super(ResilientCache, self).touch(key, timeout, version), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add to a number; a key that is not there raises ``ValueError``, as does one that cannot be read."""
        found = self._try("incr", lambda: super(ResilientCache, self).incr(key, delta, version), None, writes=True)
        if found is None:
            raise ValueError(f"Key '{key}' not found.")
        return int(found)

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Drop a value; tell whether it was there."""
        return self._try("delete", lambda: super(ResilientCache, self).delete(key, version), False, writes=True)

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        """Drop several values."""
        self._try(
            "delete_many", lambda: super(ResilientCache, self).delete_many(keys, version), None, writes=True
        )

    def clear(self) -> bool:  # type: ignore[override]
        """Drop our keys, and only ours: queues and live channels share the server."""
        if self._breaker.is_open():
            return self._lose("clear", False, True)
        self._sweep()
        return True
