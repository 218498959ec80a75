"""Teams: a tree of people; what a member owns is seen by those above."""

from django.contrib.auth.models import Group
from django.db import models

from crm.lib.models import Model, folded


class Team(Model):
    """A group of people with a manager, below a parent team. ``group`` carries guardian's team shares."""

    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    manager = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, blank=True, related_name="managed_teams"
    )
    group = models.OneToOneField(
        Group, models.PROTECT, null=True, blank=True, editable=False, related_name="team"
    )
    sort_key = folded("name")
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [
            models.UniqueConstraint(models.functions.Lower("name"), name="team_name_unique"),
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")), name="team_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return self.name
