"""A day in German: pages say it, fit it, and take numbers as Germans type them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from crm.accounts.models import User
from crm.ui.build import words
from crm.workspace.services.setup import ensure_reference_data
from customers.tests.factories import CustomerFactory
from sales.tests.factories import DealFactory
from tests.e2e.conftest import axe, playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["/", "/customers", "/deals?layout=board", "/tasks", "/settings/profile"]


@pytest.fixture
def german(rep: User) -> User:
    """Return a person who has chosen German."""
    words.compile_all(settings.BASE_DIR)
    ensure_reference_data()
    rep.language, rep.time_zone = "de", "Europe/Berlin"
    rep.save(update_fields=["language", "time_zone"])
    return rep


def test_a_day_in_german(open_as: Callable[..., Any], german: User) -> None:
    """Every page names its language, has no violation, and is no wider than a small phone."""
    customer = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=german)
    deal = DealFactory(customer=customer, assigned_user=german, value="1234567.50", currency="EUR")
    page = open_as(german, "/")
    site, found = page.url.rstrip("/"), []
    for path in [*PAGES, f"/customers/{customer.pk}", f"/deals/{deal.pk}"]:
        page.goto(site + path)
        page.wait_for_selector("html[data-ready][lang=de][dir=ltr]")
        found += [f"{path}: {bad}" for bad in axe(page)]
        page.set_viewport_size({"width": 320, "height": 640})
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found.append(f"{path}: wider than 320")
        page.set_viewport_size({"width": 1440, "height": 900})
    assert not found, "\n".join(found)
    expect(page.get_by_role("navigation").first).to_contain_text("Aufgaben")
    page.goto(f"{site}/deals/{deal.pk}/edit")
    value = page.locator("[name=value]")
    expect(value).to_have_value("1234567,50")
    value.fill("1.234,5")
    value.press("Enter")
    page.wait_for_url(f"**/deals/{deal.pk}")
    expect(page.locator("main")).to_contain_text("1.234,50\u00a0€")
    deal.refresh_from_db()
    assert deal.value == Decimal("1234.50")


def test_the_sign_in_offers_the_languages(open_as: Callable[..., Any], german: User) -> None:
    """Whoever has not signed in reads the language of the browser, or the one that is chosen."""
    page = open_as(german, "/")
    page.context.clear_cookies()
    page.goto(page.url.rstrip("/") + "/account/sign-in")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    assert axe(page) == []
