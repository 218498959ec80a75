"""Every list and record page asks a number of statements that does not depend on the rows, columns or people."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.records.entity import all_entities
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db

LIST, RECORD, API = 7, 9, 7


def asked(client: Any, path: str) -> int:
    """Return how many statements a page takes once it is warm."""
    client.get(path)
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)


def make(people: list[Any]) -> list[Any]:
    """Return records that point at one another and at different people."""
    made = []
    for number, person in enumerate(people):
        company = CompanyFactory(assigned_user=person)
        customer = CustomerFactory(assigned_user=person, company=company, first_name=f"Number {number}")
        made += [company, customer, DealFactory(customer=customer, company=company, assigned_user=person)]
    return made


@pytest.mark.parametrize("who", ["admin", "manager", "rep"])
def test_lists_with_all_their_columns(who: str, request: Any, client_for: Any, make_user: Any) -> None:
    user = request.getfixturevalue(who)
    make([user])
    client = client_for(user)
    paths = []
    for of in all_entities().values():
        if "pages" in of.abilities and client.get(f"/{of.plural}").status_code == 200:
            columns = ",".join(k for k, f in of.fields_for(user).items() if not f.custom)
            paths.append(f"/{of.plural}?layout=table&columns={columns}")
    few = {path: asked(client, path) for path in paths}
    make([user, user, make_user("SALES_REP"), user])
    many = {path: asked(client, path) for path in paths}
    assert {p.split("?")[0]: (few[p], many[p]) for p in paths if many[p] > few[p]} == {}
    assert {p.split("?")[0]: n for p, n in many.items() if n > LIST + 2} == {}


def test_the_pages_everybody_opens(admin: Any, client_for: Any, api: Any) -> None:
    company, customer, deal = make([admin])
    client, calls = client_for(admin), api(admin)
    assert asked(client, "/customers") <= LIST
    assert asked(client, "/deals?layout=table") <= LIST
    assert asked(client, f"/customers/{customer.pk}") <= RECORD
    assert asked(client, f"/companies/{company.pk}") <= RECORD
    assert asked(client, f"/deals/{deal.pk}") <= RECORD + 2
    assert asked(calls, "/api/v1/customers") <= API
