"""The base of every table: a time-ordered key, the two timestamps, and the folded text columns."""

from typing import Any

from django.db import models
from django.db.models.functions import Coalesce, Concat

from crm.lib.ids import uuid7


class Model(models.Model):
    """A row with a UUIDv7 key that knows when it was made and last changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        abstract = True


class Fold(models.Func):
    """The SQL function ``rapport_fold``: lower-cased and unaccented, the same on every server."""

    function = "rapport_fold"
    output_field = models.TextField()


def searched(*names: str) -> Fold:
    """Return the named text columns, joined by blanks and folded: what a search looks in."""
    parts: list[Any] = []
    for name in names:
        if parts:
            parts.append(models.Value(" ", output_field=models.TextField()))
        parts.append(Coalesce(models.F(name), models.Value(""), output_field=models.TextField()))
    return Fold(Concat(*parts, output_field=models.TextField()) if len(parts) > 1 else parts[0])


def folded(*names: str) -> Any:
    """Return a stored column that holds the named text columns, joined by blanks and folded."""
    return models.GeneratedField(
        expression=searched(*names), output_field=models.TextField(), db_persist=True, editable=False
    )
