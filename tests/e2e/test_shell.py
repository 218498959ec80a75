"""The shell around the pages: it stays while pages change, and nothing typed is lost when something fails."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from crm.accounts.models import User
from crm.records.models import Note
from crm.workspace.services.setup import ensure_reference_data
from customers.tests.factories import CustomerFactory
from tests.e2e.conftest import playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reference_data(transactional_db: None) -> None:
    """Bring back what the last test's flush took away."""
    ensure_reference_data()


def go_to(page: Any, path: str, title: str) -> None:
    """Follow an entry of the side bar."""
    page.click(f".side .nav[href='{path}']")
    expect(page).to_have_title(re.compile(f"^{title} · "))


def test_pages_change_in_place_and_back_leads_where_one_was(open_as: Callable[..., Any], rep: User) -> None:
    """One document for many pages: title, mark of the side bar, focus and announcement follow; so do back and forward."""
    for number in range(60):
        CustomerFactory(first_name=f"P{number:02}", last_name="Abel", assigned_user=rep)
    page = open_as(rep, "/")
    page.evaluate("window.mark = 1")
    go_to(page, "/deals", "Sales")
    go_to(page, "/customers", "Customers")
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("#say")).to_have_text("Customers")
    expect(page.locator(".side [aria-current]")).to_have_text("Customers")
    link = page.locator("tbody a[data-record]").nth(45)
    link.scroll_into_view_if_needed()
    name = link.inner_text()
    link.click()
    expect(page).to_have_title(re.compile(f"^{name}"))
    page.go_back()
    expect(page).to_have_title(re.compile("^Customers · "))
    back = page.locator(f"tbody a[data-record]:has-text('{name}')")
    expect(back).to_be_focused()
    expect(back).to_be_in_viewport()
    page.go_forward()
    expect(page).to_have_title(re.compile(f"^{name}"))
    assert page.evaluate("window.mark") == 1
    page.keyboard.press("[")
    expect(page.locator("html")).to_have_attribute("data-rail", "")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("c")
    expect(page.locator("#dialog [name=first_name]")).to_be_focused()


def test_an_ended_session_costs_no_word(open_as: Callable[..., Any], rep: User) -> None:
    """Typed, reloaded, signed out behind one's back: one signs in over the page, and what was typed is sent."""
    rep.set_password("a-long-winter-night")
    rep.save()
    record: Any = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep)
    page = open_as(rep, f"/customers/{record.pk}")
    page.wait_for_selector("#composer textarea")
    page.fill("#composer textarea", "Half a thought")
    page.wait_for_timeout(600)
    page.reload()
    expect(page.locator("#composer textarea")).to_have_value("Half a thought")
    expect(page.locator(".draft-note")).to_be_visible()
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.click("#composer .btn-primary")
    page.fill("#entrance [name=login]", rep.email)
    page.fill("#entrance [name=password]", "a-long-winter-night")
    page.keyboard.press("Enter")
    expect(page.locator(".toast:has-text('Note added')")).to_be_visible()
    assert Note.objects.get().content == "Half a thought"
    assert page.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('draft:'))") == []


def test_what_fails_says_so_in_place(open_as: Callable[..., Any], rep: User, complaints: list[str]) -> None:
    """A broken answer and no connection: the text stays, the reason stands beside it, and it can be tried again."""
    record: Any = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep)
    page = open_as(rep, f"/customers/{record.pk}")
    page.wait_for_selector("#composer textarea")
    broken = "**/compose"
    page.route(broken, lambda route: route.fulfill(status=500, headers={"X-Request-ID": "quote-me"}, body=""))
    page.fill("#composer textarea", "Kept")
    page.click("#composer .btn-primary")
    failed = page.locator("#composer .failed")
    expect(failed).to_contain_text("quote-me")
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.unroute(broken)
    page.context.set_offline(True)
    failed.get_by_role("button").click()
    expect(failed).to_contain_text("No connection")
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#composer textarea")).to_have_value("Kept")
    page.context.set_offline(False)
    expect(page.locator(".toast:has-text('Note added')")).to_be_visible()
    assert Note.objects.count() == 1
    complaints[:] = [c for c in complaints if "500" not in c and "Failed to fetch" not in c and "ERR_INTERNET" not in c]
