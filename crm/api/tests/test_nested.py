"""What stands below a record: notes, comments, documents, merging, contacts, addresses, relationships, lines."""

import hashlib
import io
import uuid

import pytest

from crm.api.tests.answers import data, refused
from crm.records.services import create_record

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture(autouse=True)
def kept_files(settings, tmp_path):
    """Keep uploads out of the way."""
    settings.MEDIA_ROOT = tmp_path


def file(content, name="plan.txt"):
    made = io.BytesIO(content)
    made.name = name
    return made


@pytest.fixture
def record(rep):
    return create_record(of="customer", data={"last_name": "Nested", "company": "Acme"}, actor=rep)


@pytest.fixture
def address(record):
    return f"{API}/customers/{record.pk}"


PATHS = ["timeline", "notes", "comments", "documents", "contacts", "addresses", "relationships", "versions", "access"]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_below_is_seen_with_the_record(api, rep, rep2, address, path):
    assert isinstance(data(api(rep).get(f"{address}/{path}")), list)
    assert api(rep2).get(f"{address}/{path}").status_code == 404
    assert api(None).get(f"{address}/{path}").status_code == 401
    api(rep).delete(address)
    assert api(rep).get(f"{address}/{path}").status_code == 404


def test_notes(api, rep, rep2, readonly, address):
    client = api(rep)
    answer = client.post(f"{address}/notes", {"content": "Called <b>twice</b>", "is_pinned": True})
    note = data(answer, 201)
    assert answer["Location"] == f"{API}/notes/{note['id']}"
    assert note["author"]["id"] == str(rep.pk)
    hidden = data(client.post(f"{address}/notes", {"content": "Mine alone", "is_private": True}), 201)
    assert [n["id"] for n in data(client.get(f"{address}/notes"))] == [hidden["id"], note["id"]]
    assert [n["id"] for n in data(api(readonly).get(f"{address}/notes"))] == [note["id"]]
    assert refused(client.post(f"{address}/notes", {"content": "  "})) == {"content"}
    assert refused(client.post(f"{address}/notes", {"content": "x", "author": str(rep2.pk)})) == {"author"}
    assert api(rep2).post(f"{address}/notes", {"content": "x"}).status_code == 404
    assert data(client.patch(f"{API}/notes/{note['id']}", {"content": "Once"}))["content"] == "Once"
    assert client.delete(f"{API}/notes/{note['id']}").status_code == 204
    assert [n["id"] for n in data(client.get(f"{address}/notes"))] == [hidden["id"]]


def test_comments(api, rep, manager, rep2, address):
    client, other = api(rep), api(manager)
    first = data(client.post(f"{address}/comments", {"content": "Look", "mentions": [str(manager.pk)]}), 201)
    reply = data(other.post(f"{address}/comments", {"content": "Seen", "parent": first["id"]}), 201)
    assert reply["parent"] == first["id"]
    assert refused(client.post(f"{address}/comments", {"content": "x", "parent": str(uuid.uuid4())})) == {"parent"}
    assert data(client.patch(f"{address}/comments/{first['id']}", {"content": "Look here"}))["edited_at"]
    assert other.patch(f"{address}/comments/{first['id']}", {"content": "x"}).status_code == 403
    assert api(rep2).patch(f"{address}/comments/{first['id']}", {"content": "x"}).status_code == 404
    assert client.delete(f"{address}/comments/{first['id']}").status_code == 204
    listed = {c["id"]: c["content"] for c in data(client.get(f"{address}/comments"))}
    assert listed == {first["id"]: "", reply["id"]: "Seen"}


def test_documents_and_their_versions(api, rep, rep2, readonly, address):
    client = api(rep)
    made = data(client.post(f"{address}/documents", {"file": file(b"one"), "name": "Plan"}, format="multipart"), 201)
    document = f"{API}/documents/{made['id']}"
    second = data(client.post(f"{document}/files", {"file": file(b"two")}, format="multipart"), 201)
    assert (second["number"], second["size"]) == (2, 3)
    assert second["sha256"] == hashlib.sha256(b"two").hexdigest()
    for query, content in (("", b"two"), ("?version=1", b"one")):
        answer = client.get(f"{document}/content{query}")
        assert b"".join(answer.streaming_content) == content
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Type"] == "application/octet-stream"
    assert client.get(f"{document}/content?version=9").status_code == 404
    assert b"".join(api(readonly).get(f"{document}/content").streaming_content) == b"two"
    for path in (document, f"{document}/content"):
        assert api(rep2).get(path).status_code == 404
    assert api(readonly).post(f"{address}/documents", {"file": file(b"x")}, format="multipart").status_code == 403
    assert refused(client.post(f"{address}/documents", {"name": "None"}, format="multipart")) == {"file"}
    assert refused(client.post(f"{address}/documents", {"file": file(b"x"), "owner": "x"}, format="multipart")) == {"owner"}
    assert client.post(f"{address}/documents", {"file": "x"}).status_code == 415
    assert [d["id"] for d in data(client.get(f"{address}/documents"))] == [made["id"]]
    assert client.delete(document).status_code == 204
    assert client.get(f"{document}/content").status_code == 404


