"""Deals shared one by one with people and teams."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from sales.models.deal import Deal


class DealUserShare(UserObjectPermissionBase):
    """A deal shared with a person."""

    content_object = models.ForeignKey(Deal, models.CASCADE)


class DealTeamShare(GroupObjectPermissionBase):
    """A deal shared with a team."""

    content_object = models.ForeignKey(Deal, models.CASCADE)
