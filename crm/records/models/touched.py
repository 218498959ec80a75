"""When something last happened with a record, kept beside it: lists sort and filter by it."""

from typing import ClassVar

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _


class Touched(models.Model):
    """What one has contact with. Triggers of ``communications`` keep the columns, whoever writes an interaction."""

    # They follow from the interactions, whose changes are logged.
    activity_never: ClassVar[tuple[str, ...]] = ("last_activity_at", "last_activity_id")

    last_activity_at = models.DateTimeField(_("last activity"), null=True, editable=False)
    last_activity_id = models.UUIDField(null=True, editable=False)

    class Meta:
        abstract = True

    @staticmethod
    def touched_indexes(prefix: str) -> list[models.Index]:
        """Return the indexes by which a list stands by last activity, either way; what had none stands last."""
        living = models.Q(deleted_at=None)
        return [
            models.Index(F("last_activity_at").desc(nulls_last=True), F("id").desc(), name=f"{prefix}_by_activity", condition=living),
            models.Index(fields=["last_activity_at", "id"], name=f"{prefix}_by_silence", condition=living),
        ]
