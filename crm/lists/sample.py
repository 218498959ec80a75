"""Some rows for all: what is counted of lists so long that nobody reads them to the end."""

from math import floor, log10
from typing import Any

from django.db.models import QuerySet

from crm.records import sizes

EXACT = 50_000
"""So many rows are counted."""
LOOKED_AT = 15_000
"""So many rows of a table are a sample."""
_HASHES = 2**32


def some_of(rows: QuerySet[Any]) -> tuple[QuerySet[Any], float]:
    """Return rows that stand for all of these, and for how many each stands: for itself alone where they are few enough."""
    size, _bytes = sizes.size_of(rows.model)
    if size <= sizes.SMALL or rows.values("pk")[: EXACT + 1].count() <= EXACT:
        return rows, 1.0
    share = LOOKED_AT / size
    return rows.filter(pk__shuffled__lt=int(share * _HASHES) - _HASHES // 2), 1 / share


def about(number: int, stands_for: float) -> int:
    """Return how many rows so many of a sample stand for, to two digits: more would claim to be counted."""
    if stands_for <= 1 or not number:
        return number
    found = number * stands_for
    return int(round(found, 1 - floor(log10(found))))
