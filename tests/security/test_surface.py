"""What everybody can reach: headers on every class of answer, pages of set-up, and those who have left (CF-01, 02, 04, 11; FL-08, FL-10; AU-13)."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from crm.access.services import share_record
from crm.records.services import create_record
from crm.transfer.services import receive
from crm.workspace.services.users import deactivate_user
from tests.security.conftest import a_document, content_of

pytestmark = pytest.mark.django_db
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"}
TRACES = ("traceback", "psycopg", 'select "', "/site-packages/", "django.", "python/")


@pytest.mark.parametrize(("method", "path", "body", "status"), [
    ("GET", "/customers", b"", 200), ("GET", "/nowhere", b"", 404), ("POST", "/customers", b"", 405), ("GET", "/settings/users", b"", 403),
    ("GET", "/customers?view=x", b"", 404), ("GET", "/api/v1/nowhere", b"", 404), ("GET", "/api/v1/customers?x=1", b"", 400),
    ("PUT", "/api/v1/customers", b"{}", 405), ("POST", "/api/v1/customers", b"<x/>", 400), ("GET", "/api/v1/users/x", b"", 404),
    ("GET", "/api/v1/customers", b"", 200), ("GET", "/health/live", b"", 200), ("GET", "/account/sign-in", b"", 302),
    ("POST", "/api/v1/customers", b"[" * 20_000, 400), ("POST", "/api/v1/customers", b"[]", 400),
])
def test_every_answer_is_guarded_and_tells_nothing_of_its_inside(rep: Any, method: str, path: str, body: bytes, status: int) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(rep)
    for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
        answer = client.generic(method, path, body, content_type="application/json", **headers)
        assert answer.status_code == status or (status == 302 and answer.status_code in (200, 204)), answer.status_code
        for name, value in HEADERS.items():
            assert answer.headers.get(name) == value, (path, name)
        assert "Content-Security-Policy" in answer.headers or path.startswith("/health"), path
        if not path.startswith("/health"):
            assert "no-store" in answer.headers.get("Cache-Control", ""), path
        text = content_of(answer).lower()
        assert not [t for t in TRACES if t in text], path
        if path.startswith("/api/") and status >= 400:
            assert json.loads(answer.content)["error"]["request_id"]


@pytest.mark.parametrize(("path", "host", "status", "code"), [
    ("/api/v1/customers", "evil.example", 400, "VALIDATION_ERROR"), ("/api/v0/customers", "testserver", 404, "NOT_FOUND"),
    ("/api/", "testserver", 404, "NOT_FOUND"), ("/api", "testserver", 404, "NOT_FOUND"), ("/api/v1x", "testserver", 404, "NOT_FOUND"),
])
def test_nothing_below_api_leaves_as_a_page(rep: Any, path: str, host: str, status: int, code: str) -> None:
    """A foreign host and an address that no version of the API has are answered in its form, too."""
    client = Client(raise_request_exception=False)
    client.force_login(rep)
    answer = client.get(path, headers={"Host": host, "Accept": "text/html"})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-ID"]


def test_pages_of_setting_up_answer_nobody(client: Client) -> None:
    for path in ("/setup", "/install", "/upgrade", "/seed", "/demo", "/__debug__/", "/silk/", "/graphql", "/api/v0/customers", "/api/v2/customers",
                 "/api/customers",
                 "/api/v1/customers?format=api", "/rest-auth/login", "/api-auth/login/"):
        assert client.get(path).status_code in (302, 401, 404), path
    assert "rapport" not in client.get("/metrics", REMOTE_ADDR="203.0.113.9").content.decode().lower()


def test_who_has_left_is_out_at_every_door(rep: Any, admin: Any, rep2: Any, client_for: Any, api: Any) -> None:
    record = create_record(of="customer", data={"last_name": "Kept"}, actor=rep)
    document = a_document(record, rep)
    run = receive(file=BytesIO(b"name\nx\n"), name="a.csv", of="company", actor=rep)
    shared = create_record(of="customer", data={"last_name": "Shared"}, actor=rep2)
    share_record(obj=shared, user=rep, team=None, may_change=True, actor=admin)
    page, keys = client_for(rep), api(rep)
    assert page.get(f"/customers/{record.pk}").status_code == 200
    deactivate_user(user=rep, actor=admin, successor=rep2)
    for address in (f"/customers/{record.pk}", f"/customers/{shared.pk}", f"/documents/{document.pk}/download", f"/imports/{run.pk}/errors",
                    "/export?entity=customer",
                    "/search?q=kept", "/home", "/badges"):
        answer = page.get(address)
        assert answer.status_code in (302, 303, 401, 403, 404), address
        assert "Kept" not in content_of(answer)
    assert page.post(f"/customers/{record.pk}/delete").status_code in (302, 303, 401, 403)
    for address in ("/api/v1/customers", "/api/v1/auth/me", f"/api/v1/documents/{document.pk}/content"):
        assert keys.get(address).status_code == 401, address
    record.refresh_from_db()
    assert record.deleted_at is None
