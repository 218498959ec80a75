"""Reading pages in tests."""

import re

_NAMES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z0-9_.]{32,}")


def without_ids(text: str) -> str:
    """Return a page without identifiers and tokens, in which any few digits stand by chance."""
    return _NAMES.sub("", text)
