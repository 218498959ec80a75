"""What does not say its currency has that of the workspace, whichever door it came through."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from crm.transfer.services import carry_out, check, receive, settle, suggest
from crm.workspace.models import Workspace
from customers.models import Company
from customers.tests.factories import CompanyFactory
from sales.models import Deal, Product

pytestmark = pytest.mark.django_db
NOUNS = [("deal", "deals", Deal, "title"), ("product", "products", Product, "name"), ("company", "companies", Company, "name")]


@pytest.fixture(autouse=True)
def francs(db: Any) -> None:
    """Let the workspace reckon in francs."""
    Workspace.objects.update_or_create(only=True, defaults={"currency": "CHF"})


def whose(model: Any) -> dict[str, str]:
    """Return whose a new record is, where it must be somebody's."""
    return {"company": str(CompanyFactory().pk)} if model is Deal else {}


@pytest.fixture(params=NOUNS, ids=[n[0] for n in NOUNS])
def noun(request: Any) -> tuple[str, str, Any, str]:
    """Return each noun that has a currency."""
    return request.param  # type: ignore[no-any-return]


def test_the_api(noun: Any, api: Callable[..., Any], admin: Any) -> None:
    _name, plural, model, title = noun
    made = api(admin).post(f"/api/v1/{plural}", {title: "Thing", **whose(model)}, format="json")
    assert made.status_code == 201, made.content
    assert (made.json()["data"]["currency"], model.objects.get(**{title: "Thing"}).currency) == ("CHF", "CHF")


@pytest.mark.parametrize("quick", ["", "1"])
def test_forms(noun: Any, quick: str, client_for: Callable[..., Any], admin: Any) -> None:
    _name, plural, model, title = noun
    page = client_for(admin).get(f"/{plural}/new", {"quick": quick}).content.decode()
    if 'name="currency"' in page:
        assert 'value="CHF"' in page
    made = client_for(admin).post(f"/{plural}/new?quick={quick}", {title: "Thing", **whose(model)})
    assert made.status_code in (200, 204, 302), made.content
    assert model.objects.get(**{title: "Thing"}).currency == "CHF"


def test_the_import(noun: Any, admin: Any) -> None:
    name, _plural, model, title = noun
    content = f"{title},company\nThing,Acme\n" if model is Deal else f"{title}\nThing\n"
    run = receive(file=BytesIO(content.encode()), name="a.csv", of=name, actor=admin, options=None)
    settle(run, suggest(run, admin).as_dict(), admin)
    check(run, admin)
    carry_out(run, admin)
    assert model.objects.get().currency == "CHF"
