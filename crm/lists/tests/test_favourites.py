"""The favourites of the side bar."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from crm.lists.models import Favourite, SavedView
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_records_and_views_are_kept_in_the_order_one_wants(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Starred things stand in the side bar, can be moved and taken out; nobody else's are touched."""
    client, record = client_for(rep), CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep)
    view = SavedView.objects.create(entity="customer", name="Hot ones", owner=rep)
    other = Favourite.objects.create(user=rep2, entity="customer", record_id=record.pk)
    for address in (f"/customers/{record.pk}/star", f"/customers/views/{view.pk}/star"):
        assert "favourites:changed" in client.post(address, headers=HTMX)["HX-Trigger"]
    shown = client.get("/badges", headers=HTMX).content.decode()
    assert shown.index("Ana Abel") < shown.index("Hot ones")
    assert f"/customers?view={view.pk}" in shown
    first, second = Favourite.objects.filter(user=rep).order_by("position")
    client.post("/favourites/order", {"id": [str(second.pk), str(other.pk), str(first.pk)]}, headers=HTMX)
    shown = client.get("/badges", headers=HTMX).content.decode()
    assert shown.index("Hot ones") < shown.index("Ana Abel")
    client.post(f"/favourites/{other.pk}/remove", headers=HTMX)
    client.post(f"/favourites/{first.pk}/remove", headers=HTMX)
    assert list(Favourite.objects.order_by("pk").values_list("pk", flat=True)) == sorted([second.pk, other.pk])


def test_a_private_view_of_another_is_not_there(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Neither to star nor to see among the favourites."""
    view = SavedView.objects.create(entity="customer", name="Mine alone", owner=rep2)
    client = client_for(rep)
    assert client.post(f"/customers/views/{view.pk}/star", headers=HTMX).status_code == 404
    Favourite.objects.create(user=rep, entity="saved_view", record_id=view.pk)
    assert "Mine alone" not in client.get("/badges", headers=HTMX).content.decode()
