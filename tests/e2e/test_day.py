"""A day's work by hand: the calendar of tasks, the board of tasks, and Home."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from crm.accounts.models import User
from crm.accounts.preferences import preference
from crm.workspace.services.setup import ensure_reference_data
from sales.models import Deal, Pipeline
from sales.tests.factories import DealFactory
from tasks.models import Task
from tasks.tests.factories import TaskFactory
from tests.e2e.conftest import axe, playwright
from tests.e2e.test_board_moves import drag

expect = playwright.expect
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_task_is_put_on_another_day(open_as: Callable[..., Any], rep: User) -> None:
    day = timezone.localtime().replace(day=15, hour=9, minute=0, second=0, microsecond=0)
    task = TaskFactory(assigned_user=rep, due_date=day, title="Ring Hana")
    page = open_as(rep, "/tasks?layout=calendar")
    there = page.locator(f"[data-drop='{day:%Y-%m}-17']")
    drag(page, page.locator(f"#c-{task.pk}"), there)
    page.mouse.up()
    expect(there.locator(f"#c-{task.pk}:not([data-pending])")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert Task.objects.get(pk=task.pk).due_date == day.replace(day=17)
    chip = page.locator(f"#c-{task.pk}")
    chip.focus()
    for key in ("Space", "ArrowRight", "ArrowUp", "Space"):
        page.keyboard.press(key)
    expect(page.locator(f"[data-drop='{day:%Y-%m}-11'] #c-{task.pk}:not([data-pending])")).to_be_visible()
    page.wait_for_timeout(400)
    assert Task.objects.get(pk=task.pk).due_date == day.replace(day=11)
    assert axe(page) == []
    page.goto(page.url.split("?")[0] + "?layout=calendar&span=week")
    page.wait_for_selector("html[data-ready]")
    assert axe(page) == []


def test_a_task_moves_over_its_board(open_as: Callable[..., Any], rep: User) -> None:
    task = TaskFactory(assigned_user=rep, status="PENDING", due_date=timezone.now() + dt.timedelta(days=1))
    page = open_as(rep, "/tasks?layout=board")
    card = page.locator(f"[data-id='{task.pk}']")
    card.hover()
    card.locator("[data-menu]").click()
    page.locator("#m-status").get_by_role("button", name="In progress").click()
    expect(page.locator(f"[data-drop=IN_PROGRESS] [data-id='{task.pk}']:not([data-pending])")).to_be_visible()
    page.wait_for_timeout(300)
    assert Task.objects.get(pk=task.pk).status == "IN_PROGRESS"
    assert axe(page) == []


def test_home_is_arranged_and_an_alert_is_mended(open_as: Callable[..., Any], rep: User) -> None:
    ensure_reference_data()
    stage = Pipeline.objects.get(is_default=True).stages.get(code="PROPOSAL")
    late = DealFactory(stage=stage, assigned_user=rep, customer=None, title="Harbour cranes",
                       expected_close_date=timezone.localdate() - dt.timedelta(days=3))
    page = open_as(rep, "/")
    page.get_by_role("button", name="Arrange").click()
    page.locator("[data-card=forecast] [data-step=up]").click()
    expect(page.locator("[data-column=left] > :first-child")).to_have_attribute("data-card", "forecast")
    page.get_by_role("button", name="Arrange").click()
    page.wait_for_timeout(300)
    assert preference(rep, "home")["left"][0] == "forecast"
    page.get_by_role("link", name=re.compile("^Update: Harbour cranes")).click()
    soon = timezone.localdate() + dt.timedelta(days=9)
    page.fill("#cd-day", soon.isoformat())
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=re.compile("^Update: Harbour cranes"))).to_have_count(0)
    assert Deal.objects.get(pk=late.pk).expected_close_date == soon
    assert axe(page) == []


def swipe(touch: Any, row: Any, by: int) -> None:
    """Draw a finger over a row."""
    box = row.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + by * step / 8, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_swipe_finishes_a_task_or_moves_it_to_tomorrow(open_as: Callable[..., Any], rep: User) -> None:
    today = timezone.localtime()
    about: dict[str, Any] = {"assigned_user": rep, "due_date": today, "deal": None, "customer": None, "company": None}
    first, second = TaskFactory(title="Ring Hana", **about), TaskFactory(title="Write to Luc", **about)
    page = open_as(rep, "/tasks?layout=list", phone=True)
    touch = page.context.new_cdp_session(page)
    swipe(touch, page.locator(f"#row-t-{first.pk}"), 40)
    page.wait_for_timeout(300)
    assert Task.objects.get(pk=first.pk).status == "PENDING"
    swipe(touch, page.locator(f"#row-t-{first.pk}"), 130)
    expect(page.locator(f"#row-t-{first.pk}[data-done]")).to_be_visible()
    swipe(touch, page.locator(f"#row-t-{second.pk}"), -130)
    expect(page.get_by_role("button", name="Undo").last).to_be_visible()
    expect(page.get_by_text("1 task moved")).to_be_visible()
    due = Task.objects.get(pk=second.pk).due_date
    assert due
    assert timezone.localtime(due).date() == today.date() + dt.timedelta(days=1)


def test_what_needs_attention_is_mended_beside_home(open_as: Callable[..., Any], rep: User) -> None:
    ensure_reference_data()
    stage = Pipeline.objects.get(is_default=True).stages.get(code="PROPOSAL")
    today = timezone.localdate()
    deal = DealFactory(stage=stage, assigned_user=rep, customer=None, expected_close_date=today - dt.timedelta(days=3))
    page = open_as(rep, "/")
    page.locator("[data-fix]").click()
    expect(page.locator("#peek-fix [name=day]")).to_be_focused()
    expect(page.locator("#peek .peek-t")).to_have_text(deal.title)
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#peek")).to_be_hidden()
    expect(page.locator("[data-fix]")).to_be_focused()
    page.keyboard.press("Enter")
    page.fill("#peek-fix [name=day]", (today + dt.timedelta(days=9)).isoformat())
    page.locator("#peek-fix [type=submit]").click()
    expect(page.locator("#peek")).to_be_hidden()
    expect(page.locator("[data-fix]")).to_have_count(0)
    assert Deal.objects.get(pk=deal.pk).expected_close_date == today + dt.timedelta(days=9)
