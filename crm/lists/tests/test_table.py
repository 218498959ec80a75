"""The table itself: sums, groups, column menus, values picked at a cell, acts on many, and walking through it."""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from crm.accounts.models import FieldRight, User
from crm.lists.models import SavedView
from crm.lists.state import ListState
from crm.lists.sums import group_totals, totals
from crm.records.entity import entity
from customers.models import Company, Customer
from customers.tests.factories import CompanyFactory, CustomerFactory
from tasks.models import Task

pytestmark = pytest.mark.django_db


def test_each_column_calculates_what_one_wants(rep: User, django_assert_num_queries: Any) -> None:
    """Sums stay apart by currency, averages weigh their rows, counts count; one statement for all."""
    for revenue, currency, staff, industry in ((100, "EUR", 10, "Steel"), (300, "EUR", 20, ""), (50, "USD", None, "Steel")):
        CompanyFactory(assigned_user=rep, annual_revenue=revenue, currency=currency, employees=staff, industry=industry)
    wanted = (("annual_revenue", "max"), ("employees", "avg"), ("industry", "distinct"), ("domain", "none"))
    state = ListState(entity("company"), rep, calculations=wanted, columns=("annual_revenue", "employees", "industry", "domain"))
    assert len(state.shown) == 4
    with django_assert_num_queries(1):
        found = totals(state)
    assert sorted(found["annual_revenue"].values) == ["$50", "€300"]
    assert found["employees"].values == ["15"]
    assert "domain" not in found


def test_groups_have_sizes_and_sums_in_one_statement(
    client_for: Callable[[Any], Client], rep: User, rep2: User, django_assert_max_num_queries: Any
) -> None:
    """Of what one may see; the answer costs the same for one group and for many; nonsense is no error."""
    for status in ("LEAD", "LEAD", "CUSTOMER"):
        CustomerFactory(assigned_user=rep, status=status, score=10)
    CustomerFactory(assigned_user=rep2, status="LEAD", score=90)
    state = ListState(entity("customer"), rep, group="status", columns=("score",))
    found = group_totals(state, ["LEAD", "CUSTOMER"])
    assert (found["LEAD"][""].values, found["LEAD"]["score"].values) == (["2"], ["10"])
    client = client_for(rep)
    page = client.get("/customers?group=status&columns=score").content.decode()
    assert page.count('class="group-row"') == 2
    answer = client.get("/customers/groups?group=status&columns=score&g=LEAD&g=CUSTOMER&g=").json()
    assert answer["LEAD"] == {"": "2", "score": "Average 10"}
    assert client.get("/customers/groups?group=company&g=nonsense").status_code == 404
    assert client.get("/customers/groups?group=assigned_user&g=").json() == {}
    assert client.get("/customers/groups?g=x").status_code == 404


def test_a_column_has_a_menu_and_leaves_the_rest_alone(client_for: Callable[[Any], Client], rep: User) -> None:
    """Sort, move, pin, hide and calculate are addresses; the title can only be sorted and filtered."""
    client = client_for(rep)
    menu = client.get("/customers/column?key=status").content.decode()
    for word in ("Sort ascending", "Filter by this", "Group by this", "Move left", "Pin at the left", "Hide column", "Different"):
        assert word in menu, word
    assert "Hide column" not in client.get("/customers/column?key=name").content.decode()
    assert client.get("/customers/column?key=nope").status_code == 404


