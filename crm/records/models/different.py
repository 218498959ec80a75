"""Two records that look alike and are not the same."""

from django.conf import settings
from django.db import models

from crm.lib.models import Model


class Different(Model):
    """Somebody looked at both and said so; the smaller id stands first."""

    entity = models.CharField(max_length=60)
    first = models.UUIDField()
    second = models.UUIDField()
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "first", "second"], name="different_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="different_in_order"),
        ]
        indexes = [models.Index(fields=["second"], name="different_second"), models.Index(fields=["first"], name="different_first")]

    def __str__(self) -> str:
        return f"{self.first} ≠ {self.second}"
