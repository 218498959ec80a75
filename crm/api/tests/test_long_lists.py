"""A long list of the API is in the same order as a short one, forwards and backwards, by page and by cursor."""

import datetime as dt

import pytest

from crm.api import paging
from crm.api.schema.entities import sort_names
from crm.api.tests.answers import data
from crm.records import walk
from crm.records.entity import entity
from crm.records.services import delete_record
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Pipeline
from sales.tests.factories import DealFactory
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
API = "/api/v1"
NUMBER = 14


@pytest.fixture
def base(admin, rep):
    """Leave records with equal values, empty ones, two links of one title, and a link to what is in the trash."""
    companies = [CompanyFactory(name=name, assigned_user=rep, industry=what) for name, what in (("Amber", "Retail"), ("amber", ""), ("Birch", "Retail"))]
    people = [
        CustomerFactory(
            last_name=f"Name {n % 4}", company=(None, *companies)[n % 4], assigned_user=(rep, admin, None)[n % 3], score=n % 3,
            status=("LEAD", "CUSTOMER")[n % 2], email=f"{'Aa'[n % 2]}{n}@long.example", birthday=None if n % 3 else dt.date(1990, 1, 1 + n),
        ) for n in range(NUMBER)
    ]
    stages = list(Pipeline.objects.get(is_default=True).stages.filter(outcome="open"))
    for n in range(NUMBER):
        deal = DealFactory(
            title=f"Deal {n % 4}", stage=stages[n % 2], customer=people[n % 5] if n % 4 else None, company=companies[n % 3] if n % 3 else None,
            assigned_user=(rep, None)[n % 2], value=100 * (n % 3), expected_close_date=dt.date(2030, 1, 1 + n % 3) if n % 2 else None,
        )
        TaskFactory(title=f"Task {n % 3}", deal=deal if n % 2 else None, customer=None, company=None, assigned_user=(rep, admin)[n % 2],
                    due_date=dt.datetime(2030, 1, 1 + n % 4, tzinfo=dt.UTC) if n % 3 else None)
    delete_record(obj=companies[2], actor=admin)


def walked(client, address):
    """Return the ids of every page by cursor, and of the same pages from the last one back."""
    found, back, last = [], [], ""
    address += "&limit=4&cursor="
    while address:
        answer = client.get(address).json()
        found.append([row["id"] for row in answer["data"]])
        last, address = address, answer["metadata"]["pagination"]["next"]
    while last:
        answer = client.get(last).json()
        back.insert(0, [row["id"] for row in answer["data"]])
        last = answer["metadata"]["pagination"]["previous"]
    return found, back


@pytest.mark.parametrize("of", ["customer", "company", "deal", "task"])
@pytest.mark.parametrize("who", ["admin", "rep"])
def test_a_long_list_has_the_order_of_a_short_one(api, cast, base, monkeypatch, of, who):
    client = api(cast(who))
    monkeypatch.setattr(walk, "FEW", 1)
    monkeypatch.setattr(walk, "SOME", 0)
    parts = 0
    for name in sort_names(entity(of)):
        for sort in (name, f"-{name}"):
            address = f"{API}/{entity(of).plural}?sort={sort}&fields=id"
            with monkeypatch.context() as short:
                short.setattr(paging, "may_be_long", lambda model: False)
                whole = [row["id"] for row in data(client.get(f"{address}&limit=200"))]
            monkeypatch.setattr(paging, "may_be_long", lambda model: True)
            monkeypatch.setattr(paging, "EXACT_UP_TO", 0)
            paging._estimates.clear()
            found, back = walked(client, address)
            assert sum(found, []) == whole, sort
            assert back == found, sort
            assert sum(([row["id"] for row in data(client.get(f"{address}&limit=4&page={n}"))] for n in range(1, len(found) + 1)), []) == whole, sort
            monkeypatch.setattr(paging, "EXACT_UP_TO", 10_000)
            paging._estimates.clear()
            parts += paging.Order(entity(of), cast(who), sort).is_walked
    assert parts > 5


def test_what_is_empty_stands_last_in_both_directions(api, admin, base):
    for sort in ("birthday", "-birthday"):
        days = [row["birthday"] for row in data(api(admin).get(f"{API}/customers?sort={sort}&limit=200"))]
        given = [day for day in days if day]
        assert days == [*given, *[None] * (len(days) - len(given))]
        assert given == sorted(given, reverse=sort.startswith("-"))


def test_links_stand_by_the_titles_of_their_records(api, admin, base):
    rows = data(api(admin).get(f"{API}/customers?sort=company&limit=200"))
    named = [row["company"]["name"].casefold() for row in rows if row["company"] and row["company"]["name"]]
    assert named == sorted(named) and len(set(named)) == 1
