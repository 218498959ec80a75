"""The contract, walked as a client would that knows nothing but it."""

import csv
import io
import json
import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from crm.activity.models import ChangeSet
from crm.api.idempotency import forget_old_keys
from crm.api.models import IdempotencyKey
from crm.jobs.models import Job
from crm.lists.models import SavedView
from crm.records.customfields import forget_custom_fields
from crm.records.models import CustomField
from crm.records.services import create_record
from crm.testing.fixtures import PASSWORD
from crm.workspace.api import activity

pytestmark = pytest.mark.django_db
API = "/api/v1"


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def names(answer):
    return {row["last_name"] for row in data(answer)}


def refused(answer, status=400):
    assert answer.status_code == status, answer.content
    return {d["field"]: d["message"] for d in answer.json()["error"]["details"]}


def customer(client, **fields):
    return data(client.post(f"{API}/customers", {"last_name": "Walk", **fields}), 201)


# -- bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n "])
def test_json_is_json_however_it_is_sent(api, rep, content_type, start):
    answer = api(rep).generic("POST", f"{API}/customers/", start + b'{"last_name": "A"}', content_type=content_type)
    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize(
    ("sent", "stored"), [(5000, "5000.00"), ("5000.00", "5000.00"), (5000.5, "5000.50"), ("5000", "5000.00"), (0, "0.00"), (0.1, "0.10")]
)
def test_money_is_a_number_or_a_text(api, rep, sent, stored):
    made = data(api(rep).post(f"{API}/deals", {"title": "D", "value": sent}), 201)
    assert (made["value"], made["currency"]) == (stored, "USD")


@pytest.mark.parametrize(
    ("sent", "said"),
    [(5000.005, "two decimal"), ("1e3", "form"), (-1, "at least 0."), (None, "string, number"), (True, "string, number"), (1e17, "at most")],
)
def test_wrong_money_says_what_is_wrong(api, rep, sent, said):
    assert said in refused(api(rep).post(f"{API}/deals", {"title": "D", "value": sent}))["value"]


def test_related_records_are_written_by_id_name_or_as_they_are_read(api, rep):
    client = api(rep)
    made = customer(client, company="Walk Ltd", tags=["vip"])
    assert made["company"]["name"] == "Walk Ltd"
    assert made["tags"] == ["vip"]
    again = customer(client, company="walk ltd")
    assert again["company"] == made["company"]
    for company in (made["company"], made["company"]["id"], "Walk Ltd"):
        assert data(client.patch(f"{API}/customers/{again['id']}", {"company": company}))["company"] == made["company"]
    assert data(client.patch(f"{API}/customers/{again['id']}", {"company": None}))["company"] is None
    deal = data(client.post(f"{API}/deals", {"title": "D", "customer": made["id"], "stage": "PROPOSAL"}), 201)
    assert deal["customer"] == {"id": made["id"], "name": "Walk"}
    assert deal["stage"]["code"] == "PROPOSAL"


@pytest.mark.parametrize(
    "fields",
    [
        {"website": "https://www.example.co.uk/a?b=c#d"}, {"website": "http://example.com:8080"}, {"website": "www.example.com"},
        {"website": "https://bücher.example/ü"}, {"phone": "(415) 555-0101"}, {"phone": "+1 415 555 0101 ext. 5"}, {"phone": "0800/REACH 1"},
        {"phone": ""}, {"website": ""}, {"email": ""}, {"email": None}, {"email": "first.last+tag@sub.example.com"},
    ],
    ids=str,
)
def test_addresses_and_numbers_are_taken_as_people_write_them(api, rep, fields):
    assert customer(api(rep), **fields)["id"]


@pytest.mark.parametrize("fields", [{"website": "javascript:alert(1)"}, {"website": "nowhere"}, {"phone": "none"}, {"email": "x"}], ids=str)
def test_others_are_refused_by_name(api, rep, fields):
    assert set(refused(api(rep).post(f"{API}/customers", {"last_name": "A", **fields}))) == set(fields)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("customers", {"last_name": "A", "status": ""}), ("customers", {"last_name": "A", "status": None}),
        ("tasks", {"title": "A", "priority": ""}), ("tasks", {"title": "A", "status": None}), ("deals", {"title": "A", "currency": ""}),
    ],
    ids=str,
)
def test_what_always_holds_something_is_not_emptied(api, rep, path, fields):
    name = list(fields)[-1]
    said = refused(api(rep).post(f"{API}/{path}", fields))
    assert list(said) == [name] and "fit together" not in said[name]


