"""Whatever a change set does to the base, undoing it puts every row back; undoing that brings it all back again."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.access.policy import SYSTEM
from crm.activity.intention import intend
from crm.activity.models import ChangeSet
from crm.activity.tests.test_undo import snapshot
from crm.activity.undo import preview_undo, undo
from crm.lib.errors import Missing
from crm.records.models import Tag
from customers.models import Company, Customer, CustomerContact
from sales.models import Deal, Stage

pytestmark = pytest.mark.django_db

NAMES = st.sampled_from(["Ada", "Bea", "Ünal", "O'Neil", "“Q”", "a\\b", "%s", "{}"])
STEP = st.tuples(st.integers(0, 9), st.integers(0, 50), NAMES)


def step(kind: int, which: int, name: str) -> None:
    """Do one of ten things to the base, by the ORM, in bulk, or by plain SQL."""
    people = list(Customer.everything.order_by("pk"))
    person = people[which % len(people)] if people else None
    if kind == 0:
        Customer.objects.create(first_name=name, company=Company.objects.order_by("pk").first())
    elif kind == 1:
        Company.objects.create(name=name, parent=Company.objects.order_by("pk").last())
    elif kind == 2 and person:
        Customer.everything.filter(pk=person.pk).update(job_title=name, birthday="2000-01-02" if which % 2 else None)
    elif kind == 3 and person:
        person.tags.add(Tag.objects.get_or_create(name=name)[0])
    elif kind == 4 and person:
        person.tags.clear()
    elif kind == 5 and person:
        Customer.everything.filter(pk=person.pk).update(deleted_at=None if person.deleted_at else timezone.now())
    elif kind == 6 and person:
        CustomerContact.objects.create(customer=person, kind="email", value=f"{which}@example.org")
    elif kind == 7:
        CustomerContact.objects.order_by("pk").first() and CustomerContact.objects.order_by("pk").first().delete()  # type: ignore[union-attr]
    elif kind == 8 and person:
        stage = Stage.objects.filter(outcome="open").order_by("position")[which % 2]
        deal = Deal.everything.filter(customer=person).first()
        if deal is None:
            Deal.objects.create(title=name, pipeline_id=stage.pipeline_id, stage=stage, customer=person)
        else:
            Deal.everything.filter(pk=deal.pk).update(stage=stage, value=which)
    elif kind == 9:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE customers_customer SET custom = custom || jsonb_build_object('k', %s::text)", [name])


def act(steps: list[tuple[int, int, str]]) -> ChangeSet | None:
    with intend() as intention:
        for kind, which, name in steps:
            try:
                with transaction.atomic():
                    step(kind, which, name)
            except Exception as error:
                assert "unique" in str(error).lower()
    return ChangeSet.objects.filter(pk=intention.id).first()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=st.lists(STEP, max_size=8), second=st.lists(STEP, min_size=1, max_size=8))
def test_undo_and_redo_of_anything(db: Any, first: Any, second: Any) -> None:
    with transaction.atomic():
        act(first)
        before = snapshot()
        done = act(second)
        after = snapshot()
        if done is not None and before != after:
            try:
                preview = preview_undo(done, SYSTEM)
            except Missing:
                assert before == after
            else:
                assert preview.conflicts == []
                undone = undo(change_set=done, actor=SYSTEM)
                assert snapshot() == before
                undo(change_set=undone, actor=SYSTEM)
                assert snapshot() == after
        transaction.set_rollback(True)
