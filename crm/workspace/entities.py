"""Users, teams and roles, declared: the same lists, API and import as everything else."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.accounts.models import Role, Team, User
from crm.records.entity import REFERENCE, Entity, register
from crm.records.fields import Field, Kind, choices_of
from crm.workspace import rules
from crm.workspace.services.conditions import refuse_telling


class RoleEntity(Entity):
    """A set of permissions."""

    name = "role"
    plural = "roles"
    model = Role
    label = _("Role")
    label_plural = _("Roles")
    icon = "shield"
    sort = ("name",)
    owner = None
    abilities = REFERENCE
    constraint_messages = {"role_parent_no_circle": _("Roles make no circles.")}
    fields = (
        Field("code", Kind.TEXT, _("Code"), required=True, max_length=40, unique=True),
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=80),
        Field("description", Kind.TEXT, _("Description"), max_length=300),
        Field("parent", Kind.LINK, _("Inherits from"), link="role", extra={"by_name": True}),
        Field("is_admin", Kind.BOOLEAN, _("Administrator"), writable=False),
        Field("require_second_factor", Kind.BOOLEAN, _("Requires a second factor"), default=False),
    )

    def find(self, queryset: Any, title: str) -> Any:
        """Find a role by code or name."""
        return queryset.filter(Q(code__iexact=title) | Q(name__iexact=title)).first()

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, str]]:
        """Built-in codes stay, no circles, nobody above the own rights."""
        return rules.check_role(draft, changed, actor)

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Refuse a parent whose conditions ask about what is hidden here."""
        if "parent" in changed:
            refuse_telling(obj, "parent")

    def before_delete(self, obj: Any, actor: Any) -> None:
        """Keep the built-in roles."""
        rules.refuse_role_deletion(obj, actor)


class TeamEntity(Entity):
    """A group of people."""

    name = "team"
    plural = "teams"
    model = Team
    label = _("Team")
    label_plural = _("Teams")
    icon = "users-round"
    sort = ("name",)
    owner = None
    abilities = REFERENCE | {"import"}
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=120, unique=True, aliases=("team", "regional office")),
        Field("parent", Kind.LINK, _("Parent team"), link="team", extra={"by_name": True}),
        Field("manager", Kind.USER, _("Manager")),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False),
    )
    constraint_messages = {"team_parent_no_circle": _("Teams make no circles.")}

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, str]]:
        """No circles, and a manager who is here."""
        return rules.check_team(draft, changed, actor)

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Give it the group that shares with the team hang on."""
        rules.follow_team(obj, created)


class UserEntity(Entity):
    """A person who works here."""

    name = "user"
    plural = "users"
    model = User
    label = _("User")
    label_plural = _("Users")
    icon = "user-cog"
    title = ("first_name", "last_name")
    sort = ("name",)
    owner = None
    abilities = REFERENCE | {"import"}
    fields = (
        Field("name", Kind.TEXT, _("Name"), path="sort_key", writable=False, extra={"display": "name"}),
        Field("email", Kind.EMAIL, _("E-mail"), required=True, max_length=254, unique=True),
        Field("first_name", Kind.TEXT, _("First name"), max_length=100),
        Field("last_name", Kind.TEXT, _("Last name"), max_length=100),
        Field("role", Kind.LINK, _("Role"), link="role", required=True, extra={"by_name": True}),
        Field("team", Kind.LINK, _("Team"), link="team", extra={"by_name": True}),
        Field("department", Kind.TEXT, _("Department"), max_length=120),
        Field("phone", Kind.PHONE, _("Phone"), max_length=32),
        Field("time_zone", Kind.TEXT, _("Time zone"), max_length=60),
        Field("language", Kind.TEXT, _("Language"), max_length=12),
        Field("theme", Kind.CHOICE, _("Theme"), choices=choices_of(User.Theme), default=User.Theme.AUTO),
        Field("density", Kind.CHOICE, _("Density"), choices=choices_of(User.Density), default=User.Density.DEFAULT),
        Field("single_key_shortcuts", Kind.BOOLEAN, _("Single-letter shortcuts"), default=True),
        Field("is_active", Kind.BOOLEAN, _("Active"), writable=False),
        Field("last_login_at", Kind.DATETIME, _("Last sign-in"), path="last_login", writable=False),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False),
    )

    def find(self, queryset: Any, title: str) -> Any:
        """Find a user by e-mail address or full name."""
        if "@" in title:
            return queryset.filter(email__iexact=title).first()
        first, _blank, last = title.rpartition(" ")
        return queryset.filter(first_name__iexact=first, last_name__iexact=last).order_by("created_at").first()

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, str]]:
        """Say who may change what of whom."""
        return rules.check_user(draft, changed, actor)

    def before_save(self, obj: Any, changed: set[str], actor: Any) -> None:
        """Fold the address; keep one administrator."""
        rules.prepare_user(obj, changed)
        if "role" in changed and not obj._state.adding and not obj.role.is_admin:
            rules.guard_last_admin(obj)

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Invite a new one; end the access of one whose role or address changed."""
        rules.follow_user(obj, changed, created, actor)

    def before_delete(self, obj: Any, actor: Any) -> None:
        """People who were here are deactivated, not deleted."""
        rules.refuse_deletion(obj, actor)


for declared in (RoleEntity(), TeamEntity(), UserEntity()):
    register(declared)
