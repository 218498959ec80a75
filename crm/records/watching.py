"""Who opened which record: noted for those kinds whose views an administrator wants to know of (A22)."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache

from crm.activity.facts import record_access
from crm.records.entity import Entity

AGAIN_AFTER = 3600
"""Seconds for which one person's views of one record count as one."""

_watched: list[Callable[[], frozenset[str]]] = []


def watched_by(function: Callable[[], frozenset[str]]) -> None:
    """Register where the names of the watched entities come from."""
    _watched[:] = [function]


def note_view(user: Any, of: Entity, pk: Any, *, door: str) -> None:
    """Note that a person has opened a record of a watched kind, once an hour."""
    if not _watched or of.name not in _watched[0]():
        return
    key = f"viewed:{user.pk}:{pk}"
    # Without the cache every view is noted: too many lines rather than none.
    if cache.get(key) is None:
        cache.set(key, 1, AGAIN_AFTER)
        record_access("records.viewed", user=user, entity=of.name, entity_id=pk, door=door)
