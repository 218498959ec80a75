"""Interactions for tests."""

import factory
from factory.django import DjangoModelFactory

from communications.models import CallLog, Interaction, InteractionType, MeetingNote
from customers.tests.factories import CustomerFactory


class InteractionTypeFactory(DjangoModelFactory[InteractionType]):
    """A kind of interaction, found again by its code."""

    class Meta:
        model = InteractionType
        django_get_or_create = ("code",)

    code = "CALL"
    name = factory.LazyAttribute(lambda o: o.code.capitalize())


class InteractionFactory(DjangoModelFactory[Interaction]):
    """A call with a customer."""

    class Meta:
        model = Interaction

    type = factory.SubFactory(InteractionTypeFactory)
    subject = factory.Sequence(lambda n: f"Interaction {n}")
    customer = factory.SubFactory(CustomerFactory)


class CallLogFactory(DjangoModelFactory[CallLog]):
    """What only calls have."""

    class Meta:
        model = CallLog

    interaction = factory.SubFactory(InteractionFactory)
    phone_number = "+14155550100"


class MeetingNoteFactory(DjangoModelFactory[MeetingNote]):
    """What only meetings have."""

    class Meta:
        model = MeetingNote

    interaction = factory.SubFactory(InteractionFactory)
    location = "Room 1"
