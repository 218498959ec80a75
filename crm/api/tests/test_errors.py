"""Every error leaves as the envelope, whatever goes wrong, in JSON and in XML (CF-01, QI-10, DO-04)."""

import json
from xml.etree import ElementTree

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404

from crm.api.errors import exception_handler
from crm.lib.errors import Conflict, Denied, Detail, Invalid, Locked, Missing, Outdated, TooMany

pytestmark = pytest.mark.django_db
API = "/api/v1"


def assert_error(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert body["success"] is False
    error = body["error"]
    assert error["code"] == code
    assert error["message"]
    assert isinstance(error["details"], list)
    assert error["request_id"] == answer["X-Request-ID"]
    for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        assert answer[name].isdigit()
    assert "private" in answer["Cache-Control"]
    return error


def test_an_unknown_address_is_a_json_404_for_everyone(api, rep):
    for client in (api(None), api(rep)):
        for path in ("/nothing", "/v0/customers", "/customers.json", "/Customers", "/customers//", "/customers/x"):
            if client is api(None) and path == "/customers/x":
                continue
            answer = client.get(f"{API}{path}")
            assert answer.status_code in (404, 401), (path, answer.content)
            assert answer["Content-Type"] == "application/json"
    assert_error(api(None).get("/api/v1/nothing"), 404, "NOT_FOUND")


def test_nobody_is_signed_in(api):
    answer = api(None).get(f"{API}/customers")
    assert_error(answer, 401, "AUTHENTICATION_REQUIRED")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Bearer \udcff", "Basic YTpi", "Api-Key abc", "x"])
def test_a_wrong_token_is_refused(api, header):
    answer = api(None).get(f"{API}/customers", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] in ("TOKEN_INVALID", "AUTHENTICATION_REQUIRED")


def test_a_method_that_is_not_there(api, rep):
    answer = api(rep).delete(f"{API}/customers")
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}
    override = api(rep).post(f"{API}/customers/bulk", {"operations": []}, HTTP_X_HTTP_METHOD_OVERRIDE="DELETE")
    assert_error(override, 400, "VALIDATION_ERROR")


def test_a_form_that_we_do_not_have(api, rep):
    assert_error(api(rep).get(f"{API}/customers", HTTP_ACCEPT="text/html"), 406, "NOT_ACCEPTABLE")
    assert_error(api(rep).get(f"{API}/customers?format=api"), 400, "VALIDATION_ERROR")


