"""Lists: what they show to whom, in which order, and at which cost."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from crm.accounts.models import User
from crm.lists import query
from crm.lists.state import ListState, read
from crm.records.entity import entity
from crm.records.services import create_record
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def names(client: Client, path: str) -> list[str]:
    """Return the titles of the rows of a list."""
    return re.findall(r'data-title="([^"]*)"', client.get(path).content.decode())


def test_a_list_costs_the_same_however_long_it_is(
    client_for: Callable[[Any], Client], admin: User, django_assert_max_num_queries: Any
) -> None:
    """Six statements of its own, and the unread count of the bell."""
    for i in range(60):
        CustomerFactory(first_name=f"P{i}", assigned_user=admin)
    client = client_for(admin)
    client.get("/customers")
    with django_assert_max_num_queries(7):
        answer = client.get("/customers")
    assert answer.content.decode().count("data-id=") == query.PAGE


def test_only_what_one_may_see_is_listed(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Another team's records are not in the rows, not in the count, not in the facets."""
    CustomerFactory(first_name="Mine", last_name="A", assigned_user=rep)
    CustomerFactory(first_name="Theirs", last_name="B", assigned_user=rep2)
    client = client_for(rep)
    assert names(client, "/customers") == ["Mine A"]
    assert names(client, "/customers?q=Theirs") == []
    assert "Rafi" not in client.get("/customers/facets").content.decode()


def test_pages_by_key_neither_repeat_nor_skip(admin: User, rep: User) -> None:
    """Following the cursor through equal and empty sort values meets every row exactly once."""
    for i in range(130):
        CustomerFactory(first_name=f"P{i:03}", job_title="Same" if i % 2 else "", assigned_user=None if i % 3 == 0 else rep)
    for sort in ("name", "-created_at", "assigned_user", "-assigned_user", "job_title", "company"):
        state = ListState(entity("customer"), admin, sort=(sort,))
        seen: list[Any] = []
        after = ""
        while True:
            found = query.page(state, after)
            seen += [row.pk for row in found.rows]
            if not found.next:
                break
            after = found.next
        assert len(seen) == len(set(seen)) == 130, sort


def test_many_rows_come_at_once_to_whoever_returns_to_a_place_far_down(client_for: Callable[[Any], Client], admin: User) -> None:
    """The rows after a cursor come ten pages at a time when that is asked for, and by the page otherwise."""
    for i in range(130):
        CustomerFactory(first_name=f"P{i:03}")
    after = query.page(ListState(entity("customer"), admin)).next
    client = client_for(admin)
    counts = [client.get(f"/customers?after={after}{more}", HTTP_HX_REQUEST="true").content.decode().count('<tr id="row-') for more in ("", "&many=1")]
    assert counts == [50, 80]


def test_neighbours_follow_the_order(admin: User, rep: User) -> None:
    """Previous and next walk the list as it is sorted, also past empty values."""
    for i in range(5):
        CustomerFactory(first_name=f"P{i}", assigned_user=rep if i < 3 else None)
    state = ListState(entity("customer"), admin, sort=("assigned_user",))
    rows = query.page(state).rows
    for before, here, after in zip([None, *rows], rows, [*rows[1:], None], strict=False):
        found = query.neighbours(state, here)
        assert found == (before.pk if before else None, after.pk if after else None)


def test_a_broken_address_is_told_not_raised(client_for: Callable[[Any], Client], admin: User) -> None:
    """Garbage in the address gives the list with a notice, never an error page."""
    client = client_for(admin)
    for bad in (
        {"filter": "{"}, {"filter": "[[[["}, {"filter": json.dumps([{"field": "nope", "op": "is", "value": 1}])},
        {"filter": json.dumps([{"field": "status", "op": "is", "value": "\x00"}])}, {"sort": "nope,-also"}, {"columns": "x" * 500},
        {"after": "AAAA"}, {"after": "bnVsbA"}, {"group": "nope"}, {"q": "\x00'\"%"}, {"filter": "[" * 5000},
    ):
        assert client.get(f"/customers?{urlencode(bad)}").status_code == 200, bad
    assert client.get("/customers?view=not-a-view").status_code == 404


def test_a_state_survives_its_own_address(admin: User, rf: Any) -> None:
    """What the address says is read back the same."""
    tree = ({"field": "status", "op": "is_any_of", "value": ["LEAD"]},)
    state = ListState(entity("customer"), admin, q="ana", clauses=tree, sort=("-created_at",), columns=("email", "phone"), group="status")
    again = read(entity("customer"), rf.get(state.url).GET, admin)
    assert again.params() == state.params()


def test_find_needs_every_word(client_for: Callable[[Any], Client], admin: User) -> None:
    """“Find in view” looks for all words, without case and accents."""
    CustomerFactory(first_name="Zoë", last_name="Müller")
    CustomerFactory(first_name="Zoe", last_name="Other")
    assert names(client_for(admin), "/customers?q=zoe+muller") == ["Zoë Müller"]


def test_a_filter_form_leads_to_the_filtered_list(client_for: Callable[[Any], Client], admin: User) -> None:
    """The form behind a chip writes the filter into the address, and refuses what does not fit with 422."""
    client = client_for(admin)
    good = client.get("/customers/filter?field=status&op=is_any_of&value=LEAD&apply=1")
    assert good.status_code == 302
    assert "LEAD" in good["Location"]
    bad = client.get("/customers/filter?field=created_at&op=on&value=tomorrowish&apply=1")
    assert bad.status_code == 422
    assert b"tomorrowish" in bad.content


def test_saved_views_are_private_until_shared(client_for: Callable[[Any], Client], admin: User, rep: User) -> None:
    """Others see a view only when it is shared; a foreign private one is 404."""
    made = create_record(of="saved_view", data={"name": "Mine", "entity": "customer", "sort": ["-created_at"]}, actor=rep)
    assert client_for(rep).get(f"/customers?view={made.pk}").status_code == 200
    assert client_for(admin).get(f"/customers?view={made.pk}").status_code == 404
    made.sharing = "everyone"
    made.save(update_fields=["sharing"])
    assert client_for(admin).get(f"/customers?view={made.pk}").status_code == 200


def test_options_show_what_one_may_see(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """A picker never offers a record of others."""
    CustomerFactory(first_name="Mine", assigned_user=rep)
    CustomerFactory(first_name="Theirs", assigned_user=rep2)
    found = client_for(rep).get("/options/customer").json()["options"]
    assert [o["text"].split()[0] for o in found] == ["Mine"]
    assert client_for(rep).get("/options/nothing").status_code == 404
    assert Customer.objects.count() == 2