@pytest.mark.parametrize("name", ["id", "score", "lifetime_value", "created_at", "updated_at", "name"])
def test_what_is_only_read_is_refused_as_such(api, rep, name):
    client = api(rep)
    made = customer(client)
    for address, send in ((f"{API}/customers/{made['id']}", client.patch), (f"{API}/customers", client.post)):
        assert "cannot be written" in refused(send(address, {"last_name": "B", name: "5"}))[name]
    for unknown in ("owner", "password", "deleted_at", "role"):
        assert "Unknown" in refused(client.patch(f"{API}/customers/{made['id']}", {unknown: "x"}))[unknown]
    assert data(client.patch(f"{API}/customers/{made['id']}", {name: made[name]}))["version"] == 1


def test_a_blank_is_nothing(api, rep):
    assert refused(api(rep).post(f"{API}/deals", {"title": "   "}))["title"] == "This field is required."


# -- lists ------------------------------------------------------------------------------------------


def test_filters_as_a_client_sends_them(api, rep):
    CustomField.objects.create(entity="customer", key="segment", label="Segment", kind="choice", choices=[{"value": "A"}, {"value": "B"}])
    forget_custom_fields()
    client = api(rep)
    customer(client, last_name="One", company="Acme Ltd", tags=["vip"], email="One@Example.com", custom={"segment": "A"})
    customer(client, last_name="Two", status="CUSTOMER", custom={"segment": "B"})
    criteria = quote(json.dumps({"version": 1, "all": [{"field": "status", "op": "is", "value": "LEAD"}]}))
    for query in (
        "status=LEAD", "tags=vip", "assigned_user=me&tags=vip", "company__name__icontains=acme", "company=Acme Ltd", "custom.segment=A",
        "email=one@example.com", "email=ONE@EXAMPLE.COM", "q=one", f"filter={criteria}", "status=LEAD&score__gte=0",
        "created_at__lt=2999-01-01&tags=vip", "created_at__gte=2020-01-01T00:00:00+00:00&tags=vip", "is_active=True&status=LEAD",
        f"assigned_user={rep.pk}&status=LEAD", f"assigned_user={rep.email}&status=LEAD", "archived=false&status=LEAD",
    ):
        assert names(client.get(f"{API}/customers/?{query}")) == {"One"}, query
    forget_custom_fields()


@pytest.mark.parametrize("limit", ["0", "201", "-1", "abc", "", "1.5", "99999999999"])
def test_a_bad_limit_is_an_error(api, rep, limit):
    assert "limit" in refused(api(rep).get(f"{API}/customers?limit={limit}"))


@pytest.mark.parametrize("path", ["/jobs?state=KING", "/jobs?nonsense=1", "/search", "/search?q=a&nonsense=1", "/notifications?limit=0"])
def test_other_lists_refuse_by_name_too(api, rep, path):
    assert refused(api(rep).get(f"{API}{path}"))


def test_a_saved_view_is_a_filter_and_an_order(api, rep, rep2):
    client = api(rep)
    for name, status in (("A", "LEAD"), ("B", "CUSTOMER"), ("C", "CUSTOMER")):
        customer(client, last_name=name, status=status)
    view = data(
        client.post(f"{API}/views", {
            "name": "Ours", "entity": "customer", "sort": ["-last_name"],
            "criteria": {"version": 1, "all": [{"field": "status", "op": "is", "value": "CUSTOMER"}]},
        }), 201,
    )
    rows = data(client.get(f"{API}/customers?view={view['id']}"))
    assert [r["last_name"] for r in rows] == ["C", "B"]
    rows = data(client.get(f"{API}/customers?view={view['id']}&sort=last_name&last_name=B"))
    assert [r["last_name"] for r in rows] == ["B"]
    for wrong in ("nothing", str(uuid.uuid4()), "", "0" * 500):
        assert "view" in refused(client.get(f"{API}/customers?view={wrong}"))
    assert "view" in refused(api(rep2).get(f"{API}/customers?view={view['id']}"))
    assert "view" in refused(client.get(f"{API}/deals?view={view['id']}"))
    SavedView.objects.filter(pk=view["id"]).update(sort=["-nothing"])
    assert len(data(client.get(f"{API}/customers?view={view['id']}"))) == 2


