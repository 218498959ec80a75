"""What a client that holds us to the contract found."""

import json
from decimal import Decimal

import pytest

from crm.api.schema.checking import problems_of
from crm.api.schema.entities import filter_parameters, read_schema, sort_names, write_schema, write_value
from crm.api.tests.answers import data, refused
from crm.records.customfields import forget_custom_fields
from crm.records.entity import all_entities, entity
from crm.records.fields import Field, Kind
from crm.records.models import CustomField
from crm.transfer.export.writers import TYPES

pytestmark = pytest.mark.django_db
API = "/api/v1"


def content(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


# -- records ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, e in all_entities().items() if "api" in e.abilities])
def test_every_record_carries_what_the_contract_says(name):
    shown = read_schema(entity(name))["properties"]
    assert {"id", "created_at", "updated_at", "version", "custom"} <= shown.keys()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [("tasks", {"title": "A", "repeat": "DAILY"}, "repeat"), ("views", {"name": "A", "entity": "customer", "density": "compact"}, "density")],
)
def test_a_choice_that_may_be_empty_is_emptied_and_what_was_read_can_be_written(api, rep, path, body, field):
    client = api(rep)
    made = data(client.post(f"{API}/{path}", body), 201)
    address = f"{API}/{path}/{made['id']}"
    for empty in ("", None):
        assert data(client.patch(address, {field: body[field]}))[field] == body[field]
        assert not data(client.patch(address, {field: empty}))[field]
    shown = data(client.get(address))
    assert data(client.put(address, shown)) == shown
    assert refused(client.patch(address, {field: "x"})) == {field}


def test_a_web_address_is_as_long_as_it_is_stored(api, rep):
    client = api(rep)
    bare = "a.example/" + "x" * 482
    assert len(data(client.post(f"{API}/customers", {"last_name": "A", "website": bare}), 201)["website"]) == 500
    website = write_value(entity("customer").field("website"))
    assert not list(problems_of(website, bare)) and not list(problems_of(website, f"https://{bare}"))
    assert list(problems_of(website, f"{bare}x"))
    assert refused(client.post(f"{API}/customers", {"last_name": "A", "website": f"{bare}x"})) == {"website"}


@pytest.mark.parametrize(
    ("name", "field", "wrong", "right"),
    [
        ("saved_view", "widths", {"name": 10}, {"name": 100}), ("saved_view", "calculations", {"value": "x"}, {"value": "sum"}),
        ("saved_view", "columns", None, ["name"]), ("saved_view", "criteria", None, {}), ("saved_view", "sort", "name", ["-name"]),
        ("stage", "required_fields", {}, ["value"]), ("stage", "entry_condition", {}, None), ("custom_field", "choices", {}, ["A"]),
    ],
)
def test_what_is_written_as_json_has_a_schema(name, field, wrong, right):
    schema = write_schema(entity(name), whole=False, existing=True)["properties"][field]
    assert list(problems_of(schema, wrong, field))
    assert not list(problems_of(schema, right, field))


@pytest.mark.parametrize(("text", "fits"), [("0.001", True), ("0.010", True), ("10", True), ("0", False), ("0.0001", False), ("0.000", False)])
def test_the_least_number_is_in_the_pattern(text, fits):
    schema = write_value(Field("quantity", Kind.NUMBER, "Quantity", required=True, min_value=Decimal("0.001")))
    assert (not list(problems_of(schema, text))) is fits


def test_a_name_is_as_long_as_what_it_makes(api, rep):
    longest = entity("company").field("name").max_length
    assert refused(api(rep).post(f"{API}/customers", {"last_name": "A", "company": "x" * (longest + 1)})) == {"company"}
    assert list(problems_of(write_value(entity("customer").field("company")), "x" * (longest + 1)))


# -- someone was faster -------------------------------------------------------------------------------


def stale(client, address, write, *, status=200):
    """Write with the tag that was read, then with the same one, which is old now."""
    tag = client.get(address)["ETag"]
    first = write(tag)
    assert first.status_code == status, first.content
    assert write(tag).status_code == 412
    return first


