"""Contact methods, addresses and relationships on the record's page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from customers.models import CustomerAddress, CustomerContact, Relationship
from customers.tests.factories import CompanyFactory, CustomerFactory

pytestmark = pytest.mark.django_db


def test_a_contact_method_is_added_changed_and_removed(client_for: Callable[[Any], Client], rep: User) -> None:
    """The dialog closes after a success, and stays with the reason after a refusal."""
    customer = CustomerFactory(assigned_user=rep)
    client, base = client_for(rep), f"/customers/{customer.pk}/contacts"
    assert client.get(f"{base}/new").status_code == 200
    assert client.post(f"{base}/new", {"kind": "EMAIL", "value": "nonsense"}).status_code == 422
    added = client.post(f"{base}/new", {"kind": "EMAIL", "value": "second@example.com"})
    assert "dialog:close" in added["HX-Trigger"]
    method = CustomerContact.objects.get(customer=customer, value="second@example.com")
    assert client.post(f"{base}/{method.pk}", {"kind": "EMAIL", "value": "third@example.com"}).status_code == 200
    assert b"third@example.com" in client.get(f"/customers/{customer.pk}/panels/reach").content
    assert client.post(f"{base}/{method.pk}/remove").status_code == 200
    assert not CustomerContact.objects.filter(pk=method.pk).exists()


def test_an_address_needs_something_in_it(client_for: Callable[[Any], Client], rep: User) -> None:
    """An empty address is refused."""
    customer = CustomerFactory(assigned_user=rep)
    client, base = client_for(rep), f"/customers/{customer.pk}/addresses"
    assert client.post(f"{base}/new", {"kind": "BILLING"}).status_code == 422
    assert client.post(f"{base}/new", {"kind": "BILLING", "city": "Lyon"}).status_code == 200
    assert CustomerAddress.objects.get().city == "Lyon"


def test_relationships_show_on_both_sides(client_for: Callable[[Any], Client], rep: User) -> None:
    """What is said of one end is told on the page of the other."""
    customer, company = CustomerFactory(assigned_user=rep, first_name="Ana"), CompanyFactory(assigned_user=rep, name="Kestrel")
    client = client_for(rep)
    answer = client.post(f"/companies/{company.pk}/relationships/new", {"kind": "INVESTOR", "customer": str(customer.pk)})
    assert answer.status_code == 200
    assert b"Ana" in client.get(f"/companies/{company.pk}/panels/relationships").content
    assert b"Kestrel" in client.get(f"/customers/{customer.pk}/panels/relationships").content
    assert client.post(f"/companies/{company.pk}/relationships/new", {"kind": "INVESTOR"}).status_code == 422
    assert client.post(f"/relationships/{Relationship.objects.get().pk}/remove").status_code == 200
    assert not Relationship.objects.exists()


def test_others_find_nothing(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Somebody else's customer has no such pages."""
    customer = CustomerFactory(assigned_user=rep)
    client = client_for(rep2)
    assert client.get(f"/customers/{customer.pk}/contacts/new").status_code == 404
    assert client.post(f"/customers/{customer.pk}/addresses/new", {"city": "Lyon"}).status_code == 404
    assert client.get(f"/customers/{customer.pk}/relationships/new").status_code == 404
