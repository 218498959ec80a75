"""People, roles and teams in the admin, under the same rules as on the pages."""

import json
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import SYSTEM
from crm.accounts.models import Role, RolePermission, Team, User
from crm.activity.models import LogLine
from crm.admin_models import OurAdmin, admin_class
from crm.lib.errors import Refusal
from crm.records.models import Comment, Note
from crm.workspace import rules
from crm.workspace.matrix import ACTIONS
from crm.workspace.services.conditions import read_condition

PERSONAL = {str(Note._meta.db_table): frozenset({"title", "content"}), str(Comment._meta.db_table): frozenset({"content"})}


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """A user without the password: that is set by the person alone."""

    class Meta:
        model = User
        fields = (
            "email", "first_name", "last_name", "role", "team", "department", "phone", "time_zone", "language",
            "is_active",
        )

    def clean(self) -> dict[str, Any]:
        """Keep one administrator."""
        cleaned: dict[str, Any] = super().clean() or {}
        stored = self.instance
        leaves = "is_active" in cleaned and not cleaned["is_active"]
        demoted = cleaned.get("role") is not None and not cleaned["role"].is_admin
        if not stored._state.adding and (leaves or demoted):
            try:
                rules.guard_last_admin(stored)
            except Refusal as refusal:
                raise ValidationError(refusal.message) from None
        return cleaned


@admin.register(User)
class UserAdmin(OurAdmin):
    """People are made by inviting them, and deactivated, not deleted."""

    form = UserForm
    list_display = ("email", "first_name", "last_name", "role", "team", "is_active", "last_login")
    list_filter = ("is_active", "role")
    search_fields = ("email", "first_name", "last_name")
    raw_id_fields = ("team",)
    readonly_fields = ("last_login", "deactivated_at", "auth_epoch", "created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes people."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save by the rules: invite a new one, end the access of one whose rights or address changed."""
        changed = set(form.changed_data)
        rules.prepare_user(obj, changed)
        super().save_model(request, obj, form, change)
        rules.follow_user(obj, changed, not change, request.user)
        if change and "is_active" in changed and not obj.is_active:
            rules.end_access(obj, reason="deactivated")


@admin.register(Role)
class RoleAdmin(OurAdmin):
    """Built-in roles stay."""

    list_display = ("name", "code", "parent", "is_admin", "is_system", "require_second_factor")
    search_fields = ("name", "code")
    readonly_fields = ("is_system", "version", "created_at", "updated_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the built-in roles."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_system)


@admin.register(Team)
class TeamAdmin(OurAdmin):
    """Teams with the group that their shares hang on."""

    list_display = ("name", "parent", "manager")
    search_fields = ("name",)
    raw_id_fields = ("parent", "manager")
    readonly_fields = ("group", "version", "created_at", "updated_at")

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Give a new team its group."""
        super().save_model(request, obj, form, change)
        rules.follow_team(obj, not change)


class CellForm(forms.ModelForm):  # type: ignore[type-arg]
    """A cell of the matrix, with a condition only where one can be asked."""

    class Meta:
        model = RolePermission
        fields = ("role", "entity", "action", "scope", "condition")

    def clean(self) -> dict[str, Any]:
        """Refuse what the page of the role refuses, too."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "entity" in cleaned and cleaned.get("action") not in ACTIONS.get(cleaned["entity"], ()):
            raise ValidationError(_("There is no such action on this entity."))
        if cleaned.get("condition") and cleaned.get("role"):
            try:
                cleaned["condition"] = read_condition(cleaned["role"], cleaned["entity"], cleaned["action"], cleaned["condition"], SYSTEM)
            except Refusal as refusal:
                raise ValidationError({"condition": [d.message for d in refusal.details] or [refusal.message]}) from None
        return cleaned


@admin.register(RolePermission)
class RolePermissionAdmin(OurAdmin):
    """The cells of the matrix."""

    form = CellForm
    list_display = ("__str__", "role", "entity", "action", "scope")
    list_filter = ("action", "scope")
    search_fields = ("entity", "role__name")
    raw_id_fields = ("role",)


@admin.register(Note)
class NoteAdmin(admin_class(Note)):  # type: ignore[misc]
    """Notes, but none that somebody keeps to himself: those are their author's alone, here as everywhere."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave out the private notes of others."""
        return super().get_queryset(request).filter(Q(is_private=False) | Q(author=request.user.pk))


@admin.register(LogLine)
class LogLineAdmin(admin_class(LogLine)):  # type: ignore[misc]
    """The log; the words of notes and comments are not in it for others."""

    exclude = ("changes",)
    readonly_fields = ("what_changed",)

    @admin.display(description=gettext_lazy("changes"))
    def what_changed(self, line: LogLine) -> str:
        """Return the values before and after, without the words of a note."""
        personal = PERSONAL.get(line.table_name, frozenset())
        told = {k: ["•••" if v else v for v in pair] if k in personal else pair for k, pair in line.changes.items()}
        return json.dumps(told, ensure_ascii=False)


# allauth registers these with their secrets in plain view; addresses are kept with the user.
for secret in (Authenticator, SocialAccount, SocialApp, SocialToken, EmailAddress, UserSession):
    if admin.site.is_registered(secret):
        admin.site.unregister(secret)
admin.site.register(UserSession, admin_class(UserSession))
