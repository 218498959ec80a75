"""Identifiers: UUIDv7 (RFC 9562), ordered by time, safe to make in any process."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def parse_uuid(text: str | None) -> uuid.UUID | None:
    """Return the identifier that a text spells, or None when it spells none."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def uuid7() -> uuid.UUID:
    """Return a new time-ordered identifier."""
    return _uuid7()
