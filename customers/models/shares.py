"""Single records shared with people and teams: guardian's permission tables with direct foreign keys."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from customers.models.company import Company
from customers.models.customer import Customer


class CustomerUserShare(UserObjectPermissionBase):
    """A customer shared with a person."""

    content_object = models.ForeignKey(Customer, models.CASCADE)


class CustomerTeamShare(GroupObjectPermissionBase):
    """A customer shared with a team."""

    content_object = models.ForeignKey(Customer, models.CASCADE)


class CompanyUserShare(UserObjectPermissionBase):
    """A company shared with a person."""

    content_object = models.ForeignKey(Company, models.CASCADE)


class CompanyTeamShare(GroupObjectPermissionBase):
    """A company shared with a team."""

    content_object = models.ForeignKey(Company, models.CASCADE)
