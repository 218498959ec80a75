"""Counters of failed attempts, in PostgreSQL, so that they are exact and hold when the cache is down.

An attempt is counted before it is checked, by one statement, so that a thousand at once are counted as a
thousand; a right one takes its own count back, and nobody else's.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from crm.accounts.models import LoginFailure


@dataclass(frozen=True)
class Limit:
    """At most ``most`` within ``window`` seconds; then none for ``lock`` seconds."""

    most: int
    window: int
    lock: int


LIMITS = {
    "account": Limit(10, 900, 900),
    "address": Limit(60, 900, 900),
    "device": Limit(10, 900, 900),
    "code": Limit(6, 600, 600),
    "mail": Limit(5, 3600, 3600),
    "mail-to": Limit(10, 3600, 3600),
    "mail-from": Limit(30, 3600, 3600),
    "token": Limit(60, 600, 600),
}
"""What is counted: failures of an account, of an address, of a device known to an account, wrong second factors,
mails that strangers ask for to one recipient, all mails about accounts to one recipient, mails asked for from one
address, wrong links from one address."""

_TAKE = """
INSERT INTO accounts_loginfailure AS f (key, failures, first_at, last_at)
VALUES (%(key)s, 1, now(), now())
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN f.locked_until > now() THEN f.failures
                    WHEN f.locked_until IS NOT NULL OR f.first_at < now() - %(window)s * interval '1 second' THEN 1
                    ELSE f.failures + 1 END,
    first_at = CASE WHEN f.locked_until > now() THEN f.first_at
                    WHEN f.locked_until IS NOT NULL OR f.first_at < now() - %(window)s * interval '1 second' THEN now()
                    ELSE f.first_at END,
    last_at = now(),
    locked_until = CASE WHEN f.locked_until > now() THEN f.locked_until
                        WHEN f.locked_until IS NOT NULL OR f.first_at < now() - %(window)s * interval '1 second' THEN NULL
                        WHEN f.failures + 1 > %(most)s THEN now() + %(lock)s * interval '1 second'
                        ELSE NULL END
RETURNING greatest(0, ceil(extract(epoch FROM coalesce(locked_until, now()) - now())))::int
"""
_GIVE_BACK = """
UPDATE accounts_loginfailure SET failures = greatest(failures - 1, 0) WHERE key = %s AND locked_until IS NULL
"""


def take(kind: str, what: str) -> int:
    """Count one attempt. Returns 0 when it may go on, else the seconds until the next is allowed."""
    limit = LIMITS[kind]
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {"key": key_of(kind, what), "window": limit.window, "most": limit.most, "lock": limit.lock},
        )
        return int(cursor.fetchone()[0])


def give_back(kind: str, what: str) -> None:
    """Take back the count of an attempt that turned out right."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [key_of(kind, what)])


def forget(kind: str, what: str) -> None:
    """Forget every failure of one account or address."""
    LoginFailure.objects.filter(key=key_of(kind, what)).delete()


def key_of(kind: str, what: str) -> str:
    """Return the stored key: what is counted is hashed, so that the table is no list of addresses."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{what.strip().casefold()}".encode(), hashlib.sha256)
    return f"{kind}:{digest.hexdigest()[:48]}"
