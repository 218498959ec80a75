"""Tags: short words that people put on records."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model
from crm.records.fields import HUES


class Tag(Model):
    """A word with a hue, unique whatever its case."""

    name = models.CharField(_("name"), max_length=60)
    hue = models.CharField(_("colour"), max_length=10, choices=[(h, h) for h in HUES], default="slate")
    description = models.CharField(_("description"), max_length=200, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(models.functions.Lower("name"), name="tag_name_unique")]

    def __str__(self) -> str:
        return self.name
