"""Interactions, declared."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from communications.models import Interaction, InteractionType
from crm.records.entity import REFERENCE, Entity, register
from crm.records.fields import HUE_CHOICES, Choice, Field, Kind, choices_of

ABOUT, WHEN = _("About"), _("When")


def interaction_types() -> tuple[Choice, ...]:
    """Return the kinds of interaction, built-in and own, as choices."""
    return tuple(Choice(t.code, t.name, hue=t.hue) for t in InteractionType.objects.all())


class InteractionTypeEntity(Entity):
    """A kind of interaction."""

    name = "interaction_type"
    plural = "interaction-types"
    model = InteractionType
    label = _("Interaction type")
    label_plural = _("Interaction types")
    sort = ("position",)
    owner = None
    abilities = REFERENCE
    fields = (
        Field("code", Kind.TEXT, _("Code"), required=True, max_length=20, unique=True),
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=60),
        Field("icon", Kind.TEXT, _("Icon"), max_length=40, default="message-circle"),
        Field("hue", Kind.CHOICE, _("Colour"), choices=HUE_CHOICES, default="slate"),
        Field("position", Kind.INTEGER, _("Order"), min_value=0, max_value=32767, default=0),
    )


class InteractionEntity(Entity):
    """One contact with a customer."""

    name = "interaction"
    plural = "interactions"
    model = Interaction
    label = _("Interaction")
    label_plural = _("Interactions")
    icon = "messages-square"
    hue = "sky"
    title = ("subject",)
    sort = ("-happened_at",)
    columns = ("type", "happened_at", "customer", "user", "deal")
    owner = "user"
    constraint_messages = {
        "interaction_is_about_someone": _("An interaction needs a customer, a company or a deal."),
    }
    fields = (
        Field("type", Kind.CHOICE, _("Type"), path="type_id", required=True, choices_from=interaction_types, group=ABOUT,
              in_list=True, quick=True, aliases=("activity type", "tasksubtype")),
        Field("subject", Kind.TEXT, _("Subject"), max_length=300, group=ABOUT, in_list=True, quick=True, aliases=("title",)),
        Field("content", Kind.LONG_TEXT, _("Content"), max_length=200_000, group=ABOUT, sortable=False, quick=True,
              aliases=("body", "description", "notes")),
        Field("direction", Kind.CHOICE, _("Direction"), group=ABOUT, in_list=True, default=Interaction.Direction.OUTBOUND,
              choices=choices_of(Interaction.Direction, INBOUND="info", OUTBOUND="neutral")),
        Field("customer", Kind.LINK, _("Customer"), link="customer", group=ABOUT, in_list=True, quick=True, extra={"by_name": True}),
        Field("company", Kind.LINK, _("Company"), link="company", group=ABOUT, extra={"by_name": True}),
        Field("deal", Kind.LINK, _("Deal"), link="deal", group=ABOUT, in_list=True, extra={"by_name": True}),
        Field("user", Kind.USER, _("User"), group=ABOUT, in_list=True),
        Field("scheduled_at", Kind.DATETIME, _("Scheduled for"), group=WHEN, quick=True),
        Field("completed_at", Kind.DATETIME, _("Completed"), group=WHEN, quick=True),
        Field("happened_at", Kind.DATETIME, _("When"), writable=False, group=WHEN, in_list=True,
              formula=_("When it was completed, or else scheduled, or else written down")),
        Field("duration_seconds", Kind.INTEGER, _("Duration in seconds"), min_value=0, group=WHEN, aggregate="sum"),
        Field("outcome", Kind.TEXT, _("Outcome"), max_length=120, group=ABOUT),
        Field("tags", Kind.TAGS, _("Tags"), group=ABOUT, sortable=False),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, group=WHEN),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False, group=WHEN),
    )

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """An interaction is about someone."""
        if not (draft.customer_id or draft.company_id or draft.deal_id):
            yield "customer", _("An interaction needs a customer, a company or a deal.")

    def to_hand_over(self, rows: Any) -> Any:
        """Return what is planned: who spoke to whom stays true."""
        return rows.filter(completed_at=None, scheduled_at__gt=timezone.now())

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the customer, company and deal."""
        return [obj.customer_id, obj.company_id, obj.deal_id]


register(InteractionTypeEntity())
register(InteractionEntity())
