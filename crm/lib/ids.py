"""Identifiers: UUIDv7 (RFC 9562), ordered by time, safe to make in any process."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """Return a new time-ordered identifier."""
    return _uuid7()
