"""The workspace: one row with what holds for everybody, and dated exchange rates."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model


class Workspace(Model):
    """The name, currency, language and calendar of this installation. There is exactly one."""

    name = models.CharField(_("name"), max_length=120, default="Rapport")
    currency = models.CharField(_("base currency"), max_length=3, default="USD")
    language = models.CharField(_("language"), max_length=12, default="en")
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    fiscal_year_starts = models.PositiveSmallIntegerField(_("first month of the fiscal year"), default=1)
    first_day_of_week = models.PositiveSmallIntegerField(_("first day of the week"), default=1)
    watched = models.JSONField(_("kinds of records whose views are noted"), default=list, blank=True)
    only = models.BooleanField(default=True, editable=False, unique=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(only=True), name="workspace_only_one"),
            models.CheckConstraint(
                condition=models.Q(fiscal_year_starts__gte=1, fiscal_year_starts__lte=12),
                name="workspace_fiscal_month",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ExchangeRate(Model):
    """What one unit of a currency is worth in the base currency from a day on."""

    currency = models.CharField(_("currency"), max_length=3)
    day = models.DateField(_("from"))
    rate = models.DecimalField(_("rate"), max_digits=18, decimal_places=8)

    class Meta:
        ordering = ["currency", "-day"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "day"], name="exchangerate_one_a_day"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="exchangerate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.rate} ({self.day})"