def test_a_value_is_picked_at_the_cell_from_what_one_may_see(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Choices, people and linked records; foreign ones are not offered; the choice is saved with its version."""
    record = CustomerFactory(assigned_user=rep, status="LEAD")
    CompanyFactory(name="Mine Ltd", assigned_user=rep)
    CompanyFactory(name="Theirs Ltd", assigned_user=rep2)
    client, base = client_for(rep), f"/customers/{record.pk}/fields"
    assert client.get(f"{base}/status/edit?in=list").content.count(b'name="status"') == 4
    offered = client.get(f"{base}/company/edit?in=list&q=ltd").content.decode()
    assert "Mine Ltd" in offered
    assert "Theirs Ltd" not in offered
    saved = client.post(f"{base}/status", {"in": "cell", "status": "CUSTOMER", "version": record.version})
    assert b"flash" in saved.content
    contested = client.post(f"{base}/status", {"in": "cell", "status": "PROSPECT", "version": record.version})
    assert contested.status_code == 412


def test_many_get_tasks_tags_and_values_at_once(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Each record its task, for its owner; tags come and go by name; foreign records stay untouched."""
    mine = [CustomerFactory(assigned_user=rep) for _ in range(3)]
    other = CustomerFactory(assigned_user=rep2)
    ids = {"ids": [str(o.pk) for o in (*mine, other)]}
    client = client_for(rep)
    assert b"Create a task" in client.post("/customers/bulk/task/form", ids).content
    client.post("/customers/bulk/task", {**ids, "title": "Ring", "due_date": "2030-05-01T10:00"})
    assert sorted(t.customer_id for t in Task.objects.all()) == sorted(o.pk for o in mine)
    assert {t.assigned_user for t in Task.objects.all()} == {rep}
    assert client.post("/customers/bulk/task", {**ids, "title": ""}).status_code == 422
    client.post("/customers/bulk/tag", {**ids, "tags": ["vip", "north"]})
    client.post("/customers/bulk/tag", {**ids, "remove": ["north"]})
    assert [t.name for t in mine[0].tags.all()] == ["vip"]
    assert b'value="department"' in client.post("/customers/bulk/set/form", ids).content
    client.post("/customers/bulk/set", {**ids, "field": "department", "department": "Sales"})
    assert Customer.objects.filter(department="Sales").count() == 3
    answer = client.post("/customers/bulk/set", {**ids, "field": "department", "department": "Buying"}, headers={"HX-Request": "true"})
    assert json.loads(answer["HX-Trigger"])["list:go"]["url"] == "/customers"


def test_previous_and_next_follow_the_view_one_came_from(client_for: Callable[[Any], Client], rep: User) -> None:
    """The filter of a saved view counts, and the place in the list is told."""
    leads = [CustomerFactory(first_name=f"L{i}", last_name="X", assigned_user=rep, status="LEAD") for i in range(3)]
    CustomerFactory(first_name="L1", last_name="Between", assigned_user=rep, status="CUSTOMER")
    criteria = {"version": 1, "all": [{"field": "status", "op": "is", "value": "LEAD"}]}
    view = SavedView.objects.create(entity="customer", name="Leads", owner=rep, criteria=criteria)
    client = client_for(rep)
    origin = quote(f"view={view.pk}", safe="")
    shown = client.get(f"/customers/{leads[1].pk}/neighbours?from={origin}").content.decode()
    assert "2 of 3" in shown
    assert str(leads[0].pk) in shown
    assert str(leads[2].pk) in shown
    assert client.get(f"/customers/{leads[1].pk}/neighbours?from=view%3D{uuid.uuid4()}%26filter%3D%7B").status_code == 200


def test_a_hidden_address_is_no_title(client_for: Callable[[Any], Client], rep: User) -> None:
    """A person without a name has the address for a title, except for those who may not read it."""
    person = CustomerFactory(first_name="", last_name="", email="secret@mail.example", assigned_user=rep, phone="+14155550100")
    assert "secret@mail.example" in client_for(rep).get(f"/customers/{person.pk}").content.decode()
    FieldRight.objects.create(role=rep.role, entity="customer", field="email", level="hidden")
    client = client_for(User.objects.get(pk=rep.pk))
    for path in ("/customers", f"/customers/{person.pk}", f"/customers/{person.pk}?peek=1", "/options/customer", f"/customers/{person.pk}/reach"):
        text = client.get(path).content.decode()
        assert "secret@mail.example" not in text, path
    assert "+1 415-555-0100" in client.get("/customers?columns=email,phone").content.decode()


def test_the_columns_of_the_list_are_exported(client_for: Callable[[Any], Client], manager: User) -> None:
    """Only them, in the chosen formats."""
    CompanyFactory(name="Acme", assigned_user=manager, industry="Steel", domain="acme.example")
    answer: Any = client_for(manager).get("/export?entity=company&shown=1&format=csv&columns=industry")
    text = b"".join(answer.streaming_content).decode()
    assert "Steel" in text
    assert "acme.example" not in text
    assert Company.objects.count() == 1


def test_whoever_only_reads_is_offered_nothing_to_write(client_for: Callable[[Any], Client], readonly: User, admin: User) -> None:
    """No cell opens, no act is offered, and each is refused by its address; the views are one's own all the same."""
    record = CustomerFactory(assigned_user=admin, status="LEAD")
    client = client_for(readonly)
    page = client.get("/customers").content.decode()
    assert str(record.pk) in page
    for part in ("data-cell", "/bulk/assign", "/bulk/delete", "/bulk/set", "/bulk/task", "data-merge", "data-create"):
        assert part not in page, part
    for act in ("assign", "set", "delete", "archive", "tag", "task"):
        answer = client.post(f"/customers/bulk/{act}", {"ids": [str(record.pk)], "field": "status", "status": "CUSTOMER", "tags": "x", "title": "x"})
        assert answer.status_code < 500, act
    record.refresh_from_db()
    assert (record.status, record.deleted_at, record.tags.count(), Task.objects.count()) == ("LEAD", None, 0, 0)
    assert client.post("/customers/views/new", {"name": "Mine"}).status_code == 302
