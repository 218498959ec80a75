"""Interactions: the common timeline row; calls and meetings extend it one to one."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model, folded, owner_index, search_indexes
from crm.records.models import Record, Tag
from customers.models import Company, Customer
from sales.models import Deal

LIVING = models.Q(deleted_at=None)


class InteractionType(Model):
    """A kind of interaction: the six built-in ones and a team's own (E4)."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=60)
    icon = models.CharField(max_length=40, default="message-circle")
    hue = models.CharField(max_length=10, default="slate")
    is_system = models.BooleanField(default=False, editable=False)
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Interaction(Record):
    """One contact with a customer: an e-mail, a call, a meeting, a message, a visit."""

    class Direction(models.TextChoices):
        INBOUND = "INBOUND", _("Inbound")
        OUTBOUND = "OUTBOUND", _("Outbound")

    type = models.ForeignKey(
        InteractionType, models.PROTECT, to_field="code", db_column="type", related_name="interactions",
        verbose_name=_("type"),
    )
    subject = models.CharField(_("subject"), max_length=300, blank=True, default="")
    content = models.TextField(_("content"), blank=True, default="", max_length=200_000)
    direction = models.CharField(
        _("direction"), max_length=8, choices=Direction, default=Direction.OUTBOUND
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="interactions", verbose_name=_("customer")
    )
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, blank=True, related_name="interactions", verbose_name=_("company")
    )
    deal = models.ForeignKey(
        Deal, models.PROTECT, null=True, blank=True, related_name="interactions", verbose_name=_("deal")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="interactions",
        verbose_name=_("user"),
    )
    scheduled_at = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(_("duration"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=120, blank=True, default="")
    happened_at = models.GeneratedField(
        expression=Coalesce("completed_at", "scheduled_at", "created_at"),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="interactions", verbose_name=_("tags"))
    search_text = folded("subject", "content")

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        base_manager_name = "everything"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(customer__isnull=False)
                | models.Q(company__isnull=False)
                | models.Q(deal__isnull=False),
                name="interaction_is_about_someone",
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["INBOUND", "OUTBOUND"]), name="interaction_direction_known"
            ),
        ]
        indexes = [
            *Record.record_indexes("interaction"),
            models.Index(fields=["customer", "-happened_at", "-id"], name="interaction_by_customer", condition=LIVING),
            models.Index(fields=["company", "-happened_at", "-id"], name="interaction_by_company", condition=LIVING),
            models.Index(fields=["deal", "-happened_at", "-id"], name="interaction_by_deal", condition=LIVING),
            models.Index(fields=["user", "-happened_at", "-id"], name="interaction_by_user", condition=LIVING),
            models.Index(fields=["-happened_at", "-id"], name="interaction_newest", condition=LIVING),
            owner_index("interaction", "user"),
            *search_indexes("interaction"),
        ]

    def __str__(self) -> str:
        return self.subject or str(self.type_id)


class CallLog(Model):
    """What only calls have."""

    interaction = models.OneToOneField(Interaction, models.CASCADE, related_name="call")
    phone_number = models.CharField(max_length=40, blank=True, default="")
    recording_url = models.URLField(max_length=500, blank=True, default="")

    def __str__(self) -> str:
        return self.phone_number


class MeetingNote(Model):
    """What only meetings have."""

    interaction = models.OneToOneField(Interaction, models.CASCADE, related_name="meeting")
    location = models.CharField(max_length=300, blank=True, default="")
    attendees = models.JSONField(default=list, blank=True)
    decisions = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return self.location
