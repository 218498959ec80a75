"""The queue of likely duplicates: what is found, who sees it, merging one group, several at once, and telling apart."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import FieldRight, User
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.jobs.engine import enqueue, run_now
from crm.records.alike import groups
from crm.records.entity import entity
from crm.records.models import Alike
from crm.testing.text import without_ids
from customers.models import Company, Customer
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


def look() -> dict[str, Any]:
    """Search for duplicates among all records."""
    found: dict[str, Any] = run_now(enqueue("records.find_duplicates")).result
    return found


def twins(owner: User, **kwargs: Any) -> tuple[Customer, Customer]:
    """Return two records of one person, the first one fuller."""
    common = {"assigned_user": owner, "last_name": "Okafor", **kwargs}
    return CustomerFactory(first_name="Hana", job_title="CFO", **common), CustomerFactory(first_name="Hanna", job_title="", **common)


def test_the_search_finds_pairs_and_forgets_them(manager: User) -> None:
    first, second = twins(manager, phone="+14155550100")
    CustomerFactory(first_name="Bram", last_name="Okafor")
    for number in range(40):  # as many of one name are no duplicates
        CustomerFactory(first_name="Ana", last_name="Silva", email=f"ana{number}@mail.example")
    one, other = CompanyFactory(name="Northgate B.V.", domain=""), CompanyFactory(name="Northgate GmbH", domain="")
    assert look() == {"customer": 1, "company": 1} or Alike.objects.count() == 2
    pair = Alike.objects.get(entity="customer")
    assert {pair.first, pair.second} == {first.pk, second.pk} and set(pair.reasons) == {"like-name", "phone"}
    Company.objects.filter(pk=other.pk).update(name="Tideline", domain="")
    Customer.objects.filter(pk=second.pk).update(first_name="Zoltán", phone="")
    look()
    assert not Alike.objects.exists()
    assert one.pk


def test_new_records_are_found_between_the_nights(manager: User) -> None:
    twins(manager)
    assert run_now(enqueue("records.find_new_duplicates")).result["customer"] == 2
    assert Alike.objects.count() == 1


def test_only_what_one_may_merge_and_know_is_shown(client_for: Callable[[Any], Client], manager: User, rep: User) -> None:
    twins(manager, phone="+14155550100")
    look()
    assert "Hanna Okafor" in client_for(manager).get("/duplicates").content.decode()
    assert client_for(rep).get("/duplicates?entity=customer").status_code in (403, 404) or not groups(entity("customer"), rep)
    FieldRight.objects.create(role=manager.role, entity="customer", field="phone", level="hidden")
    text = without_ids(client_for(User.objects.get(pk=manager.pk)).get("/duplicates").content.decode())
    assert "similar name" in text and "same phone" not in text and "555" not in text


def test_a_group_is_merged_or_told_apart_from_the_queue(client_for: Callable[[Any], Client], manager: User) -> None:
    first, second = twins(manager)
    third = CustomerFactory(first_name="Hana", last_name="Okafor", assigned_user=manager, phone="+14155550199", job_title="")
    look()
    [group] = groups(entity("customer"), manager)
    assert {r.pk for r in group.records} == {first.pk, second.pk, third.pk}
    deal = DealFactory(customer=third)
    client = client_for(manager)
    url = f"/merge/customer/{first.pk}?other={second.pk}&other={third.pk}"
    page = client.get(url).content.decode()
    assert page.count('name="survivor"') == 3 and 'data-side="3"' in page
    done = client.post(f"/merge/customer/{first.pk}", {
        "other": [str(second.pk), str(third.pk)], "survivor": str(second.pk), "field-job_title": str(first.pk),
        "field-first_name": str(third.pk), "back": "/duplicates?entity=customer",
    })
    assert done.status_code == 302 and done["Location"] == "/duplicates?entity=customer"
    second.refresh_from_db()
    deal.refresh_from_db()
    assert (second.first_name, second.job_title, second.phone, deal.customer_id) == ("Hana", "CFO", "+14155550199", second.pk)
    assert Customer.objects.filter(last_name="Okafor").count() == 1
    assert not groups(entity("customer"), manager)


def test_those_told_apart_do_not_come_back(client_for: Callable[[Any], Client], manager: User) -> None:
    first, second = twins(manager)
    look()
    client_for(manager).post(f"/merge/customer/{first.pk}/apart", {"other": str(second.pk), "back": "/duplicates"})
    look()
    assert not groups(entity("customer"), manager)


def test_the_sure_ones_are_merged_by_a_job_and_come_back(client_for: Callable[[Any], Client], manager: User, rep: User) -> None:
    company = CompanyFactory()
    for number in range(3):
        for first in ("Hana", "Hana"):
            CustomerFactory(first_name=first, last_name=f"Okafor{'abc'[number]}", phone=f"+1415555010{number}", company=company, assigned_user=manager)
    twins(manager)
    look()
    client = client_for(manager)
    page = client.get("/duplicates/merge?entity=customer&least=98").content.decode()
    assert page.count("Hana Okafor") == 6 and "Hanna" not in page
    assert client.get("/duplicates/merge?entity=customer&least=1").status_code == 404
    assert client_for(rep).get("/duplicates/merge?entity=customer&least=98").status_code == 404
    done = run_now(enqueue("records.merge_duplicates", params={"entity": "customer", "least": 98}, user=manager))
    assert done.result["merged"] == 3 and done.result["refused"] == 0
    assert Customer.objects.filter(company=company).count() == 3
    undo(change_set=ChangeSet.objects.get(pk=done.result["change_set"]), actor=manager)
    assert Customer.objects.filter(company=company).count() == 6


def test_at_most_ten_are_compared(client_for: Callable[[Any], Client], manager: User) -> None:
    people = [CustomerFactory(assigned_user=manager) for _n in range(12)]
    query = "&".join(f"other={p.pk}" for p in people[1:])
    assert client_for(manager).get(f"/merge/customer/{people[0].pk}?{query}").content.decode().count('name="survivor"') == 10
