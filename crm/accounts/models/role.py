"""Roles: named sets of permissions that inherit from one another."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model


class Role(Model):
    """What a person may do, by entity and action. A role has everything that its parent has."""

    code = models.CharField(
        max_length=40, unique=True, validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*$")]
    )
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True, default="")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    is_system = models.BooleanField(default=False, editable=False)
    is_admin = models.BooleanField(default=False, help_text=_("Everything is allowed, settings included."))
    require_second_factor = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")), name="role_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RolePermission(Model):
    """One cell of the matrix: may this role do this to that entity, and to which rows."""

    class Action(models.TextChoices):
        VIEW = "view", _("View")
        CREATE = "create", _("Create")
        CHANGE = "change", _("Change")
        DELETE = "delete", _("Delete")
        ASSIGN = "assign", _("Assign to others")
        EXPORT = "export", _("Export")
        IMPORT = "import", _("Import")
        MERGE = "merge", _("Merge")
        SHARE = "share", _("Share")
        MANAGE = "manage", _("Manage")

    class Scope(models.TextChoices):
        NONE = "none", _("None")
        OWN = "own", _("Own")
        TEAM = "team", _("Team")
        TREE = "tree", _("Team tree")
        ALL = "all", _("All")

    role = models.ForeignKey(Role, models.CASCADE, related_name="permissions")
    entity = models.CharField(max_length=60)
    action = models.CharField(max_length=12, choices=Action)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.OWN)
    condition = models.JSONField(
        null=True, blank=True, help_text=_("Criteria that a record must also fulfil (A15).")
    )

    class Meta:
        ordering = ["entity", "action"]
        constraints = [
            models.UniqueConstraint(fields=["role", "entity", "action"], name="permission_one_per_cell"),
            models.CheckConstraint(
                condition=models.Q(scope__in=["none", "own", "team", "tree", "all"]),
                name="permission_scope_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.action} {self.entity} ({self.scope})"


class FieldRight(Model):
    """A field that a role sees less of than the rest: hidden, or read-only."""

    class Level(models.TextChoices):
        HIDDEN = "hidden", _("Hidden")
        READ = "read", _("Read only")
        WRITE = "write", _("Read and write")

    role = models.ForeignKey(Role, models.CASCADE, related_name="field_rights")
    entity = models.CharField(max_length=60)
    field = models.CharField(max_length=80)
    level = models.CharField(max_length=8, choices=Level)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "entity", "field"], name="fieldright_one_per_field"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.entity}.{self.field} {self.level}"
