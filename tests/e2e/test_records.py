"""What people do with records, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from crm.accounts.models import User
from crm.lists.models import SavedView
from crm.workspace.services.setup import ensure_reference_data
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from tasks.models import Task
from tests.e2e.conftest import axe, playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reference_data(transactional_db: None) -> None:
    """Bring back what the last test's flush took away."""
    ensure_reference_data()


def test_a_customer_is_made_and_edited_in_place(open_as: Callable[..., Any], rep: User) -> None:
    """A wrong address is told in the dialog; the record page saves fields on Enter and restores on Escape."""
    page = open_as(rep, "/customers")
    page.locator("a:has-text('New customer')").first.click()
    page.fill("#dialog [name=first_name]", "Zara")
    page.fill("#dialog [name=email]", "nonsense")
    page.click("#dialog button:has-text('Create')")
    page.wait_for_selector("#dialog .field-errors")
    expect(page.locator("#dialog [name=email]")).to_be_focused()
    page.fill("#dialog [name=email]", "zara@example.com")
    page.click("#dialog button:has-text('Create')")
    page.wait_for_url(re.compile("/customers/[0-9a-f-]{36}$"))
    assert "Customer added" in page.inner_text("#toasts")
    page.locator("[data-field]:has(dt:text-is('Job title')) button").click()
    expect(page.locator("crm-inline [name=job_title]")).to_be_focused()
    page.keyboard.type("Pilot")
    page.keyboard.press("Enter")
    page.wait_for_selector(".fval:has-text('Pilot')")
    page.locator("[data-field]:has(dt:text-is('Job title')) button").click()
    expect(page.locator("crm-inline [name=job_title]")).to_be_focused()
    page.keyboard.type("Nothing")
    page.keyboard.press("Escape")
    page.wait_for_selector(".fval:has-text('Pilot')")
    assert Customer.objects.get(email="zara@example.com").job_title == "Pilot"


def test_many_are_deleted_and_undone_by_keyboard_and_toast(open_as: Callable[..., Any], rep: User) -> None:
    """J and X select, Delete moves to the trash, Undo brings all back."""
    for i in range(4):
        CustomerFactory(first_name=f"P{i}", last_name="Q", assigned_user=rep)
    page = open_as(rep, "/customers")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    assert page.inner_text(".bulk [data-n]") == "2"
    page.keyboard.press("Delete")
    page.wait_for_selector(".toast:has-text('trash')")
    assert Customer.objects.count() == 2
    page.click(".toast button:has-text('Undo')")
    expect(page.locator("tbody tr[data-id]")).to_have_count(4)
    assert Customer.objects.count() == 4


def test_a_filter_is_made_with_the_mouse_and_stays_in_the_address(open_as: Callable[..., Any], rep: User) -> None:
    """The chip says what the address says; removing it brings all rows back."""
    CustomerFactory(first_name="Lead", last_name="A", assigned_user=rep, status="LEAD")
    CustomerFactory(first_name="Old", last_name="B", assigned_user=rep, status="INACTIVE")
    page = open_as(rep, "/customers")
    page.locator(".chips button:has-text('Filter')").click()
    page.click("#filter-body .mi:text-is('Status')")
    page.check("#filter-body [value=LEAD]")
    page.click("#filter-body button:has-text('Apply')")
    page.wait_for_selector(".chip:has-text('Lead')")
    assert "filter=" in page.url
    assert page.locator("tbody tr[data-id]").count() == 1
    page.click(".chip a")
    expect(page.locator("tbody tr[data-id]")).to_have_count(2)


def test_a_value_is_picked_at_its_cell_by_keyboard(open_as: Callable[..., Any], rep: User) -> None:
    """Arrows reach the cell, Enter opens the list, another Enter saves; the cell has the focus again."""
    record = CustomerFactory(first_name="Ana", last_name="A", assigned_user=rep, status="LEAD")
    page = open_as(rep, "/customers")
    for key in ("j", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#cell-pop .mi[aria-current]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("td .flash:has-text('Prospect')")
    expect(page.locator("#say")).to_have_text("Saved")
    expect(page.locator(f"#c-{record.pk}-status")).to_be_focused()
    assert Customer.objects.get().status == "PROSPECT"


def test_an_advanced_filter_is_built_and_a_view_saved(open_as: Callable[..., Any], rep: User) -> None:
    """Related records are asked about in the dialog; the view keeps it, with the width of a column."""
    CustomerFactory(first_name="Ana", last_name="A", assigned_user=rep)
    page = open_as(rep, "/customers")
    page.locator(".chips button:has-text('Filter')").click()
    page.click("text=Advanced filter")
    page.click(".query button:has-text('Related records')")
    page.select_option("select[id='q-1.related']", label="Deals")
    page.select_option("select[id='q-1.mode']", "none")
    page.wait_for_selector(".query-words:has-text('not (has any Deals)')")
    assert axe(page) == []
    page.click("#dialog .btn-primary[name=act]")
    page.wait_for_selector(".chip:has-text('Deals')")
    page.focus("th[data-key=company] .th-size")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_url("**widths=company**")
    page.click(".save-view button >> nth=0")
    page.fill("#view-name", "Without deals")
    page.click("#dialog button:has-text('Save')")
    page.wait_for_selector("crm-views [aria-current]:has-text('Without deals')")
    assert SavedView.objects.get().widths == {"company": 200}


def test_a_double_click_makes_one_record(open_as: Callable[..., Any], rep: User) -> None:
    """The form of a dialog is sent once, however often its button is pressed."""
    page = open_as(rep, "/tasks?layout=list")
    page.keyboard.press("c")
    page.keyboard.press("t")
    page.fill("#dialog [name=title]", "Send the offer")
    page.dblclick("#dialog button:has-text('Create')")
    page.wait_for_url("**/tasks/*-*")
    page.wait_for_timeout(800)
    assert Task.objects.filter(title="Send the offer").count() == 1
