"""Who works here: users, the roles that give them rights, and the teams they belong to."""

from crm.accounts.models.preference import Preference
from crm.accounts.models.role import FieldRight, Role, RolePermission
from crm.accounts.models.session import Invitation, LoginFailure, RefreshToken, SignInLink
from crm.accounts.models.team import Team
from crm.accounts.models.user import User

__all__ = [
    "FieldRight",
    "Invitation",
    "LoginFailure",
    "Preference",
    "RefreshToken",
    "Role",
    "RolePermission",
    "SignInLink",
    "Team",
    "User",
]
