"""What the deals of a stage come to, kept as sums: a board of half a million deals must not add them up for each reader.

Triggers write the rows (migrations/0003), so that no way of changing a deal can forget them. They only ever add: each
statement that changes deals leaves the difference it made, so that two writers never wait for each other. All rows
of a stage together are the truth; ``sales.totals.fold`` makes one of many now and then.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DealTotal(models.Model):
    """A sum, or a difference to it: of the living deals of a stage by day of closing and certainty, or by owner."""

    activity_skip = "Sums of deals, whose changes are logged."

    class Grain(models.TextChoices):
        DAY = "d", _("By day")
        OWNER = "o", _("By owner")

    id = models.BigAutoField(primary_key=True)
    stage_id = models.UUIDField()
    grain = models.CharField(max_length=1, choices=Grain)
    day = models.DateField(null=True)
    """When the deals are expected to close, or were closed."""
    band = models.SmallIntegerField(null=True)
    """How certain they are: 0 below 40 %, 1 below 75 %, 2 from there on (of a sum by day)."""
    owner_id = models.UUIDField(null=True)
    n = models.IntegerField()
    value = models.DecimalField(max_digits=24, decimal_places=2)
    weighted = models.DecimalField(max_digits=28, decimal_places=4)

    def __str__(self) -> str:
        return f"{self.stage_id} {self.day or self.owner_id or '–'}: {self.n}"
