"""The relay delivers every fact to every reaction, retries with a pause, and buries what cannot be delivered."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext_lazy

from crm.activity import facts
from crm.activity.deliveries import discard, replay
from crm.activity.facts import Heard, fact, publish, reacts_to
from crm.activity.intention import current_origin, intend
from crm.activity.models import ActivityLog, ChangeSet, Delivery
from crm.activity.relay import lag, relay_all, relay_once
from crm.records.models import Tag

pytestmark = pytest.mark.django_db


@fact("test.rang", gettext_lazy("rang"))
class Rang:
    """A bell rang."""

    bell: uuid.UUID
    times: int


@pytest.fixture
def heard() -> Iterator[list[Heard]]:
    """Give a list that a reaction fills; without any reaction afterwards."""
    found: list[Heard] = []
    reacts_to(Rang, name="test.listen")(found.append)
    yield found
    facts._REACTIONS.pop("test.rang")


def ring(times: int = 1, bell: uuid.UUID | None = None) -> ActivityLog:
    with intend():
        return publish(Rang(bell=bell or uuid.uuid4(), times=times), entity="bell")


def make_due() -> None:
    Delivery.objects.filter(state="waiting").update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_fact_arrives_typed_and_once(heard: list[Heard]) -> None:
    bell = uuid.uuid4()
    entry = ring(3, bell)
    assert relay_all() == 1
    assert relay_all() == 0
    (one,) = heard
    assert one.fact == Rang(bell=bell, times=3) and one.entry.id == entry.id
    assert Delivery.objects.get().state == "done"


def test_a_reaction_that_writes_nothing_tells_nobody_who_acts(heard: list[Heard]) -> None:
    ring()
    with CaptureQueriesContext(connection) as asked:
        relay_once()
    assert len(heard) == 1
    assert not any("set_config" in q["sql"] for q in asked.captured_queries)


def test_what_does_not_concern_a_reaction_is_not_delivered(heard: list[Heard]) -> None:
    """Not even written: most facts concern few of those who could hear them."""
    loud: list[Heard] = []
    reacts_to(Rang, name="test.loud", when=lambda rang, about: rang.times > 5)(loud.append)
    ring(2)
    ring(12)
    assert Delivery.objects.count() == 3
    relay_all()
    assert [h.fact.times for h in heard] == [2, 12] and [h.fact.times for h in loud] == [12]


def test_a_rolled_back_verb_leaves_no_delivery(heard: list[Heard]) -> None:
    with pytest.raises(ZeroDivisionError), intend():
        publish(Rang(bell=uuid.uuid4(), times=1))
        _ = 1 / 0
    assert relay_all() == 0 and heard == []


def test_a_failing_reaction_writes_nothing_and_is_tried_again_later() -> None:
    tries = []

    @reacts_to(Rang, name="test.fails", max_attempts=3)
    def fails(heard: Heard) -> None:
        Tag.objects.create(name=f"half {len(tries)}")
        tries.append(1)
        raise ValueError("not today")

    try:
        ring()
        assert relay_all() == 1, "the second attempt is not due yet"
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.attempts) == ("waiting", 1)
        assert delivery.due_at > timezone.now()
        for _attempt in range(2):
            make_due()
            relay_all()
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts, len(tries)) == ("dead", 3, 3)
        assert "not today" in delivery.error
        assert not Tag.objects.filter(name__startswith="half").exists()
        make_due()
        assert relay_all() == 0
    finally:
        facts._REACTIONS.pop("test.rang")


def test_reactions_act_as_the_application_under_a_change_set_of_their_own() -> None:
    seen: list[Any] = []

    @reacts_to(Rang, name="test.writes")
    def writes(heard: Heard) -> None:
        seen.append(current_origin())
        Tag.objects.create(name="by reaction")

    try:
        entry = ring()
        relay_all()
        log = ActivityLog.objects.get(kind="change", entity="tag", changes__name__1="by reaction")
        assert log.change_set_id != entry.change_set_id
        made = ChangeSet.objects.get(pk=log.change_set_id)
        assert (made.source, made.user_id) == ("system", None)
    finally:
        facts._REACTIONS.pop("test.rang")


def test_unknown_reactions_and_facts_are_dead_with_the_reason(heard: list[Heard]) -> None:
    ring()
    Delivery.objects.update(reaction="gone.away")
    relay_all()
    assert "gone.away" in Delivery.objects.get(state="dead").error
    ring()
    facts._FACTS.pop("test.rang")
    try:
        relay_all()
    finally:
        facts._FACTS["test.rang"] = Rang
    assert Delivery.objects.filter(state="dead", error__contains="no fact test.rang").exists()


def test_a_delivery_whose_process_always_dies_is_buried(heard: list[Heard]) -> None:
    ring()
    Delivery.objects.update(attempts=8)
    relay_all()
    assert Delivery.objects.get().state == "dead" and heard == []


def test_order_of_one_record_is_kept_and_others_go_on(heard: list[Heard]) -> None:
    with intend():
        tag = Tag.objects.create(name="x")
        first = publish(Rang(bell=uuid.uuid4(), times=1), about=tag)
        publish(Rang(bell=uuid.uuid4(), times=2), about=tag)
        publish(Rang(bell=uuid.uuid4(), times=3))
    Delivery.objects.filter(log_id=first.id).update(due_at=timezone.now() + timedelta(minutes=1), attempts=1)
    relay_all()
    assert [h.fact.times for h in heard] == [3]
    make_due()
    relay_all()
    assert [h.fact.times for h in heard] == [3, 1, 2]


def test_dead_letters_can_be_replayed_or_discarded(heard: list[Heard], admin: Any) -> None:
    ring()
    ring()
    Delivery.objects.update(state="dead", attempts=8)
    one, two = Delivery.objects.all()
    assert replay([one], actor=admin) == 1
    assert discard([two], actor=admin) == 1
    relay_all()
    assert len(heard) == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["discarded", "done"]
    assert ActivityLog.objects.filter(kind="access", action="deliveries.waiting", user=admin).exists()


def test_lag_is_the_age_of_the_oldest_that_waits(heard: list[Heard]) -> None:
    assert lag() == 0
    ring()
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=90))
    assert 89 < lag() < 95
    relay_once()
    assert lag() == 0
