"""The abstract base of every business record."""

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model, Shuffled


class RecordQuerySet(models.QuerySet[Any]):
    """The questions we ask about any record."""

    def living(self) -> Self:
        """Those that are not in the trash."""
        return self.filter(deleted_at=None)

    def trashed(self) -> Self:
        """Those in the trash."""
        return self.exclude(deleted_at=None)

    def current(self) -> Self:
        """Those neither in the trash nor archived."""
        return self.filter(deleted_at=None, archived_at=None)


class RecordManager(models.Manager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """The living: what every list, page and relation starts from."""

    def get_queryset(self) -> Any:
        """Return the rows that are not in the trash."""
        return super().get_queryset().filter(deleted_at=None)


class Record(Model):
    """A business record: soft-deleted, versioned, with custom fields and (by ability) tags.

    ``objects`` are the living, ``everything`` includes the trash.
    """

    version = models.PositiveIntegerField(default=1, editable=False)
    custom = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+",
        verbose_name=_("created by"),
    )
    deleted_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    objects = RecordManager()
    everything = RecordQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "everything"

    @staticmethod
    def record_indexes(prefix: str) -> list[models.Index]:
        """Return the indexes every record table has: recent first, in a drawn order, and its custom fields."""
        return [
            models.Index(
                fields=["-created_at", "-id"], name=f"{prefix}_recent", condition=models.Q(deleted_at=None)
            ),
            models.Index(
                fields=["-updated_at", "-id"], name=f"{prefix}_touched", condition=models.Q(deleted_at=None)
            ),
            models.Index(Shuffled("id"), name=f"{prefix}_shuffled", condition=models.Q(deleted_at=None)),
            GinIndex(fields=["custom"], name=f"{prefix}_custom", opclasses=["jsonb_path_ops"]),
        ]
