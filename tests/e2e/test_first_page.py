"""What a cold browser loads for a first page, and that nothing of it moves."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.conf import settings

from crm.accounts.models import User
from crm.workspace.services.setup import ensure_reference_data
from customers.tests.factories import CustomerFactory
from sales.models import Pipeline
from sales.tests.factories import DealFactory
from tests.e2e.conftest import playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)

DIST = Path(settings.BASE_DIR) / "static" / "dist"
MOST = 100_000
STILL = 0.001
SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifted += e.value; })
  .observe({ type: 'layout-shift', buffered: true });"""
LOADED = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .map((e) => [new URL(e.name).pathname, e.encodedBodySize])"""


def weight(path: str, sent: int) -> int:
    """Return the bytes of one answer as the product sends it; the server of the tests sends static files as they are."""
    if not path.startswith("/static/"):
        return sent
    file = DIST / path.removeprefix("/static/")
    if not file.is_file() or file.suffix == ".woff2":
        return sent
    return len(brotli.compress(file.read_bytes(), quality=11))


@pytest.fixture
def cold(new_page: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives an empty browser that watches what moves, signed in where somebody is named."""

    def make(user: User | None = None) -> Any:
        page = new_page(user)
        page.add_init_script(SHIFTS)
        return page

    return make


@pytest.fixture
def record(transactional_db: None, manager: User) -> Any:
    """Return a customer among fifty, with deals on the board; another one looks like him."""
    ensure_reference_data()
    stages = list(Pipeline.objects.get(is_default=True).stages.order_by("position"))
    for number in range(48):
        CustomerFactory(first_name=f"P{number:02}", last_name="Abel", assigned_user=manager)
    hana: Any = CustomerFactory(first_name="Hana", last_name="Okafor", assigned_user=manager)
    CustomerFactory(first_name="Hanna", last_name="Okafor", assigned_user=manager)
    for number in range(12):
        DealFactory(stage=stages[number % 3], assigned_user=manager, customer=hana, title=f"Harbour cranes {number}", value=1000 * number)
    return hana


@pytest.mark.parametrize("room", ["home", "list", "record", "board", "tasks", "sign-in"])
def test_a_first_page_is_light_and_still(
    room: str, cold: Callable[..., Any], server: str, manager: User, record: Any
) -> None:
    """At most 100 kB of bodies on a cold browser, no layout shift, and nothing to complain about."""
    path = {"home": "/", "list": "/customers", "record": f"/customers/{record.pk}", "board": "/deals", "tasks": "/tasks", "sign-in": "/account/sign-in"}[room]
    page = cold(None if room == "sign-in" else manager)
    page.goto(server + path)
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(1200)
    if room == "record":
        expect(page.locator("#duplicates")).to_be_visible()

    parts = {name: weight(name, sent) for name, sent in page.evaluate(LOADED)}
    assert {"/static/app.css", "/static/app.js"} <= parts.keys()
    assert sum(parts.values()) <= MOST, sorted(parts.items(), key=lambda part: -part[1])
    assert page.evaluate("window.shifted") < STILL


def test_what_is_asked_for_is_shown_dressed(cold: Callable[..., Any], server: str, manager: User, record: Any) -> None:
    """A quick view and the next page wait for the style sheets of their rooms, however slow these are."""
    page = cold(manager)
    page.route(re.compile(r"/static/(?:record|rooms)[^/]*\.css"), lambda route: (time.sleep(0.6), route.continue_()))
    page.goto(f"{server}/customers")
    page.wait_for_selector("html[data-ready]")
    expect(page.locator("link[rel=stylesheet][disabled]")).to_have_count(4)
    page.keyboard.press("j")
    page.keyboard.press(" ")
    page.wait_for_selector("#peek .rec-head", state="attached")
    assert page.eval_on_selector("#peek .rec-head", "el => getComputedStyle(el).display") == "flex"
    expect(page.locator("link[rel=stylesheet][disabled]")).to_have_count(0)

    page = cold(manager)
    page.route(re.compile(r"/static/(?:record|rooms)[^/]*\.css"), lambda route: (time.sleep(0.6), route.continue_()))
    page.goto(f"{server}/customers")
    page.wait_for_selector("html[data-ready]")
    page.evaluate("document.addEventListener('page:shown', () => { document.body.dataset.seen = getComputedStyle(document.querySelector('.rec')).display; })")
    page.click(f"a[href='/customers/{record.pk}']")
    expect(page.locator("body")).to_have_attribute("data-seen", "grid")
