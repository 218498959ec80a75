"""Several writers at the same time, on connections of their own (BL-01, BL-02, BL-05, FD-24)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from crm.access.policy import SYSTEM
from crm.accounts.models import User
from crm.lib.errors import Conflict, Outdated, Refusal
from crm.records.services import create_record, delete_record, restore_record, update_record
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run every act in a thread with a connection of its own; return what each gave or raised."""
    found: list[Any] = [None] * len(acts)
    ready = threading.Barrier(len(acts))

    def run(i: int, act: Callable[[], Any]) -> None:
        try:
            ready.wait(10)
            found[i] = act()
        except Exception as error:
            found[i] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i, act)) for i, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_the_second_of_two_editors_of_one_field_is_shown_both_values() -> None:
    customer = CustomerFactory(job_title="CEO")
    read = Customer.objects.get(pk=customer.pk).version
    update_record(obj=customer, data={"job_title": "CTO"}, actor=SYSTEM, version=read)
    with pytest.raises(Outdated) as refused:
        update_record(obj=customer, data={"job_title": "CFO"}, actor=SYSTEM, version=read)
    assert refused.value.extra["fields"] == {"job_title": {"yours": "CFO", "theirs": "CTO", "by": ""}}
    assert update_record(obj=customer, data={"phone": "+14155550100"}, actor=SYSTEM, version=read).job_title == "CTO"


def test_a_whole_form_gives_way_where_it_was_not_touched_and_unites_long_texts(manager: User) -> None:
    customer = CustomerFactory(assigned_user=manager, job_title="CEO", description="One two three four five six.")
    read = Customer.objects.get(pk=customer.pk).version
    form = {"job_title": "CEO", "description": "One two three four five six.", "birthday": "", "department": "Sales"}
    update_record(obj=customer, data={"job_title": "CTO", "description": "One 2 three four five six."}, actor=manager)
    stored = update_record(obj=customer, data=form, actor=SYSTEM, version=read, whole=True)
    assert (stored.job_title, stored.department, stored.description) == ("CTO", "Sales", "One 2 three four five six.")
    mine = {**form, "description": "One two three four five 6."}
    stored = update_record(obj=customer, data=mine, actor=SYSTEM, version=read, whole=True)
    assert stored.description == "One 2 three four five 6."
    with pytest.raises(Outdated) as refused:
        update_record(obj=customer, data={"description": "One zwei three"}, actor=SYSTEM, version=read, whole=True)
    assert refused.value.extra["fields"]["description"]["yours"] == "One zwei three"
    with pytest.raises(Outdated) as refused:
        update_record(obj=customer, data={"job_title": "CEO"}, actor=SYSTEM, version=read)
    assert refused.value.extra["fields"]["job_title"] == {"yours": "CEO", "theirs": "CTO", "by": manager.name}


def test_of_eight_edits_of_one_field_one_wins_and_seven_are_told() -> None:
    customer = CustomerFactory()
    found = at_once(*(
        lambda i=i: update_record(obj=customer, data={"job_title": f"Title {i}"}, actor=SYSTEM, version=1) for i in range(8)  # type: ignore[misc]
    ))
    assert sum(isinstance(f, Outdated) for f in found) == 7
    winner = next(f for f in found if isinstance(f, Customer))
    assert Customer.objects.get(pk=customer.pk).job_title == winner.job_title


def test_eight_edits_of_different_fields_all_survive() -> None:
    customer = CustomerFactory()
    fields = {"first_name": "A", "last_name": "B", "job_title": "C", "department": "D", "source": "E", "salutation": "F",
              "description": "G", "phone": "+14155550100"}
    found = at_once(*(
        lambda n=n, v=v: update_record(obj=customer, data={n: v}, actor=SYSTEM, version=1) for n, v in fields.items()  # type: ignore[misc]
    ))
    assert not [f for f in found if isinstance(f, Exception)]
    stored = Customer.objects.get(pk=customer.pk)
    assert {n: getattr(stored, n) for n in fields} == fields
    assert stored.version == 9


def test_of_eight_new_customers_with_one_address_one_is_made() -> None:
    found = at_once(*(
        lambda i=i: create_record(of="customer", data={"email": f"{'Same' if i % 2 else 'same'}@x.example"}, actor=SYSTEM)  # type: ignore[misc]
        for i in range(8)
    ))
    assert sum(isinstance(f, Customer) for f in found) == 1
    assert sum(isinstance(f, Conflict) for f in found) == 7
    assert [f for f in found if isinstance(f, Exception) and not isinstance(f, Refusal)] == []


def test_a_deleted_address_is_free_and_its_owner_comes_back_only_when_it_is_free_again() -> None:
    first = create_record(of="customer", data={"email": "a@x.example"}, actor=SYSTEM)
    delete_record(obj=first, actor=SYSTEM)
    second = create_record(of="customer", data={"email": "A@x.example"}, actor=SYSTEM)
    with pytest.raises(Conflict):
        restore_record(obj=first, actor=SYSTEM)
    delete_record(obj=second, actor=SYSTEM)
    assert restore_record(obj=first, actor=SYSTEM).deleted_at is None
