"""Some rows for all: what is counted of lists so long that nobody reads them to the end."""

import time
from math import floor, log10
from typing import Any

from django.db import connection
from django.db.models import QuerySet

EXACT = 50_000
"""So many rows are counted."""
SMALL = 150_000
"""All rows of a table of this length are."""
LARGE = 1_000_000
"""A table of fewer bytes has no ten thousand rows of a list."""
ASKED_AFTER = 60.0
LOOKED_AT = 15_000
"""So many rows of a table are a sample."""
_HASHES = 2**32
_known: dict[Any, tuple[float, int, int]] = {}


def some_of(rows: QuerySet[Any]) -> tuple[QuerySet[Any], float]:
    """Return rows that stand for all of these, and for how many each stands: for itself alone where they are few enough."""
    size, _bytes = _size(rows.model)
    if size <= SMALL or rows.values("pk")[: EXACT + 1].count() <= EXACT:
        return rows, 1.0
    share = LOOKED_AT / size
    return rows.filter(pk__shuffled__lt=int(share * _HASHES) - _HASHES // 2), 1 / share


def is_long(model: Any) -> bool:
    """Tell whether a table is too long to be added up for everybody who looks at its list."""
    rows, _bytes = _size(model)
    return rows > SMALL


def may_be_long(model: Any) -> bool:
    """Tell whether a table is so large that its lists may be worth a walk."""
    _rows, size = _size(model)
    return size >= LARGE


def about(number: int, stands_for: float) -> int:
    """Return how many rows so many of a sample stand for, to two digits: more would claim to be counted."""
    if stands_for <= 1 or not number:
        return number
    found = number * stands_for
    return int(round(found, 1 - floor(log10(found))))


def _size(model: Any) -> tuple[int, int]:
    """Return about how many rows a table has, as its last analysis found, and how many bytes; asked once a minute."""
    now = time.monotonic()
    at, rows, size = _known.get(model, (-ASKED_AFTER, 0, 0))
    if now - at >= ASKED_AFTER:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples, pg_relation_size(oid) FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
            rows, size = (int(n) for n in cursor.fetchone())
        _known[model] = (now, rows, size)
    return rows, size
