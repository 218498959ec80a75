"""How long tables are, as the database last found: what is worth another way of reading them."""

import time
from typing import Any

from django.db import connection

SMALL = 150_000
"""A table of up to so many rows is added up for everybody who looks at it."""
LARGE = 1_000_000
"""A table of fewer bytes has no ten thousand rows of a list."""
ASKED_AFTER = 60.0
_known: dict[Any, tuple[float, int, int]] = {}


def is_long(model: Any) -> bool:
    """Tell whether a table is too long to be added up for everybody who looks at its list."""
    rows, _bytes = size_of(model)
    return rows > SMALL


def may_be_long(model: Any) -> bool:
    """Tell whether a table is so large that its lists may be worth a walk."""
    _rows, size = size_of(model)
    return size >= LARGE


def size_of(model: Any) -> tuple[int, int]:
    """Return about how many rows a table has, as its last analysis found, and how many bytes; asked once a minute."""
    now = time.monotonic()
    at, rows, size = _known.get(model, (-ASKED_AFTER, 0, 0))
    if now - at >= ASKED_AFTER:
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples, pg_relation_size(oid) FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
            rows, size = (int(n) for n in cursor.fetchone())
        _known[model] = (now, rows, size)
    return rows, size