def test_if_match_holds_below_a_record_too(api, rep):
    client = api(rep)
    person = data(client.post(f"{API}/customers", {"last_name": "A"}), 201)
    part = data(client.post(f"{API}/customers/{person['id']}/contacts", {"kind": "EMAIL", "value": "a@example.com"}), 201)
    address = f"{API}/customers/{person['id']}/contacts/{part['id']}"
    names = iter("DEFG")
    answer = stale(client, address, lambda tag: client.patch(address, {"label": next(names)}, headers={"If-Match": tag}))
    assert answer["ETag"] == client.get(address)["ETag"]
    assert client.delete(address, headers={"If-Match": '"x"'}).status_code == 412
    assert client.delete(address, headers={"If-Match": answer["ETag"]}).status_code == 204


def test_if_match_holds_for_the_rights_of_a_role(api, admin):
    client = api(admin)
    role = data(client.post(f"{API}/roles", {"name": "A", "code": "A"}), 201)
    address = f"{API}/roles/{role['id']}/rights"
    cell = {"entity": "customer", "action": "view", "scope": "own"}
    stale(client, address, lambda tag: client.put(address, {"permissions": [cell]}, headers={"If-Match": tag}))
    assert [(c["entity"], c["action"], c["scope"]) for c in data(client.get(address))["permissions"]] == [("customer", "view", "own")]


@pytest.mark.parametrize("name", ["loss-reasons", "task-categories", "interaction-types"])
def test_if_match_holds_for_reference_data(api, admin, name):
    client = api(admin)
    made = data(client.post(f"{API}/{name}", {"name": "A", **({"code": "A"} if name == "interaction-types" else {})}), 201)
    address = f"{API}/{name}/{made['id']}"
    names = iter("BCD")
    stale(client, address, lambda tag: client.patch(address, {"name": next(names)}, headers={"If-Match": tag}))
    assert data(client.get(address))["version"] == 2


@pytest.mark.parametrize("verb", ["archive", "unarchive", "rollback", "merge", "reopen"])
def test_if_match_holds_for_the_verbs_of_a_record(api, manager, verb):
    client = api(manager)
    one, other = (data(client.post(f"{API}/deals", {"title": t}), 201) for t in "AB")
    address = f"{API}/deals/{one['id']}"
    if verb == "reopen":
        data(client.put(f"{address}/stage", {"stage": "CLOSED_WON"}))
    version = data(client.get(f"{address}/versions"))[0]["id"]
    body = {"rollback": {"version": version}, "merge": {"others": [other["id"]]}}.get(verb, {})
    answer = client.post(f"{address}/{verb}", body, headers={"If-Match": '"9-abc"'})
    assert answer.status_code == 412, answer.content


# -- lists --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["record_id=0", "record_id__isnull=true", "record_id__icontains=a", "record_id__in=0", "id=0", "id__isnull=true"])
@pytest.mark.parametrize("path", ["documents", "notes"])
def test_what_is_no_id_is_refused_by_name(api, rep, path, query):
    assert refused(api(rep).get(f"{API}/{path}?{query}")) == {query.partition("=")[0]}


def test_a_cursor_is_what_the_document_says(api, rep):
    client = api(rep)
    for name in "ABC":
        data(client.post(f"{API}/customers", {"last_name": name}), 201)
    schema = client.get(f"{API}/schema").json()["paths"][f"{API}/customers"]["get"]["parameters"]
    cursor = next(p["schema"] for p in schema if p["name"] == "cursor")
    address = f"{API}/customers?cursor=&limit=1&sort=first_name,-created_at,company"
    for _page in range(2):
        found = client.get(address).json()["metadata"]["pagination"]
        assert not list(problems_of(cursor, found["next_cursor"]))
        address = found["next"]


