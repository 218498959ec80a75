"""A timeline tells what happened, newest first, page by page, and only what its reader may see."""

from typing import Any

import pytest

from crm.activity.intention import intend
from crm.lib.errors import Invalid
from crm.records.models import Note
from crm.records.services import create_record, update_record
from crm.records.timeline import timeline
from sales.models import Deal, Stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(rep: Any) -> Any:
    return create_record(of="customer", data={"first_name": "Ada", "last_name": "Lovelace"}, actor=rep)


def texts_of(obj: Any, user: Any, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    for _page in range(20):
        page = timeline(obj, user, before=cursor, limit=limit)
        found += [e.text for e in page.entries]
        cursor = page.next
        if not cursor:
            return found
    raise AssertionError("The timeline does not end.")


def test_pages_fit_together_and_private_notes_stay_private(rep: Any, manager: Any, customer: Any) -> None:
    update_record(obj=customer, data={"job_title": "Countess"}, actor=rep)
    update_record(obj=customer, data={"department": "Engines"}, actor=rep)
    with intend(actor=rep):
        for i in range(25):
            Note.objects.create(entity="customer", record_id=customer.pk, content=f"note {i}", author=rep)
        Note.objects.create(entity="customer", record_id=customer.pk, content="mine", is_private=True, author=rep)
    seen = texts_of(customer, manager, 10)
    assert seen.count("wrote a note") == 25
    assert "wrote a private note" not in seen
    assert [t for t in seen if "changed" in t] == ["changed Department, Job title"]
    assert seen[-1] == "created this"
    assert "wrote a private note" in texts_of(customer, rep, 100)


def test_a_page_ends_between_rows_of_the_same_moment(rep: Any, customer: Any) -> None:
    notes = [Note(entity="customer", record_id=customer.pk, content=str(i), author=rep) for i in range(7)]
    with intend(actor=rep):
        Note.objects.bulk_create(notes)
        Note.objects.update(created_at=customer.created_at)
    bodies: list[str] = []
    cursor: str | None = None
    while True:
        page = timeline(customer, rep, before=cursor, kinds=["note"], limit=3)
        bodies += [e.body for e in page.entries]
        cursor = page.next
        if not cursor:
            break
    assert sorted(bodies) == [str(i) for i in range(7)]


def test_stage_moves_show_on_the_customer_to_those_who_see_the_deal(rep: Any, rep2: Any, manager: Any, customer: Any) -> None:
    stage = Stage.objects.filter(outcome="open").order_by("position").first()
    assert stage is not None
    with intend(actor=rep2):
        Deal.objects.create(title="Engine", pipeline=stage.pipeline, stage=stage, customer=customer, assigned_user=rep2)
    told = f"opened the deal “Engine” in {stage.name}"
    assert told not in texts_of(customer, rep, 10)
    with intend(actor=rep):
        Deal.objects.update(assigned_user=rep)
    assert told in texts_of(customer, rep, 10)


def test_the_number_of_statements_does_not_grow(
    rep: Any, customer: Any, django_assert_max_num_queries: Any
) -> None:
    with intend(actor=rep):
        for i in range(40):
            Note.objects.create(entity="customer", record_id=customer.pk, content=f"note {i}", author=rep)
    timeline(customer, rep)
    with django_assert_max_num_queries(12):
        timeline(customer, rep, limit=30)


@pytest.mark.parametrize("broken", ["x", "AAAA", "MjAyNg"])
def test_a_broken_cursor_and_an_unknown_kind_are_refused(rep: Any, customer: Any, broken: str) -> None:
    with pytest.raises(Invalid):
        timeline(customer, rep, before=broken)
    with pytest.raises(Invalid):
        timeline(customer, rep, kinds=["gossip"])
