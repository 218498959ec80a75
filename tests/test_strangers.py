"""Nobody gets anywhere by asking: every address, every person, every method (AZ-01, AZ-02, FL-01, FL-08, CF-04).

The addresses come from the OpenAPI document and from a dump of the URL conf; none is typed by hand.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from crm.activity.models import ActivityLog
from crm.api.documents import document
from crm.records.entity import all_entities
from crm.records.services import create_record

pytestmark = pytest.mark.django_db
CANARY = "CANARYB"
PLACEHOLDER = re.compile(r"{([a-z_]+)}")

# Whoever has not signed in may see these, and nothing else.
PUBLIC = re.compile(
    r"^(api/v1/(auth/(login|register|refresh|logout)|schema|docs|redoc)|health/|static/|jsi18n|manifest|sw\.js|robots\.txt|favicon"
    r"|account/|accounts/|invitations?/|admin/login/|offline)"
)
# These take what they show from the address alone, which is refused without a session, or end the session itself.
SKIPPED_PAGES = re.compile(r"^(account/|accounts/|admin/)")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return path, method and declaration of every operation in the OpenAPI document."""
    found = json.loads(document(signed_in=True))
    return [(path, method.upper(), op) for path, methods in found["paths"].items() for method, op in methods.items()]


def dumped(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the pattern text and callback of every address of the URL conf."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from dumped(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            yield text, pattern.callback


def address_of(text: str, pk: Any) -> str:
    """Return an address that fits a pattern, with ``pk`` wherever an identifier goes."""
    text = re.sub(r"<(?:uuid:)?[a-z_]*(?:id|pk)>", str(pk), text)
    text = re.sub(r"<int:[a-z_]+>", "1", text)
    text = re.sub(r"<(?:str:|slug:|path:)?[a-z_]+>", "x", text)
    text = re.sub(r"\(\?P<[a-z_]*(?:id|pk)>[^)]*\)", str(pk), text)
    text = re.sub(r"\(\?P<[a-z_]+>[^)]*\)", "x", text)
    return "/" + re.sub(r"[\^$?]|\\Z", "", text).replace("\\", "")


@pytest.fixture
def theirs(rep2: Any, admin: Any) -> dict[str, Any]:
    """Return one record of every kind that only ``rep2`` (and those above) may see, each with a canary."""
    made: dict[str, Any] = {}
    made["company"] = create_record(of="company", data={"name": f"{CANARY}-company"}, actor=rep2)
    made["customer"] = create_record(
        of="customer", data={"last_name": f"{CANARY}-customer", "email": "canaryb@example.com", "company": made["company"].pk},
        actor=rep2,
    )
    made["deal"] = create_record(
        of="deal", data={"title": f"{CANARY}-deal", "value": "7919.00", "customer": made["customer"].pk}, actor=rep2
    )
    made["task"] = create_record(
        of="task", data={"title": f"{CANARY}-task", "deal": made["deal"].pk}, actor=rep2
    )
    made["interaction"] = create_record(
        of="interaction", data={"subject": f"{CANARY}-talk", "type": "CALL", "customer": made["customer"].pk}, actor=rep2
    )
    made["note"] = create_record(
        of="note", data={"content": f"{CANARY}-note", "entity": "customer", "record_id": str(made["customer"].pk)}, actor=rep2
    )
    return made


def call(client: Any, method: str, path: str) -> Any:
    """Call an address with an empty JSON body where one is due."""
    if method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        return client.generic(method, path)
    return client.generic(method, path, b"{}", content_type="application/json")


def test_the_document_and_the_url_conf_agree() -> None:
    """A route in neither list is a finding: what the URL conf serves under /api/ is what the document lists."""
    listed = {re.sub(PLACEHOLDER, "x", path).removeprefix("/api/v1/") for path, _method, _op in operations()}
    served = set()
    for text, _callback in dumped():
        if text.startswith("api/v1/"):
            plain = re.sub(r"\(\?P<[a-z_]+>[^)]*\)", "x", text.removeprefix("api/v1/").removeprefix("^"))
            served.add(plain.removesuffix(r"\Z").removesuffix("/?"))
    assert served - listed == {"docs", "redoc", "x"}
    assert listed - served == set()


def test_nobody_calls_the_api_without_signing_in(theirs: dict[str, Any]) -> None:
    """Every operation answers 401 to a stranger, except the few that are public."""
    client = APIClient()
    for path, method, op in operations():
        if op["security"] == [{}]:
            assert PUBLIC.match(path.lstrip("/")), f"{path} is public"
            continue
        answer = call(client, method, PLACEHOLDER.sub(str(theirs["customer"].pk), path))
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert CANARY.lower() not in answer.content.decode().lower()


def test_a_colleague_of_another_team_finds_nothing(theirs: dict[str, Any], rep: Any) -> None:
    """Below the records of another team everything is 404 (or refused before anything is looked up)."""
    client = APIClient()
    client.force_login(rep)
    by_plural = {e.plural: e.name for e in all_entities().values()}
    before = ActivityLog.objects.filter(entity_id__in=[r.pk for r in theirs.values()]).count()
    for path, method, _op in operations():
        first = path.removeprefix("/api/v1/").split("/")[0]
        record = theirs.get(by_plural.get(first, ""))
        if record is None or "{id}" not in path:
            continue
        answer = call(client, method, PLACEHOLDER.sub(str(record.pk), path))
        # A body that is refused is refused alike for a record that never was.
        other = call(client, method, PLACEHOLDER.sub(str(uuid.uuid4()), path))
        assert answer.status_code == other.status_code, (method, path, answer.status_code, other.status_code)
        assert answer.status_code in (400, 403, 404, 415), (method, path, answer.status_code, answer.content)
        assert without_ids(answer) == without_ids(other), (method, path)
        assert CANARY.lower() not in answer.content.decode().lower(), (method, path)
    assert ActivityLog.objects.filter(entity_id__in=[r.pk for r in theirs.values()]).count() == before
    for record in theirs.values():
        version = record.version
        record.refresh_from_db()
        assert (record.version, record.deleted_at) == (version, None)


def without_ids(answer: Any) -> Any:
    """Return an error without what names the request."""
    error = json.loads(answer.content)["error"]
    error.pop("request_id")
    return error


def test_lists_search_and_reports_do_not_betray_others(theirs: dict[str, Any], rep: Any) -> None:
    """No canary in anything that can be read without an id."""
    client = APIClient()
    client.force_login(rep)
    for path, method, _op in operations():
        if method != "GET" or "{" in path:
            continue
        for query in ("", "?q=canaryb", "?q=7919"):
            answer = client.get(path + query)
            assert answer.status_code < 500, (path, answer.content)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if path != "/api/v1/schema":
                assert CANARY.lower() not in body.decode(errors="replace").lower(), (path, query)
                assert "7919" not in body.decode(errors="replace"), (path, query)


def test_every_role_gets_an_answer_from_every_operation(theirs: dict[str, Any], cast: Any) -> None:
    """No operation fails for anyone, whatever his role; what is refused is refused in the envelope."""
    for name in ("readonly", "support", "marketing", "manager"):
        client = APIClient()
        client.force_login(cast(name))
        for path, method, _op in operations():
            if "/auth/" in path:
                continue
            answer = call(client, method, PLACEHOLDER.sub(str(uuid.uuid4()), path))
            assert answer.status_code < 500, (name, method, path, answer.content)
            if answer.status_code >= 400:
                assert json.loads(answer.content)["success"] is False


def page_addresses(theirs: dict[str, Any]) -> list[str]:
    """Return an address for every page, once for each kind of record it may be about."""
    found = []
    for text, _callback in dumped():
        if text.startswith("api/") or SKIPPED_PAGES.match(text):
            continue
        for record in theirs.values():
            found.append(address_of(text, record.pk))
    return sorted(set(found))


def test_no_page_opens_without_signing_in(theirs: dict[str, Any]) -> None:
    """Every page leads to the sign-in, or is 401, 403 or 404."""
    client = Client(raise_request_exception=False)
    for address in page_addresses(theirs):
        for method in ("GET", "POST"):
            answer = client.generic(method, address)
            assert answer.status_code < 500, (method, address)
            body = b"" if answer.streaming else answer.content
            assert CANARY.lower().encode() not in body.lower(), (method, address)
            if answer.status_code == 200:
                assert PUBLIC.match(address.lstrip("/")), (method, address)


def test_no_page_shows_what_belongs_to_another_team(theirs: dict[str, Any], rep: Any) -> None:
    """No page and no part of one shows a colleague's canary."""
    client = Client(raise_request_exception=False)
    client.force_login(rep)
    for address in page_addresses(theirs):
        if "sign-out" in address or "logout" in address:
            continue
        for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
            answer = client.get(address, **headers)
            assert answer.status_code < 500, address
            body = b"" if answer.streaming else answer.content
            assert CANARY.lower().encode() not in body.lower(), address