def test_a_body_of_another_type(api, rep):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "x"):
        answer = api(rep).generic("POST", f"{API}/customers", b'{"last_name": "A"}', content_type=content_type)
        assert_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_is_too_large(api, rep, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    answer = api(rep).post(f"{API}/customers", {"last_name": "x" * 3000})
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


BODIES = [
    b"{", b"", b"[]", b"null", b'"text"', b"1", b"\xff\xfe", b'{"last_name": "\xff"}', b'{"last_name": NaN}',
    b'{"last_name": Infinity}', b'{"score": 1e400}', b'{"last_name": "a\\u0000b"}', b'{"last_name": "\\ud800"}',
    b'{"custom": {"a": "\\u0000"}}', b'{"\\u0000": 1}', b'{"last_name": "A", "last_name": "B"}',
    b'{"last_name": ["A"]}', b'{"last_name": {"a": 1}}', b'{"last_name": 5}', b'{"last_name": true}',
    b'{"last_name": "A", "owner": "x"}', b'{"last_name": "A", "owner.id": "x"}', b'{"last_name": "A", "owner__id": "x"}',
    b'{"last_name": "A", "score": 99}', b'{"last_name": "A", "created_at": "2020-01-01T00:00:00Z"}',
    b'{"last_name": "A", "id": "0190b6a4-0000-7000-8000-000000000000"}', b'{"last_name": "A", "deleted_at": null}',
    b'{"last_name": "A", "birthday": "0000-01-01"}', b'{"last_name": "A", "birthday": "2020-02-30"}',
    b'{"last_name": "A", "tags": "vip"}', b'{"last_name": "A", "tags": [{"a": 1}]}',
    b'{"last_name": "A", "company": 5}', b'{"last_name": "A", "custom": []}', b'{"last_name": "A", "custom": {"x": 1}}',
    b'{"last_name": "A", "address": {"street": "x"}}', b"[" * 20_000, b'{"custom":' * 20_000,
    b'{"custom": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}", b'{"score": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_odd_bodies_are_a_400(api, rep, body):
    answer = api(rep).generic("POST", f"{API}/customers", body, content_type="application/json")
    assert_error(answer, 400, "VALIDATION_ERROR")


def test_every_wrong_field_is_named(api, rep):
    answer = api(rep).post(f"{API}/customers", {"email": "nobody", "status": "KING", "nickname": "x", "id": "1"})
    error = assert_error(answer, 400, "VALIDATION_ERROR")
    assert {d["field"] for d in error["details"]} == {"email", "status", "nickname", "id"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid.field("a", "no"), 400, "VALIDATION_ERROR"),
        (Denied(), 403, "PERMISSION_DENIED"),
        (Missing(), 404, "NOT_FOUND"),
        (Http404(), 404, "NOT_FOUND"),
        (Conflict(details=[Detail("email", "taken")]), 409, "CONFLICT"),
        (IntegrityError("x"), 409, "CONFLICT"),
        (Outdated(extra={"fields": {}, "version": 3}), 412, "PRECONDITION_FAILED"),
        (DataError("x"), 400, "VALIDATION_ERROR"),
        (Locked(), 423, "LOCKED"),
        (TooMany(extra={"retry_after": 7}), 429, "RATE_LIMITED"),
        (OperationalError("x"), 503, "UNAVAILABLE"),
        (InterfaceError("x"), 503, "UNAVAILABLE"),
        (RuntimeError("secret /etc/passwd SELECT"), 500, "SERVER_ERROR"),
    ],
)
def test_every_failure_has_its_code(error, status, code):
    answer = exception_handler(error, {})
    assert answer.status_code == status
    assert answer.data["error"]["code"] == code
    assert "secret" not in json.dumps(answer.data)
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1


def as_python(element):
    """Return what an XML answer says, as JSON would."""
    kind = element.get("type")
    if kind == "null":
        return None
    if kind == "boolean":
        return element.text == "true"
    if kind == "number":
        return json.loads(element.text)
    if kind == "list":
        return [as_python(e) for e in element]
    if kind == "object":
        return {e.get("name", e.tag): as_python(e) for e in element}
    return element.text or ""


def test_xml_says_the_same_as_json(api, rep):
    client = api(rep)
    client.post(f"{API}/customers", {"last_name": "<O'Neil> & “Söhne”", "tags": ["a", "b"], "address": {"city": "Köln"}})
    for path in ("/customers", "/customers?nonsense=1", "/stages", "/nothing"):
        plain = client.get(f"{API}{path}").json()
        answer = client.get(f"{API}{path}", HTTP_ACCEPT="application/xml")
        assert answer["Content-Type"] == "application/xml; charset=utf-8"
        said = as_python(ElementTree.fromstring(answer.content))  # noqa: S314 - our own answer
        for found in (plain, said):
            found.get("error", {}).pop("request_id", None)
        assert said == plain


def test_the_quota_ends_with_a_429(api, rep, settings):
    settings.API_QUOTA_PER_MINUTE = 3
    client = api(rep)
    answers = [client.get(f"{API}/tags") for _ in range(6)]
    assert answers[0].status_code == 200
    assert_error(answers[-1], 429, "RATE_LIMITED")
    assert int(answers[-1]["Retry-After"]) >= 1


def test_head_and_options(api, rep):
    client = api(rep)
    assert client.head(f"{API}/customers").status_code == 200
    assert client.options(f"{API}/customers").status_code == 204
    assert client.options(f"{API}/customers")["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert api(None).head(f"{API}/customers").status_code == 401
    assert api(None).options(f"{API}/customers").status_code == 401
