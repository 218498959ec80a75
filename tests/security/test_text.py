"""Text that wants to be code or a header stays text (TI-05, TI-07, QI-01, QI-02, QI-04, QI-07, FI-01, FI-10, XS-08, XS-10)."""

import csv
import io
import json
import time
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.lib.errors import Refusal
from crm.records.services import create_record
from crm.records.services.documents import add_document
from crm.transfer.formulas import is_formula
from crm.transfer.services import failed_rows, receive
from tests.security.conftest import content_of

pytestmark = pytest.mark.django_db
FORMULAS = ("=1+1", "==1+1", "+1", "-1", "@SUM(A1)", " =1+1", '"=1+1', "＝1+1", "|cmd", "%0a=1")


def cells_of(text: str) -> list[str]:
    """Return every cell of a CSV file."""
    return [cell for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))) for cell in row]


def test_no_file_we_write_holds_a_formula(admin: Any, client_for: Any) -> None:
    """Every exporter: lists by page and by API, the audit log, the rows an import refused."""
    for n, formula in enumerate(FORMULAS):
        create_record(of="company", data={"name": f"{formula}x", "industry": formula, "tags": [f"{formula}t"]}, actor=admin)
        create_record(of="customer", data={"last_name": formula, "job_title": formula, "email": f"f{n}@example.com"}, actor=admin)
    client = client_for(admin)
    for address in ("/export?entity=company", "/export?entity=customer", "/api/v1/companies/export", "/api/v1/customers/export", "/settings/audit/export"):
        answer = client.get(address)
        assert answer.status_code == 200
        for cell in cells_of(b"".join(answer.streaming_content).decode()):
            assert cell.startswith("'") or not is_formula(cell), (address, cell)
    run = receive(file=io.BytesIO(b"name\n=1+1\n"), name="=cmd.csv", of="company", actor=admin)
    for cell in cells_of("".join(p.decode() if isinstance(p, bytes) else p for p in failed_rows(run))) if run.planned_at else []:
        assert cell.startswith("'") or not is_formula(cell)


HEADERS = ("a\r\nSet-Cookie: pwned=1", "a\nBcc: evil@example.com", "a\r\n\r\n<script>", 'a"; filename="evil.html', "ü\u2028x", "x" * 300,
           "../../etc/passwd", "..\\x")


@pytest.mark.parametrize("name", HEADERS)
def test_no_name_becomes_a_header_or_a_path(name: str, rep: Any, manager: Any, client_for: Any) -> None:
    record = create_record(of="customer", data={"last_name": name[:100], "first_name": name[:100]}, actor=rep)
    assert "\n" not in str(record)
    assert "\r" not in str(record)
    document = add_document(record=record, file=SimpleUploadedFile(name, b"plain"), actor=rep)
    stored = document.versions.get().file.name
    assert ".." not in stored
    assert "etc" not in stored
    answer = client_for(rep).get(f"/documents/{document.pk}/download")
    assert answer.status_code == 200
    assert "pwned" not in answer.cookies
    assert answer["Content-Disposition"].startswith("attachment")
    assert "/" not in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert not any("\n" in v or "\r" in v for v in answer.headers.values())
    toasted = client_for(rep).post(f"/customers/{record.pk}/delete", HTTP_HX_REQUEST="true")
    assert not any("\n" in v or "\r" in v for v in toasted.headers.values())


def test_no_name_becomes_a_line_of_a_mail(admin: Any, client_for: Any) -> None:
    for first in ("A\r\nBcc: evil@example.com", "A\nSubject: x"):
        client_for(admin).post("/settings/users/invite", {
            "email": "new@example.com", "first_name": first, "last_name": "B", "role": str(admin.role_id),
        })
    refused = client_for(admin).post("/settings/users/invite", {
        "email": "n@example.com\nBcc: evil@example.com", "first_name": "A", "last_name": "B", "role": str(admin.role_id),
    })
    assert refused.status_code == 422
    for message in mail.outbox:
        assert message.recipients() == ["new@example.com"]
        assert "\n" not in message.subject