def test_archived_records_leave_the_lists_and_stay_readable(api, rep, rep2, readonly):
    client = api(rep)
    made = customer(client, last_name="Away")
    customer(client, last_name="Here")
    address = f"{API}/customers/{made['id']}"
    assert api(rep2).post(f"{address}/archive").status_code == 404
    assert api(readonly).post(f"{address}/archive").status_code == 403
    data(client.post(f"{address}/archive"))
    assert data(client.get(address))["last_name"] == "Away"
    for query, expected in (("", {"Here"}), ("archived=true", {"Away"}), ("archived=any", {"Away", "Here"})):
        assert names(client.get(f"{API}/customers?{query}")) == expected
    assert "archived" in refused(client.get(f"{API}/customers?archived=maybe"))
    assert "archived" in refused(client.get(f"{API}/tags?archived=true"))
    data(client.post(f"{address}/unarchive"))
    assert names(client.get(f"{API}/customers")) == {"Away", "Here"}


def test_the_trash_shows_what_one_may_restore(api, rep, rep2, readonly, admin):
    client = api(rep)
    made = [customer(client, last_name=n) for n in ("A", "B")]
    for row in made:
        assert client.delete(f"{API}/customers/{row['id']}").status_code == 204
    found = client.get(f"{API}/customers/trash?limit=1").json()
    assert found["data"][0]["last_name"] == "B"
    assert found["data"][0]["deleted_at"].endswith("Z")
    assert found["metadata"]["pagination"]["total"] == 2
    assert len(data(api(admin).get(f"{API}/customers/trash"))) == 2
    assert data(api(rep2).get(f"{API}/customers/trash")) == []
    assert api(readonly).get(f"{API}/customers/trash").status_code == 403
    assert "nonsense" in refused(client.get(f"{API}/customers/trash?nonsense=1"))
    data(client.post(f"{API}/customers/{made[0]['id']}/restore"))
    assert len(data(client.get(f"{API}/customers/trash"))) == 1


def test_links_in_custom_fields_have_their_names(api, rep, rep2):
    CustomField.objects.create(entity="customer", key="partner", label="Partner", kind="link", link_entity="company")
    forget_custom_fields()
    client = api(rep)
    mine = create_record(of="company", data={"name": "Mine"}, actor=rep)
    theirs = create_record(of="company", data={"name": "CANARY"}, actor=rep2)
    made = customer(client, custom={"partner": str(mine.pk)})
    assert made["custom"]["partner"] == {"id": str(mine.pk), "name": "Mine"}
    assert data(client.put(f"{API}/customers/{made['id']}", made))["version"] == 1
    assert "custom.partner" in refused(client.patch(f"{API}/customers/{made['id']}", {"custom": {"partner": str(theirs.pk)}}))
    create_record(of="customer", data={"last_name": "B", "custom": {"partner": str(mine.pk)}}, actor=rep)
    listed = data(client.get(f"{API}/customers?fields=custom"))
    assert [r["custom"]["partner"]["name"] for r in listed] == ["Mine", "Mine"]
    assert len(data(client.get(f"{API}/customers?custom.partner={mine.pk}"))) == 2
    mine.assigned_user = rep2
    mine.save()
    assert data(client.get(f"{API}/customers/{made['id']}"))["custom"]["partner"] == {"id": str(mine.pk), "name": None}
    forget_custom_fields()


# -- records ----------------------------------------------------------------------------------------


def test_stages_and_tasks(api, rep):
    client = api(rep)
    deal = data(client.post(f"{API}/deals", {"title": "D"}), 201)
    address = f"{API}/deals/{deal['id']}/stage"
    assert data(client.put(address, {"stage": "QUALIFICATION"}))["stage"]["code"] == "QUALIFICATION"
    assert data(client.put(address, {"stage": deal["stage"]["id"], "version": 2}))["stage"]["code"] == "PROSPECTING"
    assert client.put(address, {"stage": "PROPOSAL", "version": 1}).status_code == 412
    assert "stage" in refused(client.put(address, {"stage": "NOPE"}))
    assert "stage" in refused(client.put(address, {}))
    assert data(client.put(address, {"stage": "CLOSED_WON"}))["outcome"] == "won"
    assert client.put(address, {"stage": "PROPOSAL"}).status_code == 409
    assert data(client.post(f"{API}/deals/{deal['id']}/reopen"))["outcome"] == "open"
    assert len(data(client.get(f"{API}/deals/{deal['id']}/history"))) >= 4
    task = data(client.post(f"{API}/tasks", {"title": "T", "due_date": "2026-12-01T10:00:00+01:00"}), 201)
    assert task["due_date"] == "2026-12-01T09:00:00Z"
    address = f"{API}/tasks/{task['id']}"
    assert data(client.put(f"{address}/complete"))["status"] == "COMPLETED"
    assert data(client.put(f"{address}/reopen"))["status"] == "PENDING"
    assert data(client.put(f"{address}/complete", {"outcome": "Spoke"}))["outcome"] == "Spoke"
    assert "nonsense" in refused(client.put(f"{address}/complete", {"nonsense": 1}))
    assert client.generic("PUT", f"{address}/complete", b"[]", content_type="application/json").status_code == 400


