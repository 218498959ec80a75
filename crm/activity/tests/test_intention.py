"""What an intention promises: all or nothing, every written row under it, and facts that are true."""

import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg.sql import SQL, Identifier

from crm.access.policy import SYSTEM
from crm.accounts.models import User
from crm.activity.intention import intend, relabel
from crm.activity.models import ActivityLog, ChangeSet, Delivery
from crm.lib.errors import Invalid
from crm.records.models import Tag
from crm.records.services import create_record, update_record
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def facts_of(change_set: uuid.UUID) -> list[str]:
    return list(ActivityLog.objects.filter(change_set_id=change_set, kind="fact").order_by("id").values_list("action", flat=True))


def test_what_is_refused_inside_takes_all_of_it_back() -> None:
    """The verbs of an act have no savepoints of their own: the first refusal undoes the others too."""
    customer = CustomerFactory(first_name="Before")
    with pytest.raises(Invalid), intend(actor=SYSTEM):
        update_record(obj=customer, data={"first_name": "After"}, actor=SYSTEM)
        update_record(obj=customer, data={"email": "no address"}, actor=SYSTEM)
    assert Customer.objects.get(pk=customer.pk).first_name == "Before"
    assert not ActivityLog.objects.filter(entity_id=customer.pk, kind="fact").exists()


def test_whoever_goes_on_after_a_refusal_keeps_the_rest(admin: Any) -> None:
    """What was written since a savepoint is gone with its facts; what comes after it is still the actor's."""
    one, two, three = CustomerFactory.create_batch(3)
    with intend(actor=admin, label="Three at once") as act:
        update_record(obj=one, data={"first_name": "One"}, actor=admin)
        with pytest.raises(Invalid), transaction.atomic():
            update_record(obj=two, data={"first_name": "Two"}, actor=admin)
            update_record(obj=two, data={"email": "no address"}, actor=admin)
        update_record(obj=three, data={"first_name": "Three"}, actor=admin)
    names = Customer.objects.in_bulk([one.pk, two.pk, three.pk])
    assert [names[c.pk].first_name == n for c, n in ((one, "One"), (two, "Two"), (three, "Three"))] == [True, False, True]
    rows = ActivityLog.objects.filter(change_set_id=act.id).values_list("kind", "entity_id", "user_id")
    assert {(kind, pk) for kind, pk, _user in rows} == {(k, c.pk) for k in ("change", "fact") for c in (one, three)}
    assert {user for _kind, _pk, user in rows} == {admin.pk}
    assert ChangeSet.objects.get(pk=act.id).label == "Three at once"


def test_the_first_write_after_a_savepoint_that_is_gone_is_still_known(admin: Any) -> None:
    """Who acts is told inside the savepoint, and forgotten with it: it has to be told again."""
    with intend(actor=admin, label="Tags") as act:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            Tag.objects.create(name="lost")
            raise ZeroDivisionError
        kept = Tag.objects.create(name="kept")
    row = ActivityLog.objects.get(entity_id=kept.pk, kind="change")
    assert (row.change_set_id, row.user_id) == (act.id, admin.pk)


def test_what_only_reads_tells_nobody(admin: Any) -> None:
    """An act without a write leaves nothing behind, and costs no statement."""
    with CaptureQueriesContext(connection) as asked, intend(actor=admin) as act:
        list(Tag.objects.all())
    assert not any("set_config" in q["sql"] for q in asked.captured_queries)
    assert not ChangeSet.objects.filter(pk=act.id).exists()


@pytest.mark.django_db(transaction=True)
def test_an_update_of_what_is_not_logged_leaves_no_empty_change_set(admin: Any) -> None:
    """When somebody was last here is kept, but is no change: the list of changes would be full of nothing."""
    before = ChangeSet.objects.count()
    User.objects.filter(pk=admin.pk).update(last_login=timezone.now())
    assert ChangeSet.objects.count() == before
    User.objects.filter(pk=admin.pk).update(first_name="Alva")
    assert ChangeSet.objects.count() == before + 1


def test_statements_that_the_driver_puts_together_are_told_of(admin: Any) -> None:
    """A composed statement is no text, and writes under the intention all the same."""
    tag = Tag.objects.create(name="plain")
    with intend(actor=admin) as act, connection.cursor() as cursor:
        cursor.execute(SQL("UPDATE {} SET name = %s WHERE id = %s").format(Identifier("records_tag")), ["composed", tag.pk])
    assert ActivityLog.objects.get(entity_id=tag.pk, action="updated").change_set_id == act.id


def test_a_name_given_late_is_the_name(admin: Any) -> None:
    """The label is told with the first write, or again before the row of the change set is made."""
    with intend(actor=admin) as act:
        relabel("Named later")
        Tag.objects.create(name="late")
    assert ChangeSet.objects.get(pk=act.id).label == "Named later"


def test_an_act_within_an_act_has_rows_of_its_own(admin: Any, rep: Any) -> None:
    """``new`` begins another intention; afterwards the outer one is known to the database again."""
    with intend(actor=admin, label="Outer") as outer:
        Tag.objects.create(name="one")
        with intend(actor=rep, label="Inner", new=True) as inner:
            Tag.objects.create(name="two")
        Tag.objects.create(name="three")
    found = {
        name: ActivityLog.objects.get(entity_id=Tag.objects.get(name=name).pk, kind="change").change_set_id
        for name in ("one", "two", "three")
    }
    assert found == {"one": outer.id, "two": inner.id, "three": outer.id}


def test_facts_are_written_together_with_their_deliveries(admin: Any) -> None:
    """However many records an act makes, its facts and deliveries are one statement."""
    with CaptureQueriesContext(connection) as asked, intend(actor=admin) as act:
        for n in range(5):
            create_record(of="customer", data={"email": f"p{n}@example.com"}, actor=admin)
    assert facts_of(act.id) == ["records.created"] * 5
    entries = ActivityLog.objects.filter(change_set_id=act.id, kind="fact").values_list("id", flat=True)
    per_fact = {entry: Delivery.objects.filter(log_id=entry).count() for entry in entries}
    assert len(set(per_fact.values())) == 1
    assert min(per_fact.values()) >= 1
    assert sum("INSERT INTO activity_delivery" in q["sql"] for q in asked.captured_queries) == 1
    assert not any("SAVEPOINT" in q["sql"] for q in asked.captured_queries[1:-1])
