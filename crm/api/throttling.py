"""Quotas: one token bucket per user (or address), in Valkey, and in this process while Valkey is away."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from django.conf import settings
from rest_framework.throttling import BaseThrottle

from crm.lib.addresses import client_address

log = structlog.get_logger(__name__)

# The bucket holds `size` tokens and refills evenly within a minute.
_SCRIPT = """
local size, cost, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(kept[1]) or size, tonumber(kept[2]) or now
level = math.min(size, level + math.max(0, now - at) * size / 60)
local allowed = level >= cost and 1 or 0
if allowed == 1 then level = level - cost end
redis.call('HSET', KEYS[1], 'level', level, 'at', now)
redis.call('EXPIRE', KEYS[1], 90)
return {allowed, tostring(level)}
"""
_RETRY_VALKEY_SECONDS = 5


@dataclass(frozen=True)
class Quota:
    """What is left after a call: whether it was within the limit, and when the bucket is full again."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_after: int

    def headers(self) -> dict[str, str]:
        """Return the headers that every answer carries."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_seconds),
        }


class _Buckets:
    """The buckets of all callers."""

    def __init__(self) -> None:
        self._client: Any = None
        self._script: Any = None
        self._away_until = 0.0
        self._local: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, size: int, cost: int) -> tuple[bool, float]:
        """Take ``cost`` tokens; return whether there were enough, and the level."""
        now = time.time()
        if now >= self._away_until:
            try:
                if self._script is None:
                    self._client = redis.Redis.from_url(
                        settings.REDIS_URL, socket_timeout=0.25, socket_connect_timeout=0.25
                    )
                    self._script = self._client.register_script(_SCRIPT)
                allowed, level = self._script(keys=[f"rapport:quota:{key}"], args=[size, cost, now])
                return bool(allowed), float(level)
            except (redis.RedisError, OSError) as error:
                log.warning("api.quota_without_valkey", error=type(error).__name__)
                self._away_until = now + _RETRY_VALKEY_SECONDS
        return self._take_here(key, size, cost, now)

    def _take_here(self, key: str, size: int, cost: int, now: float) -> tuple[bool, float]:
        with self._lock:
            if len(self._local) > 10_000:
                self._local.clear()
            level, at = self._local.get(key, (float(size), now))
            level = min(size, level + max(0.0, now - at) * size / 60)
            allowed = level >= cost
            self._local[key] = (level - cost if allowed else level, now)
            return allowed, self._local[key][0]


buckets = _Buckets()


def take_quota(request: Any, user: Any, cost: int = 1) -> Quota:
    """Count a call of ``user``, or of the address when nobody is signed in (with half the quota)."""
    known = user is not None and getattr(user, "is_authenticated", False)
    size = settings.API_QUOTA_PER_MINUTE if known else max(1, settings.API_QUOTA_PER_MINUTE // 2)
    key = f"user:{user.pk}" if known else f"address:{client_address(request)}"
    allowed, level = buckets.take(key, size, min(cost, size))
    per_second = size / 60
    return Quota(
        allowed=allowed,
        limit=size,
        remaining=max(0, int(level)),
        reset_seconds=max(0, round((size - level) / per_second)),
        retry_after=max(1, round((cost - level) / per_second + 0.5)),
    )


class QuotaThrottle(BaseThrottle):
    """Stands for the quota in DRF's settings; ``crm.api.views.APIView`` counts before it authenticates."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """Allow: the view has counted already."""
        return True
