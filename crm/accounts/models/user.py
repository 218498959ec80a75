"""Users: people who sign in with their e-mail address."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model, folded

_REQUIRES = """
(WITH RECURSIVE chain AS (
    SELECT r.parent_id, r.require_second_factor, 0 AS depth FROM accounts_role r WHERE r.id = accounts_user.role_id
    UNION ALL
    SELECT r.parent_id, r.require_second_factor, c.depth + 1
    FROM accounts_role r JOIN chain c ON r.id = c.parent_id WHERE c.depth < 20
) SELECT coalesce(bool_or(require_second_factor), false) FROM chain)
"""


class UserQuerySet(models.QuerySet["User"]):
    """The questions we ask about users."""

    def active(self) -> "UserQuerySet":
        """Those who may sign in."""
        return self.filter(is_active=True)

    def signing_in(self) -> "UserQuerySet":
        """With role and team, and whether the role or one it inherits from requires a second factor."""
        return self.select_related("role", "team").annotate(
            second_factor_required=RawSQL(_REQUIRES, (), output_field=models.BooleanField())
        )


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes users; a password is always hashed."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user; without a password, one who cannot sign in by password yet."""
        user: User = self.model(email=self.normalize_email(email).strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an administrator (``role`` must be given or the ADMIN role must exist)."""
        role = fields.pop("role", None) or self.model._meta.get_field("role").related_model.objects.get(
            code="ADMIN"
        )
        return self.create_user(email, password, role=role, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        """Find a user by address, whatever its case."""
        found: User = self.get(email__iexact=email)
        return found


class User(AbstractBaseUser, PermissionsMixin, Model):
    """A person who works here (E1)."""

    class Theme(models.TextChoices):
        AUTO = "auto", _("Like the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable", _("Comfortable")
        DEFAULT = "default", _("Default")
        COMPACT = "compact", _("Compact")

    email = models.EmailField(_("e-mail address"), max_length=254)
    first_name = models.CharField(_("first name"), max_length=100, blank=True, default="")
    last_name = models.CharField(_("last name"), max_length=100, blank=True, default="")
    role = models.ForeignKey("accounts.Role", models.PROTECT, related_name="users", verbose_name=_("role"))
    team = models.ForeignKey(
        "accounts.Team", models.SET_NULL, null=True, blank=True, related_name="members",
        verbose_name=_("team"),
    )
    department = models.CharField(_("department"), max_length=120, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=32, blank=True, default="")
    is_active = models.BooleanField(_("active"), default=True)
    last_login = models.DateTimeField(_("last sign-in"), null=True, blank=True, db_column="last_login_at")
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    language = models.CharField(_("language"), max_length=12, default="en")
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    density = models.CharField(_("density"), max_length=12, choices=Density, default=Density.DEFAULT)
    single_key_shortcuts = models.BooleanField(_("single-letter shortcuts"), default=True)
    deactivated_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Raised by sign-out everywhere, role change and deactivation: tokens and sockets of an older epoch are dead.
    auth_epoch = models.PositiveIntegerField(default=1, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    sort_key = folded("last_name", "first_name", "email")
    search_text = folded("first_name", "last_name", "email")

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    # Sign-ins are logged as accesses; the column would repeat them as changes.
    activity_never = ("last_login_at",)

    objects = UserManager()

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]
        indexes = [models.Index(fields=["team"], name="user_by_team")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name to show: the given and family name, or the address."""
        return f"{self.first_name} {self.last_name}".strip() or self.email

    @property
    def is_admin(self) -> bool:
        """Tell whether the role allows everything."""
        return self.role.is_admin

    @property
    def is_staff(self) -> bool:
        """Tell Django's admin who may enter: administrators."""
        return self.is_active and self.is_admin

    def get_full_name(self) -> str:
        """Return the name to show."""
        return self.name

    def get_short_name(self) -> str:
        """Return the first name, or the name to show."""
        return self.first_name or self.name

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Answer Django's admin: administrators may do everything, others nothing."""
        return self.is_active and self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        """Answer Django's admin: administrators see every app."""
        return self.is_active and self.is_admin
