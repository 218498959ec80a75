"""Batches written side by side: in the file's order, nothing behind a failure, and neighbours that meet get on."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from crm.activity.intention import Origin, acting_from
from crm.activity.models import ActivityLog, ChangeSet
from crm.jobs.engine import Cancelled
from crm.transfer.engine import lanes, write
from crm.transfer.engine.lanes import Turn, side_by_side
from crm.transfer.services import carry_out
from customers.models import Company, Customer

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write ten rows a batch, two batches at once."""
    monkeypatch.setattr(write, "BATCH", 10)
    monkeypatch.setattr(write, "LANES_FROM", 10)


def people(count: int) -> str:
    """Return a file whose companies turn up in many batches."""
    lines = [f"p{i}@example.com,Person {i},Company {i % 9}" for i in range(count)]
    return "email,last name,company\n" + "\n".join(lines) + "\n"


def test_two_lanes_write_what_one_would(admin: Any, checked: Any) -> None:
    with acting_from(Origin(user_id=admin.pk, source=ChangeSet.Source.WEB)):
        run = checked(people(120), "customer")
        Customer.objects.create(email="P77@example.com", first_name="Meanwhile")
        committed: list[int] = []
        carry_out(run, admin, each_batch=committed.append)
    assert committed == sorted(committed)
    assert len(committed) > 10
    assert (Customer.objects.filter(company__isnull=False).count(), Company.objects.count()) == (119, 9)
    assert (run.report["result"]["create"], run.report["result"]["error"]) == (119, 1)
    assert set(ActivityLog.objects.filter(entity="customer", user_id=admin.pk).values_list("change_set_id", flat=True)) == {run.change_set}


def test_a_stop_leaves_a_beginning_of_the_file(admin: Any, checked: Any) -> None:
    run = checked(people(120), "customer")

    def stop(number: int) -> None:
        if number > 50:
            raise Cancelled

    with pytest.raises(Cancelled):
        carry_out(run, admin, each_batch=stop)
    run.refresh_from_db()
    written = set(Customer.objects.values_list("email", flat=True))
    assert written == {f"p{i}@example.com" for i in range(run.written_to - 1)}
    assert 30 <= len(written) <= 50
    carry_out(run, admin)
    assert Customer.objects.count() == 120


def test_a_batch_in_the_way_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 0.2)
    held, tries = threading.Event(), []

    def work(number: int, turn: Turn) -> None:
        tries.append(number)
        with transaction.atomic(), connection.cursor() as cursor:
            if number == 1 and tries.count(1) == 1:
                held.wait(5)
            cursor.execute("SELECT pg_advisory_xact_lock(7)")
            if number == 2:
                held.set()
            turn.wait(lanes.PATIENCE)

    side_by_side(range(4), work, 2)
    assert tries.count(2) == 2
    assert sorted(set(tries)) == [0, 1, 2, 3]
