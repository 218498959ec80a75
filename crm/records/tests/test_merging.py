"""Merging: one survives, everything follows, and one undo brings all back (D3, BL-06, AZ-20)."""

import threading
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from communications.tests.factories import InteractionFactory
from crm.access.policy import SYSTEM
from crm.access.services import share_record, shares_of
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import preview_undo, undo
from crm.lib.errors import Conflict, Denied, Invalid, Missing, Refusal
from crm.records.entity import all_entities
from crm.records.services.customfields import create_custom_field
from crm.records.services.merging import merge_records, relations_of, rule_of
from crm.records.tests.factories import CommentFactory, DocumentFactory, NoteFactory, TagFactory
from customers.models import Company, Customer, CustomerContact, Relationship
from customers.tests.factories import (
    CompanyFactory,
    CustomerAddressFactory,
    CustomerContactFactory,
    CustomerFactory,
    RelationshipFactory,
)
from sales.models import Deal
from sales.tests.factories import DealContactFactory, DealFactory, ProductFactory
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def test_every_relation_to_a_mergeable_record_has_a_rule() -> None:
    """A new foreign key to customers, companies or deals must say what becomes of its rows: see ``<app>/merging.py``."""
    missing = [
        path for of in all_entities().values() if "merge" in of.abilities
        for path, field in relations_of(of.model).items() if rule_of(of.model, path, field) is None
    ]
    assert missing == []


def test_fields_are_kept_filled_and_chosen_one_by_one() -> None:
    red, blue = TagFactory(name="red"), TagFactory(name="blue")
    a = CustomerFactory(first_name="Ann", phone="", job_title="CEO", tags=[red])
    b = CustomerFactory(first_name="Anna", phone="+14155550100", job_title="CTO", tags=[red, blue])
    kept = merge_records(survivor=a, others=[b], choices={"job_title": str(b.pk)}, actor=SYSTEM)
    assert (kept.first_name, kept.phone, kept.job_title) == ("Ann", "+14155550100", "CTO")
    assert {t.name for t in kept.tags.all()} == {"red", "blue"}
    assert not Customer.objects.filter(pk=b.pk).exists()
    assert Customer.everything.get(pk=b.pk).deleted_at
    assert list(kept.contact_methods.values_list("kind", "value")) == [("EMAIL", b.email)]


def test_the_address_of_a_merged_record_may_be_taken_over() -> None:
    a, b = CustomerFactory(), CustomerFactory()
    kept = merge_records(survivor=a, others=[b], choices={"email": b.pk}, actor=SYSTEM)
    assert kept.email == b.email


def test_everything_that_referred_to_a_merged_record_follows() -> None:
    a, b = CustomerFactory(), CustomerFactory()
    deal, task, talk = DealFactory(customer=b), TaskFactory(customer=b), InteractionFactory(customer=b)
    both = DealContactFactory(customer=a)
    DealContactFactory(customer=b, deal=both.deal)
    CustomerContactFactory(customer=a, value="x@y.example", is_primary=True)
    CustomerContactFactory(customer=b, value="x@y.example")
    CustomerContactFactory(customer=b, value="z@y.example", is_primary=True)
    CustomerAddressFactory(customer=b, is_primary=True)
    friend = CustomerFactory()
    RelationshipFactory(from_customer=a, to_customer=friend)
    RelationshipFactory(from_customer=b, to_customer=friend)
    RelationshipFactory(from_customer=a, to_customer=b)
    attached = [f(record=b) for f in (NoteFactory, CommentFactory, DocumentFactory)]
    guest = UserFactory()
    share_record(obj=b, user=guest, may_change=True, actor=SYSTEM)
    merge_records(survivor=a, others=[b], actor=SYSTEM)
    for row in (deal, task, talk, *attached):
        row.refresh_from_db()
    assert {deal.customer, task.customer, talk.customer} == {a}
    assert {r.record_id for r in attached} == {a.pk}
    assert [c.deal for c in a.deal_roles.all()] == [both.deal]
    assert set(a.contact_methods.filter(kind="EMAIL").values_list("value", "is_primary")) == {
        ("x@y.example", True), ("z@y.example", False), (b.email, False)}
    assert list(Relationship.objects.values_list("from_customer", "to_customer")) == [(a.pk, friend.pk)]
    assert [s.user for s in shares_of(a)] == [guest]


def test_companies_keep_their_tree() -> None:
    top = CompanyFactory()
    a, b = CompanyFactory(parent=top), CompanyFactory()
    below = CompanyFactory(parent=b)
    person = CustomerFactory(company=b)
    merge_records(survivor=a, others=[b], actor=SYSTEM)
    below.refresh_from_db()
    person.refresh_from_db()
    assert (below.parent, person.company) == (a, a)
    assert merge_records(survivor=a, others=[top], actor=SYSTEM).parent is None
    child = CompanyFactory(parent=below)
    assert merge_records(survivor=below, others=[child], actor=SYSTEM).parent == Company.objects.get(pk=a.pk)


