"""Filters as people make them: chips of three parts, groups of conditions, facets and histograms."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client

from crm.accounts.models import FieldRight, User
from crm.criteria import validate
from crm.lists.builder import Place, clauses_of, from_clauses, from_form
from crm.lists.facets import facets
from crm.lists.filters import chips
from crm.lists.state import ListState
from crm.records.entity import entity
from customers.models import Customer
from customers.tests.factories import CompanyFactory, CustomerFactory

pytestmark = pytest.mark.django_db
TREE = [
    {"field": "status", "op": "is_any_of", "value": ["LEAD", "PROSPECT"]},
    {"any": [{"field": "score", "op": "gte", "value": "50"}, {"not": {"any": [{"field": "email", "op": "is_empty"}]}}]},
    {"field": "created_at", "op": "in", "value": {"relative": "last", "n": 30, "unit": "day"}},
    {"field": "created_at", "op": "older_than", "value": {"n": 3, "unit": "month"}},
    {"field": "birthday", "op": "between", "value": ["1990-01-01", "1999-12-31"]},
    {"related": "company", "where": {"field": "industry", "op": "contains", "value": "steel"}},
    {"related": "deals", "count": {"op": "at_least", "value": 2}, "where": {"all": [{"field": "outcome", "op": "is", "value": "won"}]}},
    {"related": "deals", "sum": "value", "op": "gt", "value": "1000"},
    {"not": {"related": "tasks"}},
]


def filter_in(address: str) -> list[Any]:
    """Return the filter that an address asks for."""
    found: list[Any] = json.loads(parse_qs(urlsplit(address).query)["filter"][0])
    return found


def fields_of(html: str) -> QueryDict:
    """Return what the form of the advanced filter would send."""
    data = QueryDict(mutable=True)
    for tag in re.findall(r"<input[^>]*>", html):
        named, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if named and ('type="checkbox"' not in tag or " checked" in tag):
            data.appendlist(named[1], value[1] if value else "")
    for name, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', html, re.S):
        every, chosen = re.findall(r'value="([^"]*)"', inner), re.findall(r'value="([^"]*)" selected', inner)
        for value in chosen or every[:1]:
            data.appendlist(name, value)
    return data


def test_a_chip_has_three_parts_each_with_its_editor(client_for: Callable[[Any], Client], rep: User) -> None:
    """Another operator keeps the value where it fits, and asks for one where it does not; a linked field has a chip as well."""
    client = client_for(rep)
    clause = {"field": "status", "op": "is_any_of", "value": ["LEAD"]}
    one = chips(ListState(entity("customer"), rep, clauses=(clause,)))[0]
    assert (one.label, one.op, one.value) == ("Status", "is any of", "Lead")
    current = {"filter": json.dumps([clause]), "index": "0", "part": "value"}
    assert filter_in(client.get("/customers/filter", {**current, "op": "is_none_of"})["Location"])[0]["op"] == "is_none_of"
    assert filter_in(client.get("/customers/filter", {**current, "op": "is"})["Location"])[0]["value"] == "LEAD"
    assert filter_in(client.get("/customers/filter", {**current, "op": "is_empty"})["Location"])[0] == {"field": "status", "op": "is_empty"}
    assert client.get("/customers/filter", {**current, "part": "op"}).content.count(b'class="mi"') == 6
    linked = client.get("/customers/filter", {"field": "company.industry", "op": "contains", "value": "steel", "apply": "1"})
    shown = chips(ListState(entity("customer"), rep, clauses=tuple(filter_in(linked["Location"]))))[0]
    assert (shown.label, shown.op, shown.value) == ("Company: Industry", "contains", "“steel”")
    span = client.get("/customers/filter", {"field": "created_at", "op": "in", "relative": "last:n", "n": "12", "unit": "week", "apply": "1"})
    assert filter_in(span["Location"])[0]["value"] == {"relative": "last", "n": 12, "unit": "week"}
    assert client.get("/customers/filter?field=nope").status_code == 422
    assert b"company.industry" in client.get("/customers/filter/fields").content


def test_every_criterion_survives_the_advanced_editor(client_for: Callable[[Any], Client], admin: User) -> None:
    """The form that is drawn for a tree, sent as it is, gives the same tree."""
    checked = tuple(validate({"version": 1, "all": TREE}, Customer, admin)["all"])
    client = client_for(admin)
    html = client.get("/customers/query", {"filter": json.dumps(checked)}).content.decode()
    assert "at least 2" in html
    place = Place(Customer, admin)
    assert clauses_of(from_clauses(checked, place)) == clauses_of(from_form(fields_of(html), Place(Customer, admin)))
    sent = fields_of(html)
    sent["act"] = "apply"
    assert len(filter_in(client.post("/customers/query", sent.urlencode(), content_type="application/x-www-form-urlencoded")["Location"])) == 9


def test_the_advanced_editor_adds_removes_and_refuses(client_for: Callable[[Any], Client], rep: User) -> None:
    """Buttons change the tree; what is not filled in is told at its place; garbage is no error."""
    client = client_for(rep)
    added = client.post("/customers/query", {"act": "link:q"}).content.decode()
    assert 'name="q-0.related"' in added
    assert 'name="q-1.t"' in client.post("/customers/query", {"act": "group:q", "q-0.t": "clause", "q-0.field": "score", "q-0.op": "gte"}).content.decode()
    assert "q-0.t" not in client.post("/customers/query", {"act": "remove:q-0", "q-0.t": "clause", "q-0.field": "score"}).content.decode()
    wrong = client.post("/customers/query", {"act": "apply", "q-0.t": "clause", "q-0.field": "score", "q-0.op": "gte", "q-0.value": "many"})
    assert wrong.status_code == 422
    assert b"field-errors" in wrong.content
    for odd in ({"q-0.t": "link", "q-0.related": "nope"}, {"q-0.t": "clause", "q-0.field": "\x00"}, {"q.mode": "x", "act": "add:q-9-9"}):
        assert client.post("/customers/query", odd).status_code == 200


def test_a_hidden_field_is_nowhere_to_filter_by(client_for: Callable[[Any], Client], rep: User) -> None:
    """Neither in the menu, nor in the advanced editor, nor as a histogram."""
    FieldRight.objects.create(role=rep.role, entity="customer", field="score", level="hidden")
    for i in range(4):
        CustomerFactory(assigned_user=rep, score=i * 20)
    client = client_for(rep)
    for path in ("/customers/filter/fields", "/customers/query", "/customers/facets"):
        assert "Score" not in client.get(path).content.decode(), path


def test_facets_count_and_histograms_limit(client_for: Callable[[Any], Client], rep: User, django_assert_max_num_queries: Any) -> None:
    """A range leads to a filter and back; bars count every row once; the cost does not grow with the rows."""
    company = CompanyFactory(assigned_user=rep)
    for i in range(30):
        CustomerFactory(assigned_user=rep, score=i * 3, company=company)
    state = ListState(entity("customer"), rep)
    found = {f.field.key: f for f in facets(state)}
    assert sum(bar.count for bar in found["score"].bars) == 30
    assert found["status"].options[0].count == 30
    client = client_for(rep)
    there = client.get("/customers/range", {"key": "score", "low": "10", "high": "50"})["Location"]
    assert filter_in(there) == [{"field": "score", "op": "between", "value": ["10", "50"]}]
    again = client.get("/customers/range", {"key": "score", "low": "", "high": "50", "filter": json.dumps(filter_in(there))})["Location"]
    assert filter_in(again) == [{"field": "score", "op": "lte", "value": "50"}]
    assert client.get("/customers/range", {"key": "score", "low": "many"}).status_code == 204
    with django_assert_max_num_queries(24):
        client.get("/customers/facets")
