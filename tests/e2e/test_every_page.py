"""Every page: accessible, no wider than the screen, nothing in the console; and a path without a mouse."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from crm.accounts.models import User
from crm.workspace.services.setup import ensure_reference_data
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from sales.tests.factories import DealFactory
from tasks.tests.factories import TaskFactory
from tests.e2e.conftest import axe, playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [
    "/", "/customers", "/customers?facets=1&group=status", "/customers?q=nobody", "/customers/{customer}", "/customers/{customer}?tab=contacts",
    "/customers/{customer}?tab=documents", "/customers/{customer}?tab=comments", "/customers/new", "/customers/{customer}/edit", "/companies", "/products",
    "/interactions", "/deals", "/deals?layout=table", "/deals?layout=forecast", "/deals?layout=board&lanes=status",
    "/deals/{deal}", "/deals/new", "/tasks", "/tasks?layout=board", "/tasks?layout=calendar",
    "/search?q=ana", "/reports", "/dashboards", "/notifications", "/changes", "/imports", "/import", "/jobs", "/trash", "/nope",
    "/history/customer/{customer}", "/access/customer/{customer}", "/merge/customer/{customer}", "/settings", "/settings/profile",
    "/settings/security", "/settings/users", "/settings/users/invite", "/settings/roles", "/settings/teams", "/settings/workspace",
    "/settings/rates", "/settings/pipelines", "/settings/audit", "/settings/deliveries", "/notifications/settings", "/styleguide",
]


@pytest.mark.parametrize("phone", [False, True], ids=["light desktop", "dark phone"])
def test_every_page_is_accessible_and_fits(open_as: Callable[..., Any], admin: User, phone: bool) -> None:
    """No violation of the accessibility rules; nothing wider than the screen, down to 320 pixels."""
    ensure_reference_data()
    customer = CustomerFactory(first_name="Ana", last_name="Abel-" + "Long" * 20, assigned_user=admin, phone="+12025550123")
    deal = DealFactory(customer=customer, assigned_user=admin)
    TaskFactory(assigned_user=admin, customer=customer)
    page = open_as(admin, "/", phone=phone, dark=phone)
    site, found = page.url.rstrip("/"), []
    for path in PAGES:
        page.goto(site + path.format(customer=customer.pk, deal=deal.pk))
        page.wait_for_selector("html[data-ready]")
        if path != "/styleguide":  # which shows what loading looks like
            expect(page.locator(".skel:visible")).to_have_count(0)
        found += [f"{path}: {bad}" for bad in axe(page)]
        for width in (390, 320) if phone else (1440,):
            page.set_viewport_size({"width": width, "height": 844})
            if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                found.append(f"{path}: wider than {width}")
        if phone:
            page.set_viewport_size({"width": 390, "height": 844})
    assert not found, "\n".join(found)


def test_without_a_mouse_from_the_list_to_a_record_and_back(open_as: Callable[..., Any], rep: User) -> None:
    """J and Enter open a record, Tab reaches a field, Enter edits and saves it, and the way back leads to the list."""
    ensure_reference_data()
    CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep, job_title="")
    page = open_as(rep, "/customers")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/customers/[0-9a-f-]{36}"))
    page.wait_for_selector("html[data-ready]")
    for _step in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('[data-field]')?.querySelector('dt')?.textContent") == "Job title":
            break
    page.keyboard.press("Enter")
    expect(page.locator("crm-inline [name=job_title]")).to_be_focused()
    page.keyboard.type("Pilot")
    page.keyboard.press("Enter")
    expect(page.locator("[data-field]:has(dt:text-is('Job title')) button")).to_be_focused()
    assert Customer.objects.get().job_title == "Pilot"
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/customers")


def test_two_people_edit_one_field(open_as: Callable[..., Any], rep: User, admin: User) -> None:
    """The second is shown both values and decides; what he keeps is what stands."""
    ensure_reference_data()
    record = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep, department="")
    pages = [open_as(user, f"/customers/{record.pk}") for user in (rep, admin)]
    for page in pages:
        page.locator("[data-field]:has(dt:text-is('Department')) button").click()
        expect(page.locator("crm-inline [name=department]")).to_be_focused()
    for page, value in zip(pages, ("First", "Second"), strict=True):
        page.fill("crm-inline [name=department]", value)
        page.keyboard.press("Enter")
        page.wait_for_selector(".flash, [data-conflict]")
    conflict = pages[1].locator("[data-conflict]")
    expect(conflict).to_contain_text("First")
    expect(conflict).to_contain_text("Second")
    conflict.get_by_role("button", name="Keep mine").click()
    pages[1].wait_for_selector(".fval:has-text('Second')")
    record.refresh_from_db()
    assert record.department == "Second"


def test_the_palette_finds_and_opens(open_as: Callable[..., Any], rep: User) -> None:
    """Typing fast and pressing Enter opens what was typed."""
    ensure_reference_data()
    record = CustomerFactory(first_name="Zuleika", last_name="Abel", assigned_user=rep)
    page = open_as(rep, "/customers")
    page.keyboard.press("Control+k")
    page.keyboard.type("Zuleika")
    page.wait_for_selector("#cmd-list [role=option]:has-text('Zuleika')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customers/{record.pk}")
    assert page.url.endswith(str(record.pk))
