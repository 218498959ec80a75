"""Lists: both ways of paging, filters of every kind, sorting, fields, include, query counts."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import FieldRight
from crm.api import paging
from crm.records.customfields import forget_custom_fields
from crm.records.models import CustomField
from crm.records.services import create_record

pytestmark = pytest.mark.django_db
API = "/api/v1"


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


def names(answer):
    assert answer.status_code == 200, answer.content
    return [row["last_name"] for row in answer.json()["data"]]


def assert_refused(answer, name):
    assert answer.status_code == 400, answer.content
    assert name in {d["field"] for d in answer.json()["error"]["details"]}, answer.content


@pytest.fixture
def people(rep):
    CustomField.objects.create(entity="customer", key="segment", label="Segment", kind="choice", choices=[{"value": "A"}, {"value": "B"}])
    CustomField.objects.create(entity="customer", key="height", label="Height", kind="number")
    CustomField.objects.create(entity="customer", key="since", label="Since", kind="date")
    CustomField.objects.create(entity="customer", key="keen", label="Keen", kind="boolean")
    CustomField.objects.create(entity="customer", key="likes", label="Likes", kind="multi_choice", choices=[{"value": "x"}, {"value": "y"}])
    forget_custom_fields()
    rows = [
        {"last_name": "Adams", "status": "LEAD", "birthday": "1990-01-01", "company": "Acme", "tags": ["vip", "new"], "email": "a@x.org",
         "custom": {"segment": "A", "height": "9.5", "since": "2020-01-01", "keen": True, "likes": ["x"]}},
        {"last_name": "Brown", "status": "CUSTOMER", "birthday": "1980-05-05", "company": "Bolt", "tags": ["vip"],
         "custom": {"segment": "B", "height": "10.5", "keen": False, "likes": ["x", "y"]}},
        {"last_name": "Clark", "status": "CUSTOMER", "is_active": False, "custom": {"height": "100"}},
    ]
    yield [create_record(of="customer", data=row, actor=rep) for row in rows]
    forget_custom_fields()


MATRIX = [
    ("status=LEAD", "A"), ("status__ne=LEAD", "BC"), ("status__in=LEAD,CUSTOMER", "ABC"), ("status__in=", ""),
    ("last_name=Adams", "A"), ("last_name__iexact=adams", "A"), ("last_name__contains=row", "B"), ("last_name__icontains=A", "AC"),
    ("last_name__startswith=B", "B"), ("last_name__istartswith=b", "B"), ("last_name__endswith=k", "C"), ("last_name__iendswith=K", "C"),
    ("last_name__in=Adams,Clark", "AC"), ("last_name__ne=Adams", "BC"), ("email__isnull=true", "BC"), ("email__isnull=false", "A"),
    ("birthday__lt=1985-01-01", "B"), ("birthday__gte=1990-01-01", "A"), ("birthday=1990-01-01", "A"), ("birthday__isnull=true", "C"),
    ("created_at__gt=2000-01-01T00:00:00Z", "ABC"), ("created_at__lt=2000-01-01", ""), ("score__gte=0", "ABC"), ("score__gt=0", ""),
    ("version=1", "ABC"), ("lifetime_value__lte=0.00", "ABC"), ("is_active=false", "C"), ("is_active__ne=false", "AB"),
    ("tags=vip", "AB"), ("tags=VIP", "AB"), ("tags__in=new,none", "A"), ("tags__ne=new", "BC"), ("tags__isnull=true", "C"),
    ("assigned_user=me", "ABC"), ("assigned_user__isnull=true", ""), ("assigned_user=null", ""), ("company=Acme", "A"),
    ("company__isnull=true", "C"), ("company__name__icontains=CM", "A"), ("company__name__in=Acme,Bolt", "AB"),
    ("company__assigned_user=me", "AB"), ("company__assigned_user__email__endswith=example.com", "AB"),
    ("custom.segment=A", "A"), ("custom.segment__in=A,B", "AB"), ("custom.segment__isnull=true", "C"), ("custom.height__gt=10", "BC"),
    ("custom.height=9.5", "A"), ("custom.since__lte=2021-01-01", "A"), ("custom.keen=true", "A"), ("custom.likes=y", "B"),
    ("q=adam", "A"), ("q=nobody", ""), ("q=a@x.org adams", "A"),
    ('filter={"version":1,"all":[{"field":"status","op":"is","value":"LEAD"}]}', "A"),
]


@pytest.mark.parametrize(("query", "expected"), MATRIX, ids=[m[0][:40] for m in MATRIX])
def test_filters(api, rep, people, query, expected):
    assert "".join(sorted(n[0] for n in names(api(rep).get(f"{API}/customers?{query}")))) == expected


UNKNOWN = [
    "nope=1", "status__regex=x", "assigned_user__password__startswith=b", "assigned_user__role__code__x=1", "pk__in=1",
    "_connector=OR", "status_in=LEAD", "id__gt=1", "last_name__gt=A", "company__people__email=x", "format=json", "offset=5",
    "status=KING", "status=", "birthday=soon", "birthday__year=999999999", "score__gte=x", "score=99999999999999", "is_active=maybe",
    "created_at__lt=yesterday", "assigned_user=nobody@x.org", "company=Nowhere", "custom.nope=1", "custom.height=x", "custom.segment=Z",
    "id=5", "id__in=5", "email__isnull=x", "limit=0", "limit=201", "limit=-1", "limit=x", "limit=1000000000", "page=0", "page=1000000000",
    "cursor=x", "cursor=&page=2", "sort=nope", "sort=assigned_user__password", "sort=name;SELECT pg_sleep(5)--", "sort=tags",
    "sort=name,name", "fields=nope", "include=nope", "include=name", "view=1", "filter=x", "filter={}", "filter=[1]",
    'filter={"version":1,"all":[{"field":"assigned_user__password","op":"is","value":"x"}]}', "q=%00", "deleted=1",
]


@pytest.mark.parametrize("query", UNKNOWN)
def test_what_is_not_known_is_refused_by_name(api, rep, people, query):
    name = query.split("=")[0]
    answer = api(rep).get(f"{API}/customers?{query}")
    assert answer.status_code == 400, answer.content
    fields = {d["field"].split(".")[0] for d in answer.json()["error"]["details"]}
    assert fields & {name, name.split(".")[0], "page", ""}, answer.content


def test_a_parameter_given_twice_is_refused(api, rep):
    assert_refused(api(rep).get(f"{API}/customers?status=LEAD&status=CUSTOMER"), "status")


def test_sorting_fields_and_include(api, rep, people):
    client = api(rep)
    assert names(client.get(f"{API}/customers?sort=-last_name")) == ["Clark", "Brown", "Adams"]
    assert names(client.get(f"{API}/customers?sort=status,-name")) == ["Clark", "Brown", "Adams"]
    assert names(client.get(f"{API}/customers?sort=company")) == ["Adams", "Brown", "Clark"]
    assert names(client.get(f"{API}/customers?sort=-custom.height")) == ["Clark", "Brown", "Adams"]
    row = client.get(f"{API}/customers?fields=id,email&sort=name").json()["data"][0]
    assert row == {"id": str(people[0].pk), "email": "a@x.org"}
    whole = client.get(f"{API}/customers/{people[0].pk}?include=company,assigned_user").json()["data"]
    assert whole["company"]["currency"] == "USD"
    assert whole["assigned_user"]["email"] == rep.email
    assert "password" not in json.dumps(whole)


@pytest.mark.parametrize("sort", ["name", "-created_at", "birthday", "-birthday,last_name", "company", "status,-custom.height"])
def test_the_cursor_goes_there_and_back(api, rep, people, sort):
    client = api(rep)
    for index in range(7):
        extra = {"birthday": f"19{70 + index}-01-01"} if index % 2 else {}
        create_record(of="customer", data={"last_name": f"N{index}", **extra}, actor=rep)
    whole = ids(client.get(f"{API}/customers?sort={sort}&limit=200"))
    assert len(whole) == 10
    seen, pages = [], []
    address = f"{API}/customers?sort={sort}&limit=3&cursor="
    while address:
        answer = client.get(address)
        pages.append(ids(answer))
        seen.extend(pages[-1])
        pagination = answer.json()["metadata"]["pagination"]
        assert set(pagination) == {"limit", "next_cursor", "previous_cursor", "next", "previous"}
        last, address = address, pagination["next"]
    assert seen == whole
    back = []
    address = last
    while address:
        answer = client.get(address)
        back.insert(0, ids(answer))
        address = answer.json()["metadata"]["pagination"]["previous"]
    assert back == pages


def test_the_cursor_is_stable_under_writes(api, rep):
    client = api(rep)
    made = [create_record(of="customer", data={"last_name": f"P{i:02}"}, actor=rep) for i in range(9)]
    first = client.get(f"{API}/customers?sort=name&limit=3&cursor=")
    seen = ids(first)
    create_record(of="customer", data={"last_name": "P00a"}, actor=rep)
    client.delete(f"{API}/customers/{made[1].pk}")
    address = first.json()["metadata"]["pagination"]["next"]
    while address:
        answer = client.get(address)
        seen.extend(ids(answer))
        address = answer.json()["metadata"]["pagination"]["next"]
    assert seen == [str(m.pk) for m in made]


def test_pages_by_number(api, rep, people):
    client = api(rep)
    found = client.get(f"{API}/customers?page=2&limit=2&sort=name").json()
    pagination = found["metadata"]["pagination"]
    assert [r["last_name"] for r in found["data"]] == ["Clark"]
    assert (pagination["page"], pagination["limit"], pagination["total"], pagination["pages"]) == (2, 2, 3, 2)
    assert pagination["next"] is None
    assert names(client.get(pagination["previous"])) == ["Adams", "Brown"]
    assert ids(client.get(f"{API}/customers?page=9")) == []


def test_many_records_are_estimated(api, rep, people, monkeypatch):
    monkeypatch.setattr(paging, "EXACT_UP_TO", 2)
    pagination = api(rep).get(f"{API}/customers").json()["metadata"]["pagination"]
    assert pagination["total_is_estimate"] is True
    assert pagination["total"] >= 3


def test_a_hidden_field_does_not_exist(api, rep, people):
    FieldRight.objects.create(role=rep.role, entity="customer", field="email", level="hidden")
    FieldRight.objects.create(role=rep.role, entity="company", field="name", level="hidden")
    client = api(rep)
    body = client.get(f"{API}/customers").json()
    assert all("email" not in row for row in body["data"])
    assert all(row["company"] is None or row["company"]["name"] is None for row in body["data"])
    for query in ("email=a@x.org", "email__startswith=a", "sort=email", "fields=email", "company__name=Acme"):
        assert client.get(f"{API}/customers?{query}").status_code == 400
    assert ids(client.get(f"{API}/customers?q=x.org")) == []
    assert client.patch(f"{API}/customers/{people[0].pk}", {"email": "b@x.org"}).status_code == 400


def test_a_list_costs_the_same_for_any_number_of_rows(api, rep, people):
    client = api(rep)
    for index in range(12):
        create_record(of="deal", data={"title": f"D{index}", "company": f"C{index}", "customer": str(people[0].pk)}, actor=rep)
    for path in ("/customers", "/deals", "/tasks", "/interactions", "/products", "/companies"):
        client.get(f"{API}{path}")
        counts = []
        for limit in (1, 200):
            with CaptureQueriesContext(connection, ) as captured:
                assert client.get(f"{API}{path}?limit={limit}").status_code == 200
            # Of these the session and the user are two, and the rights one.
            counts.append(len(captured))
        assert counts[0] == counts[1], path
        assert counts[1] <= 6, [q["sql"][:200] for q in captured.captured_queries]


def test_entity_tags(api, rep, rep2, people):
    client = api(rep)
    for path in ("/customers", f"/customers/{people[0].pk}"):
        tag = client.get(f"{API}{path}")["ETag"]
        again = client.get(f"{API}{path}", HTTP_IF_NONE_MATCH=tag)
        assert again.status_code == 304
        assert again.content == b""
        assert again["ETag"] == tag
    # The answer to a stranger does not depend on the tag (AZ-19).
    assert api(rep2).get(f"{API}/customers/{people[0].pk}", HTTP_IF_NONE_MATCH=tag).status_code == 404
