"""The way of a deal: every stage it entered, and how long it stayed (E3's DealActivity).

A database trigger writes the rows (migrations/0002), so that no way of changing a deal can forget it.
"""

from django.conf import settings
from django.db import models

from crm.lib.models import Model
from sales.models.deal import Deal
from sales.models.pipeline import Stage


class StageChange(Model):
    """A deal left one stage (none at first) and entered another."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="stage_changes")
    from_stage = models.ForeignKey(Stage, models.PROTECT, null=True, related_name="+")
    to_stage = models.ForeignKey(Stage, models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    happened_at = models.DateTimeField()
    seconds_in_stage = models.BigIntegerField(null=True)
    value = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        ordering = ["happened_at", "id"]
        indexes = [
            models.Index(fields=["deal", "happened_at"], name="stagechange_by_deal"),
            models.Index(fields=["to_stage", "happened_at"], name="stagechange_by_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.from_stage or '–'} → {self.to_stage}"
