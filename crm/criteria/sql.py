"""SQL that the compiler needs and Django has not: two-valued truth, and typed readings of stored JSON.

A stored custom value may be anything (an old definition, a restored backup, plain SQL). None of these
expressions can raise on it: what does not look like its type counts as empty.
"""

from typing import Any

from django.db import models
from django.db.models import fields
from django.db.models.expressions import Func


class Truth(Func):
    """``(condition) IS TRUE``: unknown (NULL) becomes false, so that “not” has no third answer."""

    template = "(%(expressions)s) IS TRUE"
    output_field = fields.BooleanField()


class Guarded(Func):
    """A text read as something else where it matches a pattern, and NULL where it does not."""

    pattern = ""
    reading = "{0}"

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        """Return ``CASE WHEN text ~ pattern THEN reading END``."""
        sql, params = compiler.compile(self.get_source_expressions()[0])
        params = list(params)
        return (
            f"CASE WHEN ({sql}) ~ %s THEN {self.reading.format(f'({sql})')} END",
            [*params, self.pattern, *params],
        )


class AsNumber(Guarded):
    """A stored custom number."""

    pattern = r"^[+-]?[0-9]{1,60}(\.[0-9]{1,60})?$"
    reading = "{0}::numeric"
    output_field: Any = models.DecimalField()


class AsDay(Guarded):
    """A stored custom date; ISO dates order as text, and a text cannot be an impossible day."""

    pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
    reading = '{0} COLLATE "C"'
    output_field: Any = models.TextField()


class AsMoment(Guarded):
    """A stored custom moment in UTC, without its ``Z``: so a whole second stands before its fractions."""

    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
    reading = "rtrim({0}, 'Z') COLLATE \"C\""
    output_field: Any = models.TextField()
