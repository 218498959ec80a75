"""The numbers beside a list: exact where its rows can be counted, marked as rough where a sample stands for them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from crm.accounts.models import User
from crm.lists import query, sample
from crm.lists.facets import facets
from crm.lists.sample import about
from crm.lists.state import ListState
from crm.records import sizes
from crm.records.entity import entity
from crm.records.models import Tag
from crm.records.services import create_record
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
STATUSES = ("LEAD", "LEAD", "PROSPECT", "CUSTOMER")


@pytest.fixture(autouse=True)
def unknown_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test ask how large its tables are."""
    monkeypatch.setattr(sizes, "_known", {})


def fill(owner: User, number: int) -> None:
    """Leave so many customers, and tell the planner."""
    Customer.objects.bulk_create(
        Customer(last_name=f"Row {i}", assigned_user=owner, status=STATUSES[i % 4], score=i % 50, lifetime_value=i) for i in range(number)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customer")


def test_few_rows_are_counted_and_each_field_without_its_own_limit(rep: User) -> None:
    fill(rep, 40)
    tag = Tag.objects.create(name="Fair")
    create_record(of="customer", data={"last_name": "Tagged", "tags": [str(tag.pk)], "status": "LEAD"}, actor=rep)
    state = ListState(entity("customer"), rep, clauses=({"field": "status", "op": "is_any_of", "value": ["PROSPECT"]},))
    found = {f.field.key: f for f in facets(state)}
    assert {o.label: o.count for o in found["status"].options} == {"Lead": 21, "Prospect": 10, "Customer": 10}
    assert [o.label for o in found["status"].options if o.chosen] == ["Prospect"]
    assert sum(bar.count for bar in found["score"].bars) == 10
    assert "tags" not in found  # nobody of the prospects has one
    everything = {f.field.key: f for f in facets(ListState(entity("customer"), rep))}
    assert [(o.label, o.count) for o in everything["tags"].options] == [("Fair", 1)]
    assert not any(f.rough for f in everything.values())


def test_of_many_rows_a_sample_is_counted_and_the_page_says_so(
    cast: Callable[[str], User], client_for: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    admin = cast("admin")
    fill(admin, 2000)
    monkeypatch.setattr(sample, "EXACT", 200)
    monkeypatch.setattr(sizes, "SMALL", 1000)
    monkeypatch.setattr(sample, "LOOKED_AT", 1000)
    found = {f.field.key: f for f in facets(ListState(entity("customer"), admin))}
    numbers = {o.label: o.count for o in found["status"].options}
    assert found["status"].rough
    assert 850 <= numbers["Lead"] <= 1150
    assert 400 <= numbers["Prospect"] <= 600
    assert 1800 <= sum(bar.count for bar in found["score"].bars) <= 2200
    with django_assert_max_num_queries(24):
        html = client_for(admin).get("/customers/facets").content.decode()
    assert "≈ " in html
    few = ListState(entity("customer"), admin, clauses=({"field": "score", "op": "is", "value": 7},))
    assert [f.options[0].count for f in facets(few) if f.field.key == "assigned_user"] == [40]


def test_a_very_long_list_is_added_up_when_asked(
    cast: Callable[[str], User], client_for: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = cast("admin")
    fill(admin, 300)
    client = client_for(admin)
    assert 'data-sums="/customers/sums?' in client.get("/customers").content.decode()
    monkeypatch.setattr(query, "CAP", 100)
    monkeypatch.setattr(sizes, "SMALL", 200)
    monkeypatch.setattr(sizes, "_known", {})
    html = client.get("/customers").content.decode()
    assert "data-sums=" not in html
    assert 'hx-get="/customers/sums?' in html
    assert client.get("/customers/sums").status_code == 200


def test_one_statement_counts_all_fields(cast: Callable[[str], User], django_assert_num_queries: Any) -> None:
    """One for the numbers, and one for the names of the owners; the size of the table is known for a minute."""
    admin = cast("admin")
    fill(admin, 10)
    CustomerFactory(assigned_user=admin, status="INACTIVE")
    state = ListState(entity("customer"), admin)
    assert facets(state)
    with django_assert_num_queries(2):
        facets(state)


@pytest.mark.parametrize(("number", "share", "told"), [(0, 40.0, 0), (7, 1.0, 7), (123, 33.3, 4100), (1, 10.0, 10), (9999, 10.0, 100_000)])
def test_an_estimate_claims_two_digits(number: int, share: float, told: int) -> None:
    assert about(number, share) == told
