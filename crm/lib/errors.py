"""Refusals: typed exceptions with a sentence that a person can read.

Every door renders them once: the API as its error envelope, a page as the form with the sentence in
``role="alert"``, an import as an error row, a command as a line on stderr.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Detail:
    """One thing that is wrong: the dotted name of the field (empty for the whole) and the sentence."""

    field: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return the detail as the API shows it."""
        return {"field": self.field, "message": self.message}


class Refusal(Exception):
    """Something was asked for that must not happen; nothing was written."""

    code = "CONFLICT"
    status = 409
    message: Any = _("This is not possible.")

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Iterable[Detail] = (),
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.message = str(message or self.message)
        self.details = list(details)
        self.extra = extra or {}
        super().__init__(self.message)


class Invalid(Refusal):
    """The input does not fit; the details name each field."""

    code = "VALIDATION_ERROR"
    status = 400
    message: Any = _("The input is not valid.")

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """Return a refusal about one field."""
        return cls(message, details=[Detail(field, str(message))])


class Denied(Refusal):
    """The actor sees the record and may not do this to it."""

    code = "PERMISSION_DENIED"
    status = 403
    message: Any = _("You do not have permission to do this.")


class Missing(Refusal):
    """There is no such record, or the actor may not see it: the answer is the same."""

    code = "NOT_FOUND"
    status = 404
    message: Any = _("Not found.")


class Conflict(Refusal):
    """A unique key or the record's state stands in the way."""


class Outdated(Refusal):
    """Someone changed the same thing in the meantime.

    ``extra["fields"]`` maps each contested field to ``{"yours": …, "theirs": …, "by": …}``.
    """

    code = "PRECONDITION_FAILED"
    status = 412
    message: Any = _("Someone changed this in the meantime.")


class Locked(Refusal):
    """The record is locked by a running operation."""

    code = "LOCKED"
    status = 423
    message: Any = _("This record is locked by a running operation.")


class TooMany(Refusal):
    """A limit was reached; ``extra["retry_after"]`` tells the seconds to wait."""

    code = "RATE_LIMITED"
    status = 429
    message: Any = _("Too many requests. Try again later.")
