"""Odd values never break a page: they are refused in words or ignored, and no answer is a 5xx (QI-10, CF-01, CF-02)."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from crm.records.services import create_record
from tests.security.addresses import dumped, filled

pytestmark = pytest.mark.django_db

DEEP = "[" * 3000
CURSORS = [
    DEEP, "[" + "9" * 2000 + ', "x"]', '["x", "y"]', "[null, null]", "[1e999, 5]", '["9999-12-31T23:59:59+00:00", "x"]', '["\\u0000", "\\ud800"]',
]
TEXTS = [
    "\x00", b"\xed\xa0\x80", "9" * 5000, "-1", "1e400", "NaN", "²", "٣", "0000-00-00", "9999-12-31", "0001-01-01", "999999999-01-01",
    "[]", "{}", "null", DEEP, "a" * 9000, "ü\u202e\u2028", "name;SELECT pg_sleep(5)--", "-name,(CASE WHEN 1=1 THEN id END)", "%00",
    "../../etc/passwd", "<script>__pwned=1</script>", "' OR 1=1 --", b"\xff\xfe", "00000000-0000-0000-0000-000000000000", "a=1&" * 60,
    "owner__password__startswith", "{0.__class__}", "{{7*7}}",
]
CLAUSES: list[Any] = [
    [{"field": "status", "op": "is", "value": {"a": [1]}}], [{"field": "assigned_user__password", "op": "is", "value": "x"}],
    [{"field": "created_at", "op": "in", "value": {"relative": "last", "n": 10**30, "unit": "year"}}], [[]], [{"any": "x"}], [{"not": []}],
    [{"field": "created_at", "op": "lt", "value": "999999999-01-01"}], [{"field": None, "op": None}], [{"_connector": "OR 1=1"}],
    [{"field": "pk", "op": "is_any_of", "value": []}], [{"related": "deals", "sum": "value", "op": "gt", "value": "1e400"}],
]
BY_ITSELF = ("view", "before", "with", "other", "entity", "user", "record", "change_set", "kind", "from", "to", "filter", "after", "sort")
TOGETHER = (
    "q", "columns", "group", "archived", "facets", "page", "version", "index", "field", "op", "value", "n", "unit", "relative", "tab",
    "peek", "format", "state", "action", "in", "next", "back", "quick", "step", "year", "period", "start", "end", "pipeline", "owner",
    "team", "currency", "level", "all", "ids", "hue", "what", "weeks", "month", "day", "days", "compare", "range", "date",
)
HEADERS = ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Content-Security-Policy")


@pytest.fixture
def records(admin: Any) -> dict[str, Any]:
    """Return a record of each of the kinds whose pages differ most."""
    customer = create_record(of="customer", data={"last_name": "Odd", "email": "odd@example.com"}, actor=admin)
    deal = create_record(of="deal", data={"title": "Odd", "customer": customer.pk}, actor=admin)
    return {"customers": customer, "deals": deal}


def queries(turn: int) -> Iterator[str]:
    """Yield odd queries; each address gets another part of them, all addresses together get them all."""
    values = [*TEXTS, *(json.dumps(c) for c in CLAUSES), *(base64.urlsafe_b64encode(c.encode()).decode().rstrip("=") for c in CURSORS)]
    for i in range(3):
        name = BY_ITSELF[(turn * 3 + i) % len(BY_ITSELF)]
        yield urlencode({name: values[(turn * 7 + i * 5) % len(values)]})
    yield urlencode([(name, values[(turn + i * 3) % len(values)]) for i, name in enumerate(TOGETHER)])


def gettable(records: dict[str, Any]) -> list[str]:
    """Return the address of every page that is read, once for each kind of record where it matters."""
    found = set()
    for text in dumped():
        if text.startswith(("api/", "admin/", "static", "account/", "accounts/", "styleguide")) or "sign-out" in text:
            continue
        for listed, record in records.items():
            found.add(filled(text, record.pk, listed))
    return sorted(found)


def test_no_page_fails_whatever_is_asked(records: dict[str, Any], admin: Any) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    broken: list[Any] = []
    bare: list[Any] = []
    for turn, address in enumerate(gettable(records)):
        first = client.get(address)
        bare += [(address, name) for name in HEADERS if name not in first]
        if first.status_code == 405:
            continue
        for query in queries(turn):
            answer = client.get(f"{address}?{query}", **({"HTTP_HX_REQUEST": "true"} if turn % 2 else {}))
            if answer.streaming:
                b"".join(answer.streaming_content)
            if answer.status_code >= 500:
                broken.append((address, query[:200], str(getattr(answer, "exc_info", ("", ""))[1])[:200]))
    assert broken == []
    assert bare == []


@pytest.mark.parametrize("name", ["view", "filter", "after", "sort", "group"])
def test_no_list_fails_at_any_odd_value(name: str, admin: Any) -> None:
    """The list read the most: every value for every parameter that is read by itself."""
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    values = [*TEXTS, *(json.dumps(c) for c in CLAUSES)]
    if name == "after":
        values = [base64.urlsafe_b64encode(c.encode()).decode().rstrip("=") for c in CURSORS]
    for value in values:
        answer = client.get(f"/deals/sums?{urlencode({name: value})}" if name == "filter" else f"/deals?{urlencode({name: value})}")
        assert answer.status_code < 500, (name, value)


@pytest.mark.parametrize("digits", ["²", "٣", "9" * 5000, "-1", "1e5"])
def test_what_only_looks_like_a_number_is_no_number(records: dict[str, Any], admin: Any, digits: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    url = f"/customers/{records['customers'].pk}"
    sent = [
        client.post(f"{url}/edit", {"last_name": "Odd", "version": digits}),
        client.post(f"{url}/fields/last_name", {"last_name": "Odd", "version": digits}),
        client.post(f"{url}/compose/call", {"content": "x", "minutes": digits}),
        client.get("/customers/filter", {"index": digits, "field": "created_at", "op": "older_than", "n": digits}),
        client.get(f"{url}/neighbours", {"from": "a=1&" * 60 + f"after={digits}"}),
    ]
    assert [a.status_code for a in sent if a.status_code >= 500] == []
