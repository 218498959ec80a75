"""Reports over millions of rows: added up without sorting, and kept for a moment where that took long."""

import time
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import get_language

from analytics.selectors.period import Scope
from crm.access.rights import rights_of

R = TypeVar("R")

LONG = 0.5
"""Seconds after which the answer is kept."""
STANDS = 120.0
"""Seconds for which it is; every report says as of when it is."""
MOST = 200
_ADDING = "SELECT set_config('enable_sort', %(on)s, true), set_config('enable_incremental_sort', %(on)s, true)"
_kept: dict[Hashable, tuple[float, Any]] = {}


def remembered(compute: Callable[[Any, Scope], R]) -> Callable[[Any, Scope], R]:
    """Keep what a report found for those with the same rights who ask the same, if it took long to find."""

    @wraps(compute)
    def answer(user: Any, scope: Scope) -> R:
        fingerprint = rights_of(user).fingerprint
        key = (compute.__qualname__, fingerprint, scope, get_language(), timezone.get_current_timezone_name(), timezone.localdate())
        began = time.monotonic()
        at, known = _kept.get(key, (-STANDS, None))
        if fingerprint and began - at < STANDS:
            return known
        found = _adding_up(compute, user, scope)
        if fingerprint and time.monotonic() - began > LONG:
            if len(_kept) >= MOST:
                _kept.clear()
            _kept[key] = (time.monotonic(), found)
        return found

    return answer


def _adding_up(compute: Callable[[Any, Scope], R], user: Any, scope: Scope) -> R:
    """Compute in a transaction that adds up by hash: the planner expects far more groups than there are, and would sort all rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADDING, {"on": "off"})
        found = compute(user, scope)
        cursor.execute(_ADDING, {"on": "on"})
        return found