SQL = ("name;SELECT pg_sleep(5)--", "(CASE WHEN (SELECT pg_sleep(5)) IS NULL THEN id END)", "-assigned_user__password", "_connector")


@pytest.mark.parametrize("payload", SQL)
def test_sql_and_orm_words_are_unknown_everywhere(payload: str, admin: Any, rep: Any, client_for: Any, api: Any) -> None:
    create_record(of="customer", data={"last_name": "One"}, actor=rep)
    begun = time.monotonic()
    client = client_for(rep)
    for params in ({"sort": payload}, {"fields": payload}, {"include": payload}, {payload: "x"}, {f"{payload}__startswith": "x"}, {"cursor": payload},
                   {"filter": json.dumps({"version": 1, "all": [{"field": payload, "op": "is", "value": "x"}]})},
                   {"filter": json.dumps({"version": 1, "all": [{"field": "status", "op": payload, "value": "x"}]})}):
        assert api(rep).get("/api/v1/customers", params).status_code == 400, params
        assert api(rep).get("/api/v1/customers/export", params).status_code == 400, params
    for name in ("sort", "group", "columns", "filter", "after", "view"):
        assert client.get("/customers", {name: payload}).status_code in (200, 400, 404)
    asked = dict.fromkeys(("period", "from", "owner", "pipeline", "currency", "group_by", "user", "state", "in"), payload)
    for address in ("/reports/sales", "/reports/customers", "/api/v1/reports/sales", "/settings/audit", "/search", "/jobs", "/deals"):
        assert client_for(admin).get(address, asked).status_code in (200, 302, 400, 403, 404), address
    # Saved for somebody else to run later: refused when saved (QI-07).
    clause = {"field": payload, "op": "is", "value": 1}
    for data in ({"sort": [payload], "columns": [payload], "group_by": payload}, {"criteria": {"version": 1, "all": [clause]}}):
        try:
            view = create_record(of="saved_view", data={"name": "V", "entity": "customer", "sharing": "everyone", **data}, actor=rep)
        except Refusal:
            continue
        for address in (f"/customers?view={view.pk}", f"/export?entity=customer&view={view.pk}", f"/api/v1/customers?view={view.pk}"):
            answer = client_for(admin).get(address)
            assert answer.status_code in (200, 400)
            assert "password" not in content_of(answer).replace(payload, "")
        view.delete()
    assert time.monotonic() - begun < 30


def test_what_is_asked_comes_back_inert(rep: Any, client_for: Any) -> None:
    payload = "<script>__pwned=1</script>\"><img src=x onerror=__pwned=1></title><svg onload=__pwned=1>"
    asked = [dict.fromkeys(("q", "filter", "sort", "field", "kind", "state"), payload), {"next": "javascript:alert(1)"}]
    for address in ("/search", "/palette", "/customers", "/deals", "/nowhere", "/customers/filter", "/settings", "/account/sign-in"):
        for params in asked:
            for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
                text = content_of(client_for(rep if "account" not in address else None).get(address, params, **headers))
                assert "<script>__pwned" not in text
                assert "<img src=x" not in text
                assert "<svg onload" not in text
                assert 'href="javascript:' not in text


@pytest.mark.parametrize("url", [
    "javascript:alert(1)", "data:text/html,x", "vbscript:x", "\x01javascript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)",
])
def test_an_address_leads_to_the_web_only(url: str, rep: Any) -> None:
    try:
        made = create_record(of="customer", data={"last_name": "A", "website": url}, actor=rep)
    except Refusal:
        return
    assert made.website.startswith(("http://", "https://"))


def test_stray_files_are_not_served(client_for: Any, admin: Any) -> None:
    for path in ("/.env", "/.git/HEAD", "/media/", "/media/x", "/backup.sql", "/static/../manage.py", "/static/%2e%2e/manage.py",
                 "/files/", "/var/", "/debug/", "/__debug__/"):
        for person in (None, admin):
            assert client_for(person).get(path).status_code in (404, 400), path
