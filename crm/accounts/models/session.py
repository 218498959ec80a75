"""What keeps a person signed in, or out: refresh tokens, invitations, sign-in links, failed attempts."""

from django.conf import settings
from django.db import models

from crm.lib.models import Model


class RefreshToken(Model):
    """One refresh token of a family. Its hash is stored; used once, it is replaced by the next.

    A second use of a used token revokes the whole family (RFC 9700, 4.14.2).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="refresh_tokens")
    family = models.UUIDField(db_index=True)
    token_hash = models.CharField(max_length=64, unique=True)
    auth_epoch = models.PositiveIntegerField()
    second_factor = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at"], name="refresh_by_user")]

    def __str__(self) -> str:
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"


class Invitation(Model):
    """A single-use, dated invitation of one address to one role and team. Its token's hash is stored."""

    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=100, blank=True, default="")
    last_name = models.CharField(max_length=100, blank=True, default="")
    role = models.ForeignKey("accounts.Role", models.CASCADE, related_name="+")
    team = models.ForeignKey("accounts.Team", models.SET_NULL, null=True, blank=True, related_name="+")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="invitations_sent"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="invitation"
    )
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.email


class SignInLink(Model):
    """A link that signs one person in once, within minutes (first run, emergency). Its hash is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_in_links")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"


class LoginFailure(models.Model):
    """Failed attempts, counted in the database so that the lock-out holds without the cache.

    ``key`` is a hash of what is counted: an account, an address, or a pair of both.
    """

    key = models.CharField(max_length=80, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["last_at"], name="loginfailure_age")]

    def __str__(self) -> str:
        return f"{self.failures} failures"
