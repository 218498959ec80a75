"""The base of every table: a time-ordered key, the two timestamps, the folded text columns, and a sample of the rows."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Coalesce, Concat, Lower

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


class Shuffled(models.Transform):
    """``id__shuffled``: a number that belongs to a key like a drawn lot: rows in its order are a sample of any set of rows.

    Keys grow with time, so that neighbours by key are of one day, one import, one person.
    """

    lookup_name = "shuffled"
    function = "uuid_hash"
    output_field = models.IntegerField()


class Lot(Shuffled):
    """``id__lot``: one of 256 lots that a key is in, each as good a sample as any other."""

    lookup_name = "lot"
    template = "(%(function)s(%(expressions)s) & 255)"


models.UUIDField.register_lookup(Shuffled)
models.UUIDField.register_lookup(Lot)
models.EmailField.register_lookup(Lower)

SAMPLED = models.Q(id__lot=0)
"""The condition of one row in 256, whichever."""


class Like(models.Lookup):  # type: ignore[type-arg]
    """``search_text__like="%a%b%"``: a pattern as it is."""

    lookup_name = "like"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the comparison."""
        column, params = self.process_lhs(compiler, connection)
        return f"{column} LIKE %s", [*params, self.rhs]


models.TextField.register_lookup(Like)


class Unindexed(models.Transform):
    """``search_text__unindexed``: a text of which no index is looked through, for rows that are read in another order."""

    lookup_name = "unindexed"
    template = "(%(expressions)s || '')"
    output_field = models.TextField()


models.TextField.register_lookup(Unindexed)


def owner_index(prefix: str, owner: str = "assigned_user") -> models.Index:
    """Return the index of what belongs to somebody, which also gives a sample of it."""
    return models.Index(models.F(owner), Shuffled("id"), name=f"{prefix}_of_owner")


def search_indexes(prefix: str, text: Any = "search_text") -> list[models.Index]:
    """Return the trigram indexes of what is searched: of all rows, and of the sample that tells how common a word is."""
    return [
        GinIndex(OpClass(text, "gin_trgm_ops"), name=f"{prefix}_search"),
        GinIndex(OpClass(text, "gin_trgm_ops"), name=f"{prefix}_search_some", condition=SAMPLED),
    ]
