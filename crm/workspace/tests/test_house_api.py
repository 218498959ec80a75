"""The routes of the API about the house itself: duplicates, exports, files, and lists that are short."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.records.services import create_record
from crm.transfer.models import ImportRun

pytestmark = pytest.mark.django_db
API = "/api/v1"


def file(name: str = "a.txt", content: bytes = b"hello") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_duplicates_are_listed_for_those_who_see_both_and_kept_apart(rep: Any, rep2: Any, manager: Any, api: Any) -> None:
    one, other = (create_record(of="customer", data={"first_name": "Anna", "last_name": "Lindqvist"}, actor=rep) for _n in range(2))
    create_record(of="customer", data={"first_name": "Anna", "last_name": "Lindqvist"}, actor=rep2)
    client = api(rep)
    answer = client.get(f"{API}/duplicates").json()
    assert [{p["record"]["id"], p["other"]["id"]} for p in answer["data"]] == [{str(one.pk), str(other.pk)}]
    assert answer["metadata"]["pagination"]["total"] == 1
    assert client.get(f"{API}/duplicates?record={one.pk}").json()["data"][0]["reasons"] == ["same name"]
    body = {"entity": "customer", "record": str(one.pk), "other": str(other.pk)}
    assert client.delete(f"{API}/duplicates", body).status_code == 403
    assert api(manager).delete(f"{API}/duplicates", body).status_code == 204
    assert client.get(f"{API}/duplicates").json()["data"] == []
    assert api(rep2).get(f"{API}/duplicates?record={one.pk}").status_code == 400


def test_an_export_is_asked_for_made_and_fetched_by_its_owner_alone(rep: Any, rep2: Any, readonly: Any, api: Any) -> None:
    create_record(of="customer", data={"last_name": "Mine"}, actor=rep)
    create_record(of="customer", data={"last_name": "canaryb"}, actor=rep2)
    tree = {"field": "last_name", "op": "is_not", "value": "x"}
    made = api(rep).post(f"{API}/exports", {"entity": "customer", "format": "csv", "filter": tree, "fields": ["id", "last_name"]})
    assert made.status_code == 202, made.content
    address = made["Location"]
    assert api(rep).get(f"{address}/file").status_code == 404
    run_now(Job.objects.get(pk=made.json()["data"]["id"]))
    shown = api(rep).get(address).json()["data"]
    assert (shown["ready"], shown["rows"], shown["state"]) == (True, 1, "succeeded")
    text = b"".join(api(rep).get(f"{address}/file").streaming_content).decode()
    assert "Mine" in text and "canaryb" not in text
    assert [e["id"] for e in api(rep).get(f"{API}/exports").json()["data"]] == [shown["id"]]
    for path in (address, f"{address}/file"):
        assert api(rep2).get(path).status_code == 404
    assert api(rep2).get(f"{API}/exports").json()["data"] == []


@pytest.mark.parametrize(("body", "field"), [
    ({"entity": "customer", "fields": ["password"]}, "fields.0"), ({"entity": "user"}, "entity"),
    ({"entity": "customer", "filter": {"field": "nope", "op": "is", "value": 1}}, "filter.field"), ({"entity": "customer", "format": "pdf"}, "format"),
])
def test_an_export_that_cannot_be_is_refused_by_name(rep: Any, api: Any, body: dict[str, Any], field: str) -> None:
    answer = api(rep).post(f"{API}/exports", body)
    assert answer.status_code == 400
    assert [d["field"] for d in answer.json()["error"]["details"]] == [field]


def test_a_document_is_made_at_its_own_address(rep: Any, rep2: Any, api: Any) -> None:
    mine = create_record(of="customer", data={"last_name": "Mine"}, actor=rep)
    theirs = create_record(of="customer", data={"last_name": "Theirs"}, actor=rep2)
    sent = {"entity": "customer", "record_id": str(mine.pk), "file": file()}
    made = api(rep).post(f"{API}/documents", sent, format="multipart", HTTP_IDEMPOTENCY_KEY="once")
    assert made.status_code == 201, made.content
    assert (made.json()["data"]["name"], made.json()["data"]["record_id"]) == ("a.txt", str(mine.pk))
    again = api(rep).post(f"{API}/documents", {**sent, "file": file()}, format="multipart", HTTP_IDEMPOTENCY_KEY="once")
    assert again.json()["data"]["id"] == made.json()["data"]["id"]
    for changed, field in (({"record_id": str(theirs.pk)}, "record_id"), ({"entity": "tag"}, "entity"), ({"file": "text"}, "file"), ({"x": "1"}, "x")):
        answer = api(rep).post(f"{API}/documents", {**sent, "file": file(), **changed}, format="multipart")
        assert answer.status_code == 400, changed
        assert [d["field"] for d in answer.json()["error"]["details"]] == [field]
    assert api(rep).post(f"{API}/documents", {"name": "x"}).status_code == 415


def test_a_file_that_is_too_large_is_refused_before_it_is_kept(rep: Any, api: Any, settings: Any) -> None:
    settings.MAX_DOCUMENT_BYTES = 10
    mine = create_record(of="customer", data={"last_name": "Mine"}, actor=rep)
    answer = api(rep).post(f"{API}/customers/{mine.pk}/documents", {"file": file(content=b"x" * 70_000)}, format="multipart")
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_one_key_starts_one_import_and_its_job_bears_its_id(rep: Any, api: Any) -> None:
    sent = [
        api(rep).post(f"{API}/customers/import", {"file": file("c.csv", b"Last name\nOnce\n")}, format="multipart", HTTP_IDEMPOTENCY_KEY="k")
        for _n in range(2)
    ]
    assert [a.status_code for a in sent] == [202, 202]
    assert ImportRun.objects.count() == 1
    found = sent[0].json()["data"]
    assert found["job"] == found["id"] == sent[1].json()["data"]["id"]
    assert api(rep).get(f"{API}/jobs/{found['id']}").status_code == 200


def test_short_lists_have_pages_too(admin: Any, rep: Any, api: Any) -> None:
    deal = create_record(of="deal", data={"title": "D"}, actor=rep)
    client = api(rep)
    for stage in ("QUALIFICATION", "PROPOSAL", "NEGOTIATION"):
        client.put(f"{API}/deals/{deal.pk}/stage", {"stage": stage})
    address = f"{API}/deals/{deal.pk}/history"
    whole = client.get(address).json()
    assert whole["metadata"]["pagination"]["total"] == len(whole["data"]) > 3
    second = client.get(f"{address}?page=2&limit=2").json()
    assert second["data"] == whole["data"][2:4]
    assert second["metadata"]["pagination"]["previous"]
    walked, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{address}?cursor={cursor}&limit=1").json()
        walked += page["data"]
        cursor = page["metadata"]["pagination"]["next_cursor"]
    assert walked == whole["data"]
    for query in ("limit=0", "limit=201", "cursor=x", "page=2&cursor=", "nope=1"):
        assert client.get(f"{address}?{query}").status_code == 400, query
    for path in ("auth/sessions", "notifications", "imports", f"deals/{deal.pk}/shares", f"deals/{deal.pk}/comments", f"deals/{deal.pk}/access"):
        for query, names in (("limit=1", {"page", "total"}), ("cursor=", {"next_cursor", "previous_cursor"})):
            answer = client.get(f"{API}/{path}?{query}")
            assert answer.status_code == 200, (path, query)
            assert names <= set(answer.json()["metadata"]["pagination"]), (path, query)


def test_one_may_ask_beyond_what_may_be_stored(rep: Any, api: Any) -> None:
    create_record(of="customer", data={"last_name": "Mine"}, actor=rep)
    client = api(rep)
    assert len(client.get(f"{API}/customers?score__gte=-5").json()["data"]) == 1
    assert client.get(f"{API}/customers?score__gt=100000").json()["data"] == []
    for query in (f"tags={'x' * 61}", f"tags__in=a,{'x' * 61}"):
        assert client.get(f"{API}/customers?{query}").status_code == 400


def test_a_packed_body_is_refused_as_such(rep: Any, api: Any) -> None:
    answer = api(rep).generic("POST", f"{API}/customers", b"\x1f\x8b\x08", content_type="application/json", HTTP_CONTENT_ENCODING="gzip")
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
