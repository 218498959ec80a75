"""What this process last knew of the stamps. Loading a user's rights refreshes them, once a request.

A stamp is the moment of the last change rather than a counter: a number that was taken back with its
transaction must not come again for something else.
"""

import time

from django.db import transaction

from crm.access.models import Stamp

FRESH = 5.0
"""Seconds for which a process without requests (worker, relay) trusts what it knows."""

_seen: dict[str, int] = {}
_looked: list[float] = [0.0]


def saw(values: dict[str, int]) -> None:
    """Remember the stamps as the database told them just now."""
    for name in _seen.keys() - values.keys():
        _seen.pop(name, None)
    _seen.update(values)
    _looked[0] = time.monotonic()


def seen(name: str) -> int:
    """Return the last known value of a stamp; 0 for one that was never raised."""
    if time.monotonic() - _looked[0] > FRESH:
        _look()
    return _seen.get(name, 0)


def bump(name: str) -> None:
    """Raise a stamp inside the open transaction; other processes learn of it with their next request."""
    Stamp.objects.update_or_create(name=name, defaults={"value": time.time_ns()})
    _look()
    transaction.on_commit(_look, robust=True)


def forget() -> None:
    """Look again at the next question (after a transaction that was taken back)."""
    _looked[0] = 0.0


def _look() -> None:
    saw(dict(Stamp.objects.values_list("name", "value")))