def test_a_deleted_address_does_not_block_a_new_record(api, rep):
    client = api(rep)
    first = customer(client, email="a@example.com")
    assert "email" in refused(client.post(f"{API}/customers", {"last_name": "B", "email": "A@example.com"}), 409)
    assert client.delete(f"{API}/customers/{first['id']}").status_code == 204
    second = customer(client, email="a@example.com")
    assert "email" in refused(client.post(f"{API}/customers/{first['id']}/restore"), 409)
    data(client.patch(f"{API}/customers/{second['id']}", {"email": ""}))
    assert data(client.post(f"{API}/customers/{first['id']}/restore"))["email"] == "a@example.com"


def test_bulk_gives_a_result_for_each(api, rep):
    client = api(rep)
    made = customer(client)
    operations = [
        {"op": "create", "data": {"last_name": "New", "email": "new@example.com"}},
        {"op": "create", "data": {"email": "nobody"}},
        {"op": "create", "data": {"last_name": "X", "nonsense": 1}},
        {"op": "update", "id": made["id"], "data": {"job_title": "Boss", "score": 5}},
        {"op": "update", "id": "x", "data": {}},
        {"op": "update", "data": {}},
        {"op": "delete", "id": made["id"], "data": {}},
        {"op": "delete", "id": str(uuid.uuid4())},
        {"op": "update", "id": made["id"], "data": {"job_title": "Boss", "version": 1}},
        {"op": "delete", "id": made["id"]},
    ]
    answer = client.post(f"{API}/customers/bulk", {"operations": operations}).json()
    results = answer["data"]
    assert [r["status"] for r in results] == [201, 400, 400, 400, 400, 400, 400, 404, 200, 204]
    assert (answer["metadata"]["succeeded"], answer["metadata"]["failed"]) == (3, 7)
    fields = [[d["field"] for d in r["error"]["details"]] for r in results if "error" in r]
    assert fields == [["email"], ["nonsense"], ["score"], ["id"], ["id"], ["data"], []]
    together = client.post(f"{API}/customers/bulk?atomic=True", {"operations": operations[1:2]})
    assert set(refused(together)) == {"operations.0.data.email"}
    assert set(refused(client.post(f"{API}/customers/bulk?atomic=true", {"operations": operations[4:5]}))) == {"operations.0.id"}
    assert set(refused(client.post(f"{API}/customers/bulk", {"operations": [{"op": "nope"}]}))) == {"operations.0.op"}
    assert set(refused(client.post(f"{API}/customers/bulk", {"operations": []}))) == {"operations"}


def test_old_idempotency_keys_are_forgotten(api, rep):
    client = api(rep)
    for key in ("old", "new"):
        client.post(f"{API}/tags", {"name": key}, HTTP_IDEMPOTENCY_KEY=key)
    IdempotencyKey.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    assert forget_old_keys() == 1
    assert IdempotencyKey.objects.get().key == "new"


# -- files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "xml"])
def test_exports(api, rep, form):
    client = api(rep)
    customer(client, last_name="Kept", status="LEAD")
    customer(client, last_name="Not", status="CUSTOMER")
    answer = client.get(f"{API}/customers/export?format={form}&status=LEAD")
    assert answer.status_code == 200
    assert f".{form}" in answer["Content-Disposition"]
    content = b"".join(answer.streaming_content)
    if form == "csv":
        assert [r["last_name"] for r in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))] == ["Kept"]
    elif form == "json":
        assert [r["last_name"] for r in json.loads(content)] == ["Kept"]
    else:
        assert content
    assert "format" in refused(client.get(f"{API}/customers/export?format=pdf"))


def test_an_import_is_a_job_that_can_be_asked(api, rep, rep2):
    file = io.BytesIO(b"first_name,last_name,email\nA,B,imported@example.com\n")
    file.name = "people.csv"
    client = api(rep)
    run = data(client.post(f"{API}/customers/import", {"file": file}, format="multipart"), 202)
    job = data(client.get(f"{API}/jobs/{run['job']}"))
    assert job["state"] == "queued"
    assert set(job["progress"]) == {"done", "total", "percent", "message"}
    assert api(rep2).get(f"{API}/jobs/{run['job']}").status_code == 404
    assert client.post(f"{API}/customers/import", b"a,b", content_type="text/csv").status_code == 415
    assert "other" in refused(client.post(f"{API}/customers/import", {"other": "x"}, format="multipart"))
    assert "file" in refused(client.post(f"{API}/customers/import", {"dry_run": "true"}, format="multipart"))