def test_merging(api, rep, manager, rep2, record, address):
    client = api(manager)
    other = create_record(of="customer", data={"last_name": "Other", "email": "other@example.com"}, actor=rep)
    theirs = create_record(of="customer", data={"last_name": "CANARY"}, actor=rep2)
    deal = create_record(of="deal", data={"title": "D", "customer": str(other.pk)}, actor=rep)
    assert client.post(f"{address}/merge", {"others": [str(theirs.pk)]}).status_code == 404
    assert api(rep).post(f"{address}/merge", {"others": [str(other.pk)]}).status_code == 403
    assert client.post(f"{address}/merge", {"others": [str(record.pk)]}).status_code in (400, 409)
    assert refused(client.post(f"{address}/merge", {"others": []})) == {"others"}
    merged = data(client.post(f"{address}/merge", {"others": [str(other.pk)], "choices": {"last_name": str(other.pk)}}))
    assert (merged["last_name"], merged["email"]) == ("Other", "other@example.com")
    assert client.get(f"{API}/customers/{other.pk}").status_code == 404
    assert data(client.get(f"{API}/deals/{deal.pk}"))["customer"]["id"] == str(record.pk)


PARTS = [
    ("contacts", {"kind": "EMAIL", "value": "second@example.com"}, {"label": "Home"}, {"kind": "NONE", "value": "x"}),
    ("addresses", {"city": "Köln", "country": "DE"}, {"city": "Bonn"}, {"city": "x" * 300}),
]


@pytest.mark.parametrize(("path", "body", "change", "wrong"), PARTS, ids=[p[0] for p in PARTS])
def test_parts_of_a_customer(api, rep, rep2, readonly, address, path, body, change, wrong):
    client, below = api(rep), f"{address}/{path}"
    answer = client.post(below, body)
    made = data(answer, 201)
    assert answer["Location"] == f"{below}/{made['id']}"
    assert {k: made[k] for k in body} == body
    part = f"{below}/{made['id']}"
    changed = data(client.patch(part, change))
    assert {k: changed[k] for k in change} == change
    assert data(client.get(below))[-1] == data(client.get(part))
    assert refused(client.post(below, wrong))
    assert refused(client.post(below, {**body, "customer": str(uuid.uuid4())})) == {"customer"}
    for act in (lambda c: c.get(part), lambda c: c.patch(part, change), lambda c: c.delete(part), lambda c: c.post(below, body)):
        assert act(api(rep2)).status_code == 404
    for act in (lambda c: c.patch(part, change), lambda c: c.delete(part), lambda c: c.post(below, body)):
        assert act(api(readonly)).status_code == 403
    assert client.get(f"{below}/{uuid.uuid4()}").status_code == 404
    assert client.delete(part).status_code == 204
    assert client.get(part).status_code == 404


def test_relationships(api, rep, rep2, record, address):
    client = api(rep)
    friend = create_record(of="customer", data={"last_name": "Friend"}, actor=rep)
    theirs = create_record(of="customer", data={"last_name": "CANARY"}, actor=rep2)
    kinds = client.get(f"{API}/schema").json()["paths"][f"{API}/customers/{{id}}/relationships"]["post"]["requestBody"]
    kind = kinds["content"]["application/json"]["schema"]["properties"]["kind"]["enum"][0]
    made = data(client.post(f"{address}/relationships", {"kind": kind, "to_customer": str(friend.pk), "note": "School"}), 201)
    assert made["to_customer"] == {"id": str(friend.pk), "name": "Friend"}
    assert refused(client.post(f"{address}/relationships", {"kind": kind, "to_customer": str(theirs.pk)})) == {"to_customer"}
    assert client.post(f"{address}/relationships", {"kind": kind}).status_code == 400
    assert client.delete(f"{address}/relationships/{made['id']}").status_code == 204
    company = f"{API}/companies/{record.company_id}/relationships"
    assert data(client.post(company, {"kind": kind, "to_customer": str(friend.pk)}), 201)["to_company"] is None


def test_lines_and_people_of_a_deal(api, rep, rep2, admin, record):
    client = api(rep)
    product = create_record(of="product", data={"name": "Kiln", "code": "KILN"}, actor=admin)
    deal = create_record(of="deal", data={"title": "D", "customer": str(record.pk)}, actor=rep)
    lines = f"{API}/deals/{deal.pk}/lines"
    line = data(client.post(lines, {"product": str(product.pk), "quantity": 2, "unit_price": 10.5}), 201)
    assert (line["quantity"], line["unit_price"], line["discount_percent"]) == ("2.000", "10.50", "0.00")
    plain = data(client.post(lines, {"product": str(product.pk), "unit_price": 1}), 201)
    assert plain == data(client.get(f"{lines}/{plain['id']}"))
    assert refused(client.post(lines, {"product": str(product.pk), "unit_price": 1, "discount_percent": 1.255})) == {"discount_percent"}
    assert data(client.patch(f"{lines}/{line['id']}", {"discount_percent": 10}))["product"]["name"] == "Kiln"
    assert refused(client.post(lines, {"product": str(product.pk), "quantity": 0, "unit_price": 1})) == {"quantity"}
    assert refused(client.post(lines, {"product": str(uuid.uuid4()), "unit_price": 1})) == {"product"}
    assert refused(client.post(lines, {"quantity": 1})) == {"product"}
    assert api(rep2).get(lines).status_code == 404
    assert client.delete(f"{lines}/{line['id']}").status_code == 204
    people = f"{API}/deals/{deal.pk}/contacts"
    made = data(client.post(people, {"customer": str(record.pk)}), 201)
    assert client.post(people, {"customer": str(record.pk)}).status_code == 409
    assert data(client.get(people))[0]["customer"]["name"] == "Nested"
    assert client.delete(f"{people}/{made['id']}").status_code == 204
