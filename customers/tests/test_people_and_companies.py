"""Customers and companies: the rules that hold whoever writes."""

import threading

import pytest
from django.db import connection

from crm.access.policy import SYSTEM, allows, visible_to
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.lib.errors import Conflict, Denied, Invalid, Missing, Refusal
from crm.records.services import create_record, update_record
from customers.models import Company, CustomerContact, Relationship
from customers.services import (
    add_address,
    add_contact_method,
    change_contact_method,
    relate,
    remove_contact,
    unrelate,
)
from customers.tests.factories import CompanyFactory, CustomerFactory, RelationshipFactory

pytestmark = pytest.mark.django_db
MAY = {(e, a): "own" for e in ("customer", "company") for a in ("view", "create", "change")}


def test_a_customer_needs_a_name_or_an_address() -> None:
    with pytest.raises(Invalid):
        create_record(of="customer", data={"job_title": "CEO"}, actor=SYSTEM)
    assert create_record(of="customer", data={"email": "A.B@X.Example"}, actor=SYSTEM).email == "A.B@x.example"
    with pytest.raises(Conflict):
        create_record(of="customer", data={"email": "a.b@x.example"}, actor=SYSTEM)


def test_a_company_is_found_by_name_or_made_among_those_one_sees() -> None:
    rep = UserFactory(role=RoleFactory(may=MAY))
    CompanyFactory(name="Acme")
    made = create_record(of="customer", data={"last_name": "X", "company": "Acme"}, actor=rep)
    assert made.company.assigned_user == rep, "the other Acme is not to be seen"
    assert create_record(of="customer", data={"last_name": "Y", "company": "ACME "}, actor=rep).company == made.company
    assert Company.objects.filter(name__iexact="acme").count() == 2


def test_companies_make_no_circle() -> None:
    a = CompanyFactory()
    b = CompanyFactory(parent=a)
    c = CompanyFactory(parent=b)
    for company, parent in ((a, a), (a, b), (a, c)):
        with pytest.raises(Invalid):
            update_record(obj=company, data={"parent": parent.pk}, actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_make_no_circle() -> None:
    a, b = CompanyFactory(), CompanyFactory()
    outcomes: list[object] = []

    def put(below: Company, above: Company) -> None:
        try:
            outcomes.append(update_record(obj=below, data={"parent": above.pk}, actor=SYSTEM).pk)
        except Refusal as refusal:
            outcomes.append(refusal.status)
        finally:
            connection.close()

    threads = [threading.Thread(target=put, args=pair) for pair in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 400 in outcomes
    assert Company.objects.exclude(parent=None).count() == 1


def test_there_is_one_primary_method_of_each_kind() -> None:
    customer = CustomerFactory()
    first = add_contact_method(customer=customer, data={"kind": "EMAIL", "value": "One@X.Example", "is_primary": True}, actor=SYSTEM)
    second = add_contact_method(customer=customer, data={"kind": "email", "value": "two@x.example", "is_primary": True}, actor=SYSTEM)
    phone = add_contact_method(customer=customer, data={"kind": "MOBILE", "value": "+1 415 555 0100", "is_primary": True}, actor=SYSTEM)
    assert (first.value, phone.value) == ("One@x.example", "+14155550100")
    assert set(CustomerContact.objects.filter(is_primary=True)) == {second, phone}
    with pytest.raises(Conflict):
        change_contact_method(method=second, data={"value": "One@x.example"}, actor=SYSTEM)
    for data, field in (({"kind": "EMAIL", "value": "x"}, "value"), ({"kind": "GHOST", "value": "x"}, "kind"), ({"kind": "EMAIL"}, "value"),
                        ({"kind": "WEBSITE", "value": "javascript:x"}, "value"), ({"kind": "EMAIL", "value": "a@b.example", "customer": 1}, "customer")):
        with pytest.raises(Invalid) as refused:
            add_contact_method(customer=customer, data=data, actor=SYSTEM)
        assert field in [d.field for d in refused.value.details]
    remove_contact(part=second, actor=SYSTEM)
    assert customer.contact_methods.count() == 2


def test_an_address_has_a_line_and_parts_follow_the_customer() -> None:
    rep = UserFactory(role=RoleFactory(may=MAY))
    mine, theirs = CustomerFactory(assigned_user=rep), CustomerFactory()
    address = add_address(customer=mine, data={"line1": "1 Main St", "city": "Springfield", "kind": "BILLING"}, actor=rep)
    assert str(address) == "1 Main St, Springfield"
    with pytest.raises(Invalid):
        add_address(customer=mine, data={"kind": "BILLING"}, actor=rep)
    with pytest.raises(Missing):
        add_address(customer=theirs, data={"line1": "x"}, actor=rep)


def test_relationships_join_any_two_that_one_sees() -> None:
    rep = UserFactory(role=RoleFactory(may=MAY))
    person, company = CustomerFactory(assigned_user=rep), CompanyFactory(assigned_user=rep)
    made = relate(kind="INVESTOR", of=person, to=company, note="Since 2020", actor=rep)
    assert (made.from_customer, made.to_company) == (person, company)
    with pytest.raises(Conflict):
        relate(kind="INVESTOR", of=person, to=company, actor=rep)
    with pytest.raises(Missing):
        relate(kind="PARTNER", of=person, to=CompanyFactory(), actor=rep)
    for kind, to in (("GHOST", company), ("PARTNER", person)):
        with pytest.raises(Invalid):
            relate(kind=kind, of=person, to=to, actor=rep)
    half = RelationshipFactory(from_customer=person)
    assert list(visible_to(rep, Relationship)) == [made], "both ends must be seen"
    assert not allows(rep, "view", half)
    reader = UserFactory(role=RoleFactory(may={("customer", "view"): "all", ("company", "view"): "all"}))
    with pytest.raises(Denied):
        relate(kind="PARTNER", of=person, to=company, actor=reader)
    with pytest.raises(Denied):
        unrelate(relationship=made, actor=reader)
    unrelate(relationship=made, actor=rep)
    assert not Relationship.objects.filter(pk=made.pk).exists()


def test_an_owner_is_named_only_within_ones_reach() -> None:
    rep, other = UserFactory(role=RoleFactory(may=MAY)), UserFactory()
    made = create_record(of="customer", data={"last_name": "X"}, actor=rep)
    assert made.assigned_user == rep
    with pytest.raises(Denied):
        create_record(of="customer", data={"last_name": "Y", "assigned_user": other.pk}, actor=rep)
    with pytest.raises(Denied):
        update_record(obj=made, data={"assigned_user": other.pk}, actor=rep)
    assert update_record(obj=made, data={"assigned_user": other.pk}, actor=SYSTEM).assigned_user == other