def test_custom_links_to_a_merged_record_follow() -> None:
    create_custom_field(data={"entity": "deal", "key": "broker", "label": "Broker", "kind": "link", "link_entity": "customer"},
                        actor=SYSTEM)
    a, b = CustomerFactory(), CustomerFactory()
    deal = DealFactory(custom={"broker": str(b.pk)})
    merge_records(survivor=a, others=[b], actor=SYSTEM)
    deal.refresh_from_db()
    assert deal.custom == {"broker": str(a.pk)}


def test_one_undo_brings_everything_back() -> None:
    a, b = CustomerFactory(phone="", tags=[TagFactory()]), CustomerFactory(phone="+14155550100")
    deal = DealFactory(customer=b)
    CustomerContactFactory(customer=b, is_primary=True)
    note = NoteFactory(record=b)
    boss = UserFactory(role=RoleFactory(is_admin=True))
    before = {m: sorted(map(str, m._base_manager.values_list("pk"))) for m in (Customer, CustomerContact)}
    with intend(actor=boss) as intention:
        merge_records(survivor=a, others=[b], actor=boss)
    log = ActivityLog.objects.filter(change_set_id=intention.id, action="records.merged").get()
    assert log.entity_id == a.pk
    undo(change_set=log.change_set, actor=boss)
    a.refresh_from_db()
    deal.refresh_from_db()
    note.refresh_from_db()
    assert (a.phone, deal.customer, note.record_id) == ("", b, b.pk)
    assert Customer.objects.filter(pk=b.pk).exists()
    assert {m: sorted(map(str, m._base_manager.values_list("pk"))) for m in (Customer, CustomerContact)} == before


def test_one_s_own_merge_comes_back_whole_with_what_others_keep(cast: Any) -> None:
    """What followed a merge goes back with it, though it belongs to people whose records one may not change."""
    manager, outside = cast("manager"), UserFactory()
    a, b = (CustomerFactory(assigned_user=manager) for _ in range(2))
    talk, task, deal = (
        InteractionFactory(customer=b, user=outside), TaskFactory(customer=b, deal=None, assigned_user=outside, created_by=outside),
        DealFactory(customer=b, assigned_user=outside),
    )
    both = DealContactFactory(customer=a, deal=DealFactory(customer=None, assigned_user=outside))
    DealContactFactory(customer=b, deal=both.deal)
    with intend(actor=manager) as intention:
        merge_records(survivor=a, others=[b], actor=manager)
    change_set = ChangeSet.objects.get(pk=intention.id)
    assert preview_undo(change_set, manager).conflict_count == 0
    undo(change_set=change_set, actor=manager)
    for row in (talk, task, deal):
        row.refresh_from_db()
    assert {talk.customer, task.customer, deal.customer} == {b}
    assert both.deal.contacts.count() == 2


def test_an_undo_of_a_merge_writes_nothing_else_to_what_one_may_not_change(cast: Any) -> None:
    manager, outside = cast("manager"), UserFactory()
    a, b = (CustomerFactory(assigned_user=manager) for _ in range(2))
    deal = DealFactory(customer=b, assigned_user=outside, title="Before")
    with intend(actor=manager) as intention:
        merge_records(survivor=a, others=[b], actor=manager)
        Deal.objects.filter(pk=deal.pk).update(title="Meant by somebody else")
    undo(change_set=ChangeSet.objects.get(pk=intention.id), actor=manager)
    deal.refresh_from_db()
    assert (deal.title, deal.customer) == ("Meant by somebody else", a)


def test_nobody_merges_across_the_border() -> None:
    role = RoleFactory(may={("customer", a): "own" for a in ("view", "change", "merge")})
    rep = UserFactory(role=role)
    mine, theirs = CustomerFactory(assigned_user=rep), CustomerFactory()
    for survivor, other in ((mine, theirs), (theirs, mine)):
        with pytest.raises(Missing):
            merge_records(survivor=survivor, others=[other], actor=rep)
    weak = UserFactory(role=RoleFactory(may={("customer", "view"): "all"}))
    with pytest.raises(Denied):
        merge_records(survivor=mine, others=[theirs], actor=weak)
    product, other_product = ProductFactory.create_batch(2)
    with pytest.raises(Conflict):
        merge_records(survivor=product, others=[other_product], actor=SYSTEM)
    for odd in ([], [mine], [CompanyFactory()]):
        with pytest.raises(Invalid):
            merge_records(survivor=mine, others=odd, actor=SYSTEM)
    for choices in ({"ghost": mine.pk}, {"score": mine.pk}, {"phone": "x"}):
        with pytest.raises(Invalid):
            merge_records(survivor=mine, others=[theirs], choices=choices, actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_the_same_customers_merged_at_once_leave_exactly_one() -> None:
    """BL-06, FD-26."""
    a, b = CustomerFactory(), CustomerFactory()
    DealFactory(customer=b)
    outcomes: list[Any] = []

    def merge(survivor: Any, other: Any) -> None:
        try:
            outcomes.append(merge_records(survivor=survivor, others=[other], actor=SYSTEM).pk)
        except Refusal as refusal:
            outcomes.append(type(refusal))
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=merge, args=pair) for pair in ((a, b), (b, a), (a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)).count(str(Missing)) == 3
    living = Customer.objects.filter(pk__in=[a.pk, b.pk])
    assert living.count() == 1
    assert apps.get_model("sales.Deal").objects.get().customer == living.get()
