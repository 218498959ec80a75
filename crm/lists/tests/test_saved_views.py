"""Saved views: what they keep, who may change them, and how each person orders them."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.lists.models import SavedView, ViewTab
from crm.lists.state import from_view
from crm.records.entity import entity
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
LOOK = {
    "filter": '[{"field":"status","op":"is","value":"LEAD"}]', "sort": "-created_at", "columns": "email,phone", "group": "status",
    "widths": "email:300", "calculations": "phone:filled", "frozen": "phone", "density": "compact",
}


def test_a_view_keeps_how_the_list_looks(client_for: Callable[[Any], Client], rep: User) -> None:
    """Filter, order, columns, widths, calculations, pinned columns, grouping and density come back; a change shows."""
    client = client_for(rep)
    CustomerFactory(assigned_user=rep)
    assert client.post("/customers/views/new", {"name": "Leads", "pinned": "1", **LOOK}).status_code == 302
    view = SavedView.objects.get()
    state = from_view(view, entity("customer"), rep)
    assert (state.widths, state.calculations, state.frozen, state.density) == ((("email", 300),), (("phone", "filled"),), ("phone",), "compact")
    assert [f.key for f in state.shown] == ["phone", "email"]
    assert state.params() == {"view": str(view.pk)}
    page = client.get(f"/customers?view={view.pk}").content.decode()
    assert '<col width="300" data-key="email" data-set>' in page
    assert "save-view" not in page
    assert "save-view" in client.get(f"/customers?view={view.pk}&density=").content.decode()
    client.post(f"/customers/views/{view.pk}/update", {"view": str(view.pk), "filter": "[]"})
    view.refresh_from_db()
    assert view.criteria == {}
    assert view.widths == {"email": 300}


def test_each_person_keeps_the_tabs_in_an_order_of_ones_own(client_for: Callable[[Any], Client], rep: User, manager: User) -> None:
    """Order, hiding and the view that opens first are one's own; a foreign private view is not there."""
    names = ["One", "Two", "Three"]
    views = [SavedView.objects.create(entity="customer", name=n, owner=manager, sharing="everyone", position=i) for i, n in enumerate(names)]
    client = client_for(rep)

    def tabs(who: Client) -> list[str]:
        page = who.get("/customers?view=all").content.decode()
        return sorted((n for n in names if f">{n}" in page or f"</svg>{n}" in page), key=page.index)

    client.post(f"/customers/views/{views[2].pk}/earlier")
    assert tabs(client) == ["One", "Three", "Two"]
    client.post(f"/customers/views/order?ids={views[1].pk}&ids={views[0].pk}&ids={uuid.uuid4()}&ids=nonsense")
    assert tabs(client) == ["Two", "One", "Three"]
    client.post(f"/customers/views/{views[0].pk}/hide")
    client.post(f"/customers/views/{views[1].pk}/prefer")
    client.post(f"/customers/views/{views[2].pk}/prefer")
    assert client.get("/customers").context["state"].view == views[2]
    assert client.get("/customers?view=all").context["state"].view is None
    assert ViewTab.objects.filter(user=rep, is_default=True).count() == 1
    assert tabs(client_for(manager)) == names
    client.post("/customers/views/all/prefer")
    assert client.get("/customers").context["state"].view is None
    private = SavedView.objects.create(entity="customer", name="Mine", owner=manager)
    for act in ("prefer", "hide", "earlier", "update", "star"):
        assert client.post(f"/customers/views/{private.pk}/{act}").status_code == 404


def test_a_shared_view_is_changed_by_its_owner_and_comes_back_after_deletion(
    client_for: Callable[[Any], Client], rep: User, manager: User
) -> None:
    """Others only save their own copy; deleting is taken back by undo."""
    view = SavedView.objects.create(entity="customer", name="Shared", owner=manager, sharing="everyone")
    assert client_for(rep).post(f"/customers/views/{view.pk}/update", LOOK).status_code == 403
    assert client_for(rep).post(f"/customers/views/{view.pk}", {"delete": "1"}).status_code in (403, 422)
    client_for(manager).post(f"/customers/views/{view.pk}", {"delete": "1"})
    assert not SavedView.objects.exists()
    undo(change_set=ChangeSet.objects.latest("created_at"), actor=manager)
    assert SavedView.objects.get().name == "Shared"


def test_a_view_over_the_api_is_checked(api: Callable[[Any], Any], rep: User) -> None:
    """Widths, calculations and layout are refused where they make no sense."""
    good = {"name": "A", "entity": "deal", "widths": {"value": 200}, "calculations": {"value": "max"}, "layout": "board", "density": "compact"}
    made = api(rep).post("/api/v1/views", good, format="json")
    assert made.status_code == 201, made.content
    for bad in ({"widths": {"value": 9}}, {"widths": {"nope": 100}}, {"calculations": {"value": "explode"}}, {"layout": "cube"}, {"frozen": ["nope"]}):
        assert api(rep).post("/api/v1/views", {**good, "name": "B", **bad}, format="json").status_code == 400, bad
