"""What a list tells and does beside its rows: the next step, duplicates from the bulk bar and from their queue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from communications.tests.factories import InteractionFactory
from crm.accounts.models import User
from crm.jobs.engine import enqueue, run_now
from crm.lists import query
from crm.records import sizes
from crm.workspace.services.setup import ensure_reference_data
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from sales.tests.factories import DealFactory
from tasks.models import Task
from tests.e2e.conftest import axe, playwright

expect = playwright.expect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def reference_data(transactional_db: None) -> None:
    """Bring back what the last test's flush took away."""
    ensure_reference_data()


def test_a_next_step_is_planned_from_the_row(open_as: Callable[..., Any], rep: User) -> None:
    """The call to action stands where a deal is open; the row tells the task at once, and nothing else is read again."""
    customer = CustomerFactory(first_name="Ana", last_name="Silva", assigned_user=rep)
    CustomerFactory(first_name="Bram", last_name="Visser", assigned_user=rep)
    DealFactory(customer=customer, assigned_user=rep, value=1200, currency="USD")
    InteractionFactory(customer=customer, user=rep, subject="Scope <of> it", completed_at=timezone.now() - timedelta(hours=3))
    page = open_as(rep, "/customers")
    row = page.locator(f"#row-{customer.pk}")
    expect(row).to_contain_text("Scope <of> it")
    expect(row).to_contain_text("3 h")
    expect(row).to_contain_text("$1,200")
    assert page.locator(".next-none[data-wanted]").count() == 1
    row.locator(".next-none").click()
    page.fill("#dialog [name=title]", "Send the offer")
    page.click("#dialog button:has-text('Create')")
    expect(row.locator(".next")).to_contain_text("Send the offer")
    task = Task.objects.get(customer=customer)
    assert task.due_date is not None and task.due_date > timezone.now()
    assert axe(page) == []


def test_three_become_one_from_the_bulk_bar(open_as: Callable[..., Any], manager: User) -> None:
    """Digits choose the side that stays, Enter merges, and all of it is one undo."""
    for number, title in enumerate(("CFO", "CTO", "COO")):
        CustomerFactory(first_name="Hana", last_name="Okafor", job_title=title, email=f"hana{number}@mail.example", assigned_user=manager)
    page = open_as(manager, "/customers")
    for key in "jxjxjx":
        page.keyboard.press(key)
    page.click(".bulk [data-merge]")
    page.wait_for_selector("crm-merge [name=survivor]")
    assert page.locator("[name=survivor]").count() == 3
    assert axe(page) == []
    page.keyboard.press("3")
    kept = page.locator("[data-differs]:has(th:text-is('Job title')) [data-after]").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_selector("#toasts :text('Merged into')")
    assert [c.job_title for c in Customer.objects.all()] == [kept]
    page.click("#toasts button:has-text('Undo')")
    page.wait_for_timeout(800)
    assert Customer.objects.count() == 3


def test_the_queue_of_duplicates_by_keyboard(open_as: Callable[..., Any], manager: User) -> None:
    """N keeps a pair apart, Enter opens the next one beside each other, M merges it."""
    for name in ("Okafor", "Visser"):
        for number in range(2):
            CustomerFactory(first_name="Hana", last_name=name, email=f"{name}{number}@mail.example", assigned_user=manager)
    run_now(enqueue("records.find_duplicates"))
    page = open_as(manager, "/duplicates?entity=customer")
    expect(page.locator(".dup")).to_have_count(2)
    assert axe(page) == []
    page.keyboard.press("n")
    expect(page.locator(".dup")).to_have_count(1)
    page.keyboard.press("m")
    expect(page.locator(".dup")).to_have_count(0)
    assert Customer.objects.count() == 3


def test_a_very_long_list_is_added_up_by_a_click(open_as: Callable[..., Any], manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Totals of a list that is too long to be added up for everybody come when somebody asks."""
    for number in range(3):
        customer = CustomerFactory(last_name=f"Row {number}", assigned_user=manager)
        DealFactory(customer=customer, assigned_user=manager, value=1000)
    monkeypatch.setattr(query, "CAP", 2)
    monkeypatch.setattr(sizes, "SMALL", -2)
    page = open_as(manager, "/customers")
    expect(page.locator("#sums b")).to_have_count(0)
    assert axe(page) == []
    page.click("#sums button:has-text('Calculate totals')")
    expect(page.locator("#sums b").first).to_contain_text("3,000")


def test_enter_applies_a_filter_and_removes_no_condition(open_as: Callable[..., Any], rep: User) -> None:
    """In the form of a chip and among many conditions, Enter is Apply and no other button."""
    CustomerFactory(first_name="Ana", last_name="Silva", job_title="Buyer", assigned_user=rep)
    CustomerFactory(first_name="Bram", last_name="Visser", job_title="CFO", assigned_user=rep)
    page = open_as(rep, "/customers")
    page.click(".chips > [popovertarget=filter-pop]")
    page.wait_for_selector("#filter-body [data-find]")
    page.keyboard.type("job title")
    page.keyboard.press("Enter")
    page.fill("#filter-value [name=value]", "CFO")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    page.click(".chips > [popovertarget=filter-pop]")
    page.click("#filter-pop :text('Advanced filter')")
    page.fill("#dialog .qvalue input >> nth=0", "Buyer")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr[data-id]")).to_contain_text("Ana Silva")


def test_going_back_finds_a_row_far_down(open_as: Callable[..., Any], rep: User) -> None:
    """The rows above it come again, the row stands where it was, and its link has the focus."""
    for number in range(400):
        CustomerFactory(first_name="Ana", last_name=f"Silva {number:03}", assigned_user=rep)
    page = open_as(rep, "/customers")
    link = page.locator(".c-title a:has-text('Ana Silva 370')")
    for _step in range(12):
        page.evaluate("document.querySelector('.tablewrap').scrollTop = 1e6")
        page.wait_for_timeout(200)
    link.scroll_into_view_if_needed()
    top = link.bounding_box()["y"]
    link.click()
    page.wait_for_url("**/customers/*-*")
    page.go_back()
    expect(link).to_be_focused()
    assert abs(link.bounding_box()["y"] - top) < 3


def test_tags_are_put_on_the_selection_by_keys_alone(open_as: Callable[..., Any], rep: User) -> None:
    """The dialog gives its first picker the focus; after a refusal it is a picker as before."""
    customer = CustomerFactory(first_name="Ana", last_name="Silva", assigned_user=rep)
    page = open_as(rep, "/customers")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("l")
    control = page.locator("#dialog .ts-control input >> nth=0")
    expect(control).to_be_focused()
    expect(page.locator("#dialog .ts-dropdown >> nth=0")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#dialog [role=alert]")).to_be_visible()
    expect(page.locator("#dialog .ts-wrapper >> nth=0")).to_be_visible()
    expect(page.locator("#dialog select >> nth=0")).to_have_class("tomselected ts-hidden-accessible")
    control.click()
    page.keyboard.type("Renewal")
    page.keyboard.press("Enter")
    expect(page.locator("#dialog .ts-control .item >> nth=0")).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#toasts button:has-text('Undo')")
    assert [tag.name for tag in customer.tags.all()] == ["Renewal"]
