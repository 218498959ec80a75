"""Pipelines and their stages: data, not code."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model
from crm.records.models.tag import HUES


class Pipeline(Model):
    """A way that deals go. Exactly one is the default."""

    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(max_length=40, unique=True, validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*$")])
    description = models.CharField(_("description"), max_length=300, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    is_default = models.BooleanField(_("default"), default=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], name="pipeline_one_default", condition=models.Q(is_default=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Stage(Model):
    """A step of a pipeline. At most one stage of a pipeline wins, and one loses."""

    class Outcome(models.TextChoices):
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="stages")
    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(max_length=40, validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*$")])
    position = models.PositiveSmallIntegerField(_("order"))
    probability = models.PositiveSmallIntegerField(
        _("probability"), default=0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    outcome = models.CharField(_("outcome"), max_length=4, choices=Outcome, default=Outcome.OPEN)
    hue = models.CharField(_("colour"), max_length=10, choices=[(h, h) for h in HUES], default="slate")
    rotting_days = models.PositiveSmallIntegerField(
        _("idle after days"), null=True, blank=True, help_text=_("Days without activity until a deal is marked idle.")
    )
    required_fields = models.JSONField(
        _("required fields"), default=list, blank=True,
        help_text=_("Fields of the deal that must be filled to enter this stage."),
    )
    entry_condition = models.JSONField(
        _("entry condition"), null=True, blank=True, help_text=_("Criteria that a deal must fulfil to enter.")
    )
    work_limit = models.PositiveSmallIntegerField(_("work limit"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["pipeline", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["pipeline", "position"], name="stage_one_per_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(fields=["pipeline", "code"], name="stage_code_unique"),
            models.UniqueConstraint(
                fields=["pipeline", "outcome"], name="stage_one_per_outcome", condition=~models.Q(outcome="open")
            ),
            # The target of the deal's composite foreign key (migrations/0002): a deal's pipeline and outcome
            # are always those of its stage.
            models.UniqueConstraint(fields=["id", "pipeline", "outcome"], name="stage_identity"),
            models.CheckConstraint(
                condition=models.Q(probability__gte=0, probability__lte=100), name="stage_probability_range"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["open", "won", "lost"]), name="stage_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LossReason(Model):
    """Why a deal was won or lost (S8)."""

    name = models.CharField(_("name"), max_length=120)
    outcome = models.CharField(
        max_length=4, choices=[("won", _("Won")), ("lost", _("Lost"))], default="lost"
    )
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        ordering = ["outcome", "position", "name"]
        constraints = [
            models.UniqueConstraint(models.functions.Lower("name"), "outcome", name="lossreason_unique"),
        ]

    def __str__(self) -> str:
        return self.name