def test_a_large_undo_is_a_job(api, rep, rep2, monkeypatch):
    client = api(rep)
    made = customer(client)
    found = ChangeSet.objects.filter(user=rep).latest("created_at")
    monkeypatch.setattr(activity, "ENTRIES_AT_ONCE", 0)
    address = f"{API}/change-sets/{found.pk}/undo"
    assert api(rep2).post(address).status_code == 404
    answer = client.post(address, {"force": False})
    job = data(answer, 202)
    assert answer["Location"] == f"{API}/jobs/{job['id']}"
    assert Job.objects.get(pk=job["id"]).kind == "activity.undo"
    monkeypatch.undo()
    assert data(client.post(address))["change_set"]
    assert client.get(f"{API}/customers/{made['id']}").status_code == 404


# -- who calls --------------------------------------------------------------------------------------


def test_signing_in_and_out(api, make_user):
    user = make_user("SALES_REP", password=PASSWORD, email="walker@example.com")
    nobody = api(None)
    assert set(refused(nobody.post(f"{API}/auth/login", {}))) == {"email", "password"}
    assert nobody.post(f"{API}/auth/login", {"email": user.email, "password": "wrong"}).status_code == 401
    assert nobody.post(f"{API}/auth/register", {"email": "new@example.com"}).json()["error"]["code"] == "REGISTRATION_CLOSED"
    pair = data(nobody.post(f"{API}/auth/login", {"email": "Walker@Example.com", "password": PASSWORD}))
    assert pair["user"]["email"] == user.email
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}
    assert data(nobody.get(f"{API}/auth/me", **bearer))["id"] == str(user.pk)
    second = data(nobody.post(f"{API}/auth/refresh", {"refresh": pair["refresh"]}))
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {second['access']}"}
    sessions = data(nobody.get(f"{API}/auth/sessions", **bearer))
    assert [s["current"] for s in sessions] == [True]
    assert nobody.post(f"{API}/auth/logout", **bearer).status_code == 204
    again = nobody.get(f"{API}/auth/me", **bearer)
    assert (again.status_code, again.json()["error"]["code"]) == (401, "TOKEN_INVALID")
    assert nobody.post(f"{API}/auth/refresh", {"refresh": second["refresh"]}).status_code == 401
    third = data(nobody.post(f"{API}/auth/login", {"email": user.email, "password": PASSWORD}))
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {third['access']}"}
    assert nobody.delete(f"{API}/auth/sessions", **bearer).status_code == 204
    assert nobody.get(f"{API}/auth/me", **bearer).status_code == 401


def test_a_deactivated_user_is_out_at_once(api, make_user, admin):
    user = make_user("SALES_REP", password=PASSWORD)
    pair = data(api(None).post(f"{API}/auth/login", {"email": user.email, "password": PASSWORD}))
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}
    assert api(None).get(f"{API}/customers", **bearer).status_code == 200
    assert data(api(admin).post(f"{API}/users/{user.pk}/deactivate"))["is_active"] is False
    assert api(None).get(f"{API}/customers", **bearer).status_code == 401
    assert api(None).post(f"{API}/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert api(None).post(f"{API}/auth/login", {"email": user.email, "password": PASSWORD}).status_code == 401


def test_every_answer_tells_the_quota_and_its_id(api, rep):
    for answer in (api(rep).get(f"{API}/customers"), api(None).get(f"{API}/customers"), api(rep).get(f"{API}/nothing")):
        for header in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"):
            assert answer[header]


def test_a_page_elsewhere_may_call_where_it_is_allowed(api, rep, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    asked = {
        "HTTP_ORIGIN": "https://app.example", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PATCH",
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,if-match,idempotency-key,content-type",
    }
    answer = api(None).options(f"{API}/customers", **asked)
    assert answer["Access-Control-Allow-Origin"] == "https://app.example"
    for header in ("authorization", "if-match", "idempotency-key", "content-type", "if-none-match"):
        assert header in answer["Access-Control-Allow-Headers"]
    seen = api(rep).get(f"{API}/customers", HTTP_ORIGIN="https://app.example")["Access-Control-Expose-Headers"]
    assert "ETag" in seen
    assert "Location" in seen
    assert "Access-Control-Allow-Origin" not in api(None).options(f"{API}/customers", **{**asked, "HTTP_ORIGIN": "https://evil.example"})
