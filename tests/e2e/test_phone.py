"""A finger, a small screen, a short screen, and a connection that comes and goes."""

from collections.abc import Callable
from typing import Any

import pytest

from crm.accounts.models import User
from crm.workspace.services.setup import ensure_reference_data
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Stage
from sales.tests.factories import DealFactory
from tests.e2e.conftest import axe, playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbau" * 2
OUTSIDE = """() => [...document.querySelectorAll('a, button, input, select, textarea, h1, h2, h3, p')].filter((e) => {
  const box = e.getBoundingClientRect();
  const away = e.closest('.vh, .input-hidden > .ts-control, [popover]:not(:popover-open)');
  if (!e.checkVisibility({ visibilityProperty: true }) || box.width < 2 || away) return false;
  for (let p = e.parentElement; p; p = p.parentElement) {
    const { overflowX, textOverflow } = getComputedStyle(p);
    if (/auto|scroll/.test(overflowX) && p.scrollWidth > p.clientWidth + 1 || textOverflow === 'ellipsis') return false;
  }
  return box.right > innerWidth + 1 || box.left < -1;
}).map((e) => e.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll('input:not([type=checkbox], [type=radio], [type=file], [type=hidden]), select, textarea')]
  .filter((e) => e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < 16).map((e) => e.outerHTML.slice(0, 120))"""


@pytest.fixture
def places(admin: User) -> list[str]:
    """Return the pages of records whose names are one long word."""
    ensure_reference_data()
    company = CompanyFactory(name=WORD, assigned_user=admin)
    stage = Stage.objects.filter(pipeline__is_default=True, outcome="open").order_by("position")[0]
    customer = CustomerFactory(first_name=WORD[:100], last_name=WORD[:100], company=company, assigned_user=admin)
    CustomerFactory(first_name=WORD[:100], last_name=WORD[:100], company=company, assigned_user=admin)
    deal = DealFactory(title=WORD, customer=customer, company=company, stage=stage, pipeline=stage.pipeline, assigned_user=admin)
    return [
        f"/customers/{customer.pk}", f"/customers/{customer.pk}?tab=deals", f"/deals/{deal.pk}", f"/deals/{deal.pk}/edit", "/deals?layout=board",
        f"/search?q={WORD[:20]}", "/customers", "/imports/new", "/settings/security", "/tasks", f"/history/customer/{customer.pk}", "/",
    ]


@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_runs_out_of_a_small_phone(open_as: Callable[..., Any], admin: User, places: list[str], language: str) -> None:
    """Long names and long German words wrap, scroll or end in dots; no field makes iOS zoom."""
    admin.language = language
    admin.save(update_fields=["language"])
    page = open_as(admin, "/", phone=True)
    site, found = page.url.rstrip("/"), []
    page.set_viewport_size({"width": 320, "height": 640})
    for path in places:
        page.goto(site + path)
        page.wait_for_selector("html[data-ready]")
        expect(page.locator(".skel:visible")).to_have_count(0)
        found += [f"{path}: outside: {html}" for html in page.evaluate(OUTSIDE)]
        found += [f"{path}: small: {html}" for html in page.evaluate(SMALL)]
    assert not found, "\n".join(found)


def test_a_short_screen_reaches_everything(open_as: Callable[..., Any], admin: User, places: list[str]) -> None:
    """At 400 % of a laptop (and on a phone on its side) the head scrolls away; rows, cards and fields come into reach."""
    page = open_as(admin, "/customers")
    site = page.url.removesuffix("/customers")
    page.set_viewport_size({"width": 360, "height": 225})
    for path, what in (("/customers", "tr[data-id]"), (places[0], ".ev"), ("/deals?layout=board", ".deal"), ("/settings", ".set-tile")):
        page.goto(site + path)
        page.wait_for_selector("html[data-ready]")
        last = page.locator(what).last
        last.scroll_into_view_if_needed()
        seen = last.evaluate("""(e) => {
          const box = e.getBoundingClientRect();
          const hit = document.elementFromPoint(box.left + box.width / 2, Math.min(box.bottom, innerHeight) - 1 - Math.min(box.height, 40) / 2);
          return !!hit && (e.contains(hit) || !!hit.closest('.tabbar'));
        }""")
        assert seen, f"{path}: {what} cannot be seen"
        room = page.locator(".sheet").evaluate("(e) => e.clientHeight")
        assert room > 120, f"{path}: {room} pixels are left"


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desktop"])
def test_the_chosen_tab_is_in_sight(open_as: Callable[..., Any], admin: User, places: list[str], phone: bool) -> None:
    """The strip of tabs scrolls to the one whose panel is shown, when the page opens and when one is chosen."""
    page = open_as(admin, places[0] + "?tab=comments", phone=phone)
    for _choice in range(2):
        tab = page.locator(".rec-tabs [aria-selected=true]")
        expect(tab).to_be_in_viewport(ratio=0.95)
        page.locator(".rec-tabs [role=tab]:visible").first.click()


def test_no_connection_covers_nothing(open_as: Callable[..., Any], admin: User, places: list[str]) -> None:
    """The line about it stands above the page, whose head stays readable."""
    page = open_as(admin, "/customers", phone=True)
    page.context.set_offline(True)
    banner = page.locator("#offline")
    expect(banner).to_be_visible()
    box, head = banner.bounding_box(), page.locator("h1").bounding_box()
    assert box["y"] + box["height"] <= head["y"]
    assert axe(page) == []
    page.context.set_offline(False)
    expect(banner).to_be_hidden()
