"""Two records that look alike."""

from django.db import models

from crm.lib.models import Model


class Alike(Model):
    """What the search over all records found; the smaller id stands first. Worked out anew every night."""

    activity_skip = "what a search found, which the next one finds again"

    entity = models.CharField(max_length=60)
    first = models.UUIDField()
    second = models.UUIDField()
    score = models.PositiveSmallIntegerField()
    """How sure it is, of a hundred."""
    reasons = models.JSONField(default=list)
    """The codes of why."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "first", "second"], name="alike_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="alike_in_order"),
        ]
        indexes = [models.Index(fields=["entity", "-score", "id"], name="alike_queue")]

    def __str__(self) -> str:
        return f"{self.first} ≈ {self.second}"
