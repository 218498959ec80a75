"""People, roles and teams in the admin, under the same rules as on the pages."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from crm.accounts.models import Role, Team, User
from crm.admin_models import OurAdmin
from crm.lib.errors import Refusal
from crm.workspace import rules


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


# allauth registers these with their secrets in plain view; addresses are kept with the user.
for secret in (Authenticator, SocialAccount, SocialApp, SocialToken, EmailAddress):
    if admin.site.is_registered(secret):
        admin.site.unregister(secret)
