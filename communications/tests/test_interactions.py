"""Interactions: about someone, seen with them, and dated by what happened."""

import datetime as dt

import pytest
from django.utils import timezone

from communications.models import Interaction
from communications.tests.factories import CallLogFactory, InteractionFactory
from crm.access.policy import SYSTEM, allows, visible_to
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.lib.errors import Invalid
from crm.records.services import create_record
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db
VIEW = {(e, "view"): "own" for e in ("customer", "company", "deal", "interaction")}


def test_an_interaction_is_about_someone() -> None:
    with pytest.raises(Invalid) as refused:
        create_record(of="interaction", data={"type": "CALL", "subject": "Hello"}, actor=SYSTEM)
    assert refused.value.details[0].field == "customer"
    made = create_record(of="interaction", data={"type": "call", "customer": CustomerFactory().pk}, actor=SYSTEM)
    assert (made.type_id, made.direction) == ("CALL", "OUTBOUND")


def test_it_happened_when_it_was_completed_else_scheduled_else_written() -> None:
    row = InteractionFactory()
    row.refresh_from_db()
    assert row.happened_at == row.created_at
    row.scheduled_at = timezone.now() + dt.timedelta(days=2)
    row.save()
    row.refresh_from_db()
    assert row.happened_at == row.scheduled_at
    row.completed_at = timezone.now()
    row.save()
    row.refresh_from_db()
    assert row.happened_at == row.completed_at


def test_it_is_seen_with_the_customer_the_company_and_the_deal() -> None:
    rep = UserFactory(role=RoleFactory(may=VIEW))
    mine = [
        InteractionFactory(customer=CustomerFactory(assigned_user=rep)),
        InteractionFactory(customer=None, company=CompanyFactory(assigned_user=rep)),
        InteractionFactory(customer=None, deal=DealFactory(assigned_user=rep)),
        InteractionFactory(user=rep),
    ]
    other = InteractionFactory()
    assert set(visible_to(rep, Interaction)) == set(mine)
    assert not visible_to(UserFactory(role=RoleFactory(may={("customer", "view"): "all"})), Interaction).exists()
    support = UserFactory(role=RoleFactory(may={("customer", "view"): "all", ("interaction", "view"): "own"}))
    assert set(visible_to(support, Interaction)) == {mine[0], mine[3], other}
    call = CallLogFactory(interaction=mine[0])
    assert allows(rep, "view", call)
    assert not allows(rep, "view", CallLogFactory(interaction=other))
