"""The relay as a process: what it takes up, and how it commits."""

import signal
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from crm.activity import facts
from crm.activity.facts import publish, reacts_to
from crm.activity.intention import intend
from crm.activity.management.commands.relay import commit_lightly
from crm.activity.models import Delivery
from crm.activity.tests.test_relay import Rang
from crm.activity.wake import Bell, ring

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def options() -> Iterator[dict[str, Any]]:
    """Give the options of the database back as they were."""
    before = dict(connection.settings_dict["OPTIONS"])
    yield connection.settings_dict["OPTIONS"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"].clear()
    connection.settings_dict["OPTIONS"].update(before)


@pytest.fixture
def heard() -> Iterator[list[uuid.UUID]]:
    """Give the bells that a reaction heard, and leave the signals alone."""
    found: list[uuid.UUID] = []
    reacts_to(Rang, name="test.listen")(lambda heard: found.append(heard.fact.bell))
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield found
    facts._REACTIONS.pop("test.rang")
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_an_alarm_that_rang_often_is_over_at_once() -> None:
    bell = Bell()
    bell.wait(0.05, gather=0)  # subscribes
    for _time in range(50):
        ring()
    began = time.monotonic()
    bell.wait(5, gather=0.02)
    assert 0.02 <= time.monotonic() - began < 1
    began = time.monotonic()
    bell.wait(0.3, gather=0.02)
    assert time.monotonic() - began >= 0.3


def test_it_waits_for_no_disk(options: dict[str, Any]) -> None:
    commit_lightly()
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone()[0] == "off"
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "30s"  # the other options stand


def test_it_takes_up_what_is_new_and_what_failed_before(heard: list[uuid.UUID]) -> None:
    bells = [uuid.uuid4() for _ in range(60)]
    with intend():
        for bell in bells:
            publish(Rang(bell=bell, times=1), entity="bell")
    failed = Delivery.objects.order_by("id").values_list("pk", flat=True)[:3]
    Delivery.objects.filter(pk__in=list(failed)).update(attempts=2)
    call_command("relay", once=True)
    assert sorted(heard) == sorted(bells)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
