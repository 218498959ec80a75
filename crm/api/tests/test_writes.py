"""Writes: entity tags, merging of different fields, idempotency, uniqueness, bulk (BL-01, BL-02, BL-04, BL-05, DO-05)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from rest_framework.test import APIClient

from crm.activity.models import ActivityLog
from crm.api.models import IdempotencyKey
from crm.records.services import create_record
from crm.workspace.services.setup import ensure_reference_data
from customers.models import Customer

API = "/api/v1"


def in_parallel(user, requests):
    """Run each request, a function of a client, in a thread with a connection of its own."""

    def run(request):
        client = APIClient()
        client.default_format = "json"
        client.force_login(user)
        try:
            return request(client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(run, requests))


@pytest.fixture
def committed(transactional_db):
    """Let threads see what is written, in a base that has its reference data."""
    ensure_reference_data()


@pytest.mark.django_db
def test_a_stale_tag_is_refused_with_both_versions(api, rep):
    client = api(rep)
    address = f"{API}/customers/{create_record(of='customer', data={'last_name': 'A'}, actor=rep).pk}"
    tag = client.get(address)["ETag"]
    first = client.patch(address, {"last_name": "B"}, HTTP_IF_MATCH=tag)
    assert first.status_code == 200
    assert first["ETag"] != tag
    second = client.patch(address, {"last_name": "C"}, HTTP_IF_MATCH=tag)
    assert second.status_code == 412
    error = second.json()["error"]
    assert error["code"] == "PRECONDITION_FAILED"
    assert error["fields"]["last_name"]["yours"] == "C"
    assert error["fields"]["last_name"]["theirs"] == "B"
    assert error["version"] == 2
    # Another field is untouched by the first writer, yet the tag says that someone was faster.
    assert client.patch(address, {"department": "X"}, HTTP_IF_MATCH=tag).status_code == 412
    assert client.delete(address, HTTP_IF_MATCH=tag).status_code == 412
    assert client.patch(address, {"department": "X"}, HTTP_IF_MATCH="nonsense").status_code == 412
    # The version in the body asks only about contested fields.
    assert client.patch(address, {"department": "X", "version": 1}).status_code == 200
    assert client.patch(address, {"last_name": "D", "version": 1}).status_code == 412
    current = client.get(address)
    assert current.json()["data"]["last_name"] == "B"
    assert client.patch(address, {"last_name": "D"}, HTTP_IF_MATCH=current["ETag"]).status_code == 200


def test_parallel_writes_of_different_fields_all_survive(committed, make_user):
    rep = make_user("SALES_REP")
    made = create_record(of="customer", data={"last_name": "A"}, actor=rep)
    names = ["first_name", "department", "job_title", "source", "salutation", "description", "phone", "website"]
    values = {n: f"{n} of eight" for n in names} | {"phone": "+14155550100", "website": "https://example.com/x"}

    def write(name):
        return lambda client: client.patch(f"{API}/customers/{made.pk}", {name: values[name]}).status_code

    assert in_parallel(rep, [write(n) for n in names]) == [200] * 8
    made.refresh_from_db()
    assert {n: getattr(made, n) for n in names} == values
    assert made.version == 9


def test_one_key_makes_one_record(committed, make_user):
    rep, other = make_user("SALES_REP"), make_user("SALES_REP")
    body = {"last_name": "Once"}

    def post(client):
        answer = client.post(f"{API}/customers", body, HTTP_IDEMPOTENCY_KEY="k-1")
        return answer.status_code, answer.json()

    answers = in_parallel(rep, [post] * 20)
    assert {a[0] for a in answers} == {201}, answers
    assert len({a[1]["data"]["id"] for a in answers}) == 1
    assert Customer.objects.count() == 1
    client = APIClient()
    client.default_format = "json"
    client.force_login(rep)
    again = client.post(f"{API}/customers", body, HTTP_IDEMPOTENCY_KEY="k-1")
    assert again["Idempotent-Replayed"] == "true"
    different = client.post(f"{API}/customers", {"last_name": "Twice"}, HTTP_IDEMPOTENCY_KEY="k-1")
    assert different.status_code == 409
    assert client.post(f"{API}/companies", {"name": "Twice"}, HTTP_IDEMPOTENCY_KEY="k-1").status_code == 409
    client.force_login(other)
    assert client.post(f"{API}/customers", body, HTTP_IDEMPOTENCY_KEY="k-1").status_code == 201
    IdempotencyKey.objects.all().update(created_at=IdempotencyKey.objects.first().created_at - timedelta(hours=25))
    assert client.post(f"{API}/customers", body, HTTP_IDEMPOTENCY_KEY="k-1").status_code == 201
    assert Customer.objects.count() == 3


@pytest.mark.django_db
def test_a_refused_request_leaves_its_key_free(api, rep):
    client = api(rep)
    assert client.post(f"{API}/customers", {"email": "x"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 400
    assert client.post(f"{API}/customers", {"email": "x@y.org"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 201
    assert client.post(f"{API}/customers", {"email": "x@y.org"}, HTTP_IDEMPOTENCY_KEY="é").status_code == 400


def test_one_of_eight_equal_addresses_wins(committed, make_user):
    rep = make_user("SALES_REP")
    body = {"email": "Same@Example.com"}
    found = in_parallel(rep, [lambda c: c.post(f"{API}/customers", body).status_code] * 8)
    assert sorted(found) == [201] + [409] * 7
    record = Customer.objects.get()
    client = APIClient()
    client.force_login(rep)
    assert client.delete(f"{API}/customers/{record.pk}").status_code == 204
    assert client.post(f"{API}/customers", body, format="json").status_code == 201
    assert client.post(f"{API}/customers/{record.pk}/restore").status_code == 409


@pytest.mark.django_db
def test_bulk_operations_stand_alone_or_together(api, rep, rep2):
    client = api(rep)
    mine = create_record(of="customer", data={"last_name": "Mine"}, actor=rep)
    theirs = create_record(of="customer", data={"last_name": "CANARY"}, actor=rep2)
    operations = [
        {"op": "create", "data": {"last_name": "New"}},
        {"op": "update", "id": str(mine.pk), "data": {"status": "CUSTOMER"}},
        {"op": "update", "id": str(theirs.pk), "data": {"status": "CUSTOMER"}},
        {"op": "create", "data": {"email": "nobody@x.org", "status": "LEAD"}},
        {"op": "create", "data": {"email": "nobody@x.org"}},
        {"op": "delete", "id": str(theirs.pk)},
    ]
    together = client.post(f"{API}/customers/bulk?atomic=true", {"operations": operations})
    assert together.status_code == 404
    assert "CANARY" not in together.content.decode()
    mine.refresh_from_db()
    assert (mine.status, Customer.objects.count()) == ("LEAD", 2)
    alone = client.post(f"{API}/customers/bulk", {"operations": operations}).json()
    assert [r["status"] for r in alone["data"]] == [201, 200, 404, 201, 409, 404]
    assert (alone["metadata"]["succeeded"], alone["metadata"]["failed"]) == (3, 3)
    assert alone["data"][1]["data"]["status"] == "CUSTOMER"
    theirs.refresh_from_db()
    assert (theirs.status, theirs.deleted_at, theirs.version) == ("LEAD", None, 1)
    assert ActivityLog.objects.filter(entity_id=theirs.pk, kind="fact").count() == 1


@pytest.mark.django_db
def test_bulk_has_a_cap(api, rep):
    operations = [{"op": "create", "data": {"last_name": "X"}}] * 1001
    answer = api(rep).post(f"{API}/customers/bulk", {"operations": operations})
    assert answer.status_code == 400
    assert not Customer.objects.exists()


@pytest.mark.django_db
def test_what_the_caller_may_not_name_is_refused(api, rep, rep2, admin):
    client = api(rep)
    theirs = create_record(of="company", data={"name": "CANARY Ltd"}, actor=rep2)
    unknown = client.post(f"{API}/customers", {"last_name": "A", "company": "0190b6a4-0000-7000-8000-000000000000"})
    hidden = client.post(f"{API}/customers", {"last_name": "A", "company": str(theirs.pk)})
    for answer in (unknown, hidden):
        assert answer.status_code == 400
        answer.json()["error"].pop("request_id")
    assert hidden.json()["error"]["details"] == unknown.json()["error"]["details"]
    assert client.post(f"{API}/customers", {"last_name": "A", "assigned_user": str(rep2.pk)}).status_code == 403
    me = client.patch(f"{API}/users/{rep.pk}", {"role": str(admin.role_id)})
    assert me.status_code in (400, 403)
    rep.refresh_from_db()
    assert rep.role.code == "SALES_REP"
    assert not Customer.objects.exists()


@pytest.mark.django_db
def test_csrf_is_needed_with_the_session(rep):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(rep)
    answer = client.post(f"{API}/customers", {"last_name": "A"}, format="json")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "PERMISSION_DENIED"
    assert not Customer.objects.exists()