def test_choices_are_no_regular_expressions(api, rep):
    choices = [{"value": v} for v in ("A+B", "(C", "D|E", "F/G")]
    CustomField.objects.create(entity="customer", key="odd", label="Odd", kind="choice", choices=choices)
    forget_custom_fields()
    schema = next(p.schema for p in filter_parameters(entity("customer")) if p.name == "custom.odd__in")
    assert not list(problems_of(schema, "A+B,(C,D|E,F/G"))
    assert list(problems_of(schema, "D"))
    assert data(api(rep).get(f"{API}/customers", {"custom.odd__in": "A+B,(C"})) == []


@pytest.mark.parametrize("name", [n for n, e in all_entities().items() if "api" in e.abilities])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_list_is_sorted_by_whatever_the_document_names(api, admin, name, sign):
    client = api(admin)
    for key in sort_names(entity(name)):
        assert client.get(f"{API}/{entity(name).plural}?sort={sign}{key}&cursor=&limit=1").status_code == 200, key


@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/customers", "/api/v1/quotes"])
def test_an_address_that_is_not_there_has_the_headers_of_every_answer(api, rep, path, method):
    answer = getattr(api(rep), method)(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"} <= set(answer.headers)


# -- many at once -------------------------------------------------------------------------------------


def test_the_document_says_what_an_operation_takes(api, rep):
    document = api(rep).get(f"{API}/schema").json()
    body = document["paths"][f"{API}/customers/bulk"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    create, update, delete = body["properties"]["operations"]["items"]["anyOf"]
    assert create["properties"]["data"] == {"$ref": "#/components/schemas/CustomerCreate"}
    assert update["properties"]["data"] == {"$ref": "#/components/schemas/CustomerChange"}
    assert [o["required"] for o in (create, update, delete)] == [["op", "data"], ["op", "id", "data"], ["op", "id"]]
    assert "x-documented" not in json.dumps(document)


def test_the_document_shows_an_example_of_each_new_record(api, admin):
    client = api(admin)
    document = client.get(f"{API}/schema").json()
    for of in all_entities().values():
        create = document["paths"].get(f"{API}/{of.plural}", {}).get("post")
        content = (create or {}).get("requestBody", {}).get("content", {}).get("application/json")
        if "api" in of.abilities and content is not None:
            assert not list(problems_of(write_schema(of, whole=True, existing=False), content["example"])), of.name
    for plural in ("customers", "companies", "deals", "tasks", "products", "tags"):
        example = document["paths"][f"{API}/{plural}"]["post"]["requestBody"]["content"]["application/json"]["example"]
        data(client.post(f"{API}/{plural}", example), 201)


# -- exports ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", TYPES)
@pytest.mark.parametrize("query", ["tags__in=", "status__in=,"])
def test_an_export_of_what_cannot_be_is_a_file_with_nothing_in_it(api, admin, form, query):
    found = content(api(admin).get(f"{API}/customers/export?format={form}&{query}"))
    assert found.startswith({"csv": b"\xef\xbb\xbfid,", "xlsx": b"PK", "json": b"[", "xml": b"<?xml"}[form])


@pytest.mark.parametrize("sort", ["id", "-created_at", "company,-last_name", "-assigned_user", "name", "-version"])
def test_an_export_is_in_the_order_of_the_list(api, admin, sort):
    client = api(admin)
    for name, company in (("B", "Zeta"), ("A", "Alpha"), ("C", None), ("D", "Alpha")):
        data(client.post(f"{API}/customers", {"last_name": name, "company": company}), 201)
    listed = [row["id"] for row in data(client.get(f"{API}/customers?sort={sort}"))]
    assert [row["id"] for row in json.loads(content(client.get(f"{API}/customers/export?format=json&sort={sort}")))] == listed


def test_an_export_as_json_is_what_the_document_says(api, admin):
    client = api(admin)
    answers = client.get(f"{API}/schema").json()["paths"][f"{API}/customers/export"]["get"]["responses"]["200"]["content"]
    assert set(answers) == {media.partition(";")[0] for media in TYPES.values()}
    data(client.post(f"{API}/customers", {"last_name": "Ada"}), 201)
    assert not list(problems_of(answers["application/json"]["schema"], json.loads(content(client.get(f"{API}/customers/export?format=json")))))
