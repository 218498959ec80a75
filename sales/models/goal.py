"""What a person is to win in a quarter."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model


class Goal(Model):
    """The value that a person is to win in each quarter, in the base currency."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="goal", verbose_name=_("person"))
    amount = models.DecimalField(_("value per quarter"), max_digits=18, decimal_places=2)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="goal_positive")]

    def __str__(self) -> str:
        return f"{self.user}: {self.amount}"
