"""Who governs: users, roles, teams, and the workspace itself."""

from typing import Any

from django.db.models import Q

from crm.access.policy import Policy
from crm.access.rights import Rights
from crm.accounts.models import FieldRight, Invitation, RefreshToken, Role, RolePermission, SignInLink, Team, User
from crm.activity.models import ActivityLog, ChangeSet, Delivery
from crm.jobs.models import Job
from crm.records.policies import ReadByAllPolicy
from crm.workspace.models import ExchangeRate, Workspace


class UserPolicy(ReadByAllPolicy, model=User):
    """Colleagues know each other's names; only those who manage users change them, and each the own profile."""

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return oneself: which fields one may change is said by the entity's rules."""
        return Q(pk=rights.user_id) if action == "change" else None


class TeamPolicy(ReadByAllPolicy, model=Team):
    """Everyone knows the teams."""


class RolePolicy(ReadByAllPolicy, model=Role):
    """Everyone knows the roles."""


class RolePermissionPolicy(Policy, model=RolePermission):
    """With the roles, for those who govern them."""

    entity = "role"
    owner = None


class FieldRightPolicy(Policy, model=FieldRight):
    """With the roles, for those who govern them."""

    entity = "role"
    owner = None


class InvitationPolicy(Policy, model=Invitation):
    """With the users, for those who govern them."""

    entity = "user"
    owner = None


class RefreshTokenPolicy(Policy, model=RefreshToken):
    """One's own; they are listed as sessions."""

    entity = "session"
    owner = "user"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return one's own."""
        return Q(user=rights.user_id)


class SignInLinkPolicy(Policy, model=SignInLink):
    """Nobody sees them."""

    entity = "session"
    owner = None


class WorkspacePolicy(ReadByAllPolicy, model=Workspace):
    """Everyone sees its name."""

    entity = "settings"


class ExchangeRatePolicy(ReadByAllPolicy, model=ExchangeRate):
    """Everyone reads the rates."""

    entity = "settings"


class AuditPolicy(Policy, model=ActivityLog):
    """The log is for those who audit; a record's own history goes by the record."""

    entity = "audit"
    owner = "user"


class ChangeSetPolicy(Policy, model=ChangeSet):
    """With the log; one's own change sets are always one's own to undo."""

    entity = "audit"
    owner = "user"

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return one's own."""
        return Q(user=rights.user_id) if action == "view" else None


class DeliveryPolicy(Policy, model=Delivery):
    """For those who audit."""

    entity = "audit"
    owner = None


class JobPolicy(Policy, model=Job):
    """One's own; others' by the matrix. Whoever started a job may cancel it and try it again."""

    entity = "job"
    owner = "user"

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return one's own."""
        return Q(user=rights.user_id)
