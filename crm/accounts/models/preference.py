"""How one person likes a page to be: folded columns, the order of cards. Nobody else reads it."""

from django.conf import settings
from django.db import models

from crm.lib.models import Model


class Preference(Model):
    """One remembered choice of a person, under the name of the page that asks for it."""

    activity_skip = "a convenience of one person"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preferences")
    name = models.CharField(max_length=60)
    value = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="preference_once")]

    def __str__(self) -> str:
        return self.name
