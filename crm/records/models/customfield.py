"""Custom fields: definitions kept as rows, values in each record's ``custom``."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model


class CustomField(Model):
    """A field that an administrator added to an entity (C4)."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        LONG_TEXT = "long_text", _("Long text")
        NUMBER = "number", _("Number")
        MONEY = "money", _("Money")
        DATE = "date", _("Date")
        DATETIME = "datetime", _("Date and time")
        BOOLEAN = "boolean", _("Yes or no")
        CHOICE = "choice", _("Choice")
        MULTI_CHOICE = "multi_choice", _("Several choices")
        URL = "url", _("Web address")
        EMAIL = "email", _("E-mail address")
        PHONE = "phone", _("Phone number")
        USER = "user", _("User")
        LINK = "link", _("Link to a record")

    entity = models.CharField(max_length=60)
    key = models.CharField(max_length=60, validators=[RegexValidator(r"^[a-z][a-z0-9_]*$")])
    label = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind)
    help_text = models.CharField(max_length=300, blank=True, default="")
    group = models.CharField(max_length=80, blank=True, default="")
    is_required = models.BooleanField(default=False)
    in_list = models.BooleanField(default=False)
    choices = models.JSONField(default=list, blank=True)
    link_entity = models.CharField(max_length=60, blank=True, default="")
    max_length = models.PositiveIntegerField(null=True, blank=True)
    min_value = models.DecimalField(max_digits=30, decimal_places=10, null=True, blank=True)
    max_value = models.DecimalField(max_digits=30, decimal_places=10, null=True, blank=True)
    position = models.PositiveIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["entity", "position", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["entity", "key"], name="customfield_key_unique"),
            models.CheckConstraint(
                condition=~models.Q(kind="link") | ~models.Q(link_entity=""), name="customfield_link_target"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity}.{self.key}"
