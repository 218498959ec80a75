"""The board by hand: dragged, by keys, refused, off the network, and on a phone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from crm.accounts.models import User
from crm.workspace.services.setup import ensure_reference_data
from sales.models import Deal, Pipeline
from sales.months import month_after
from sales.services.deals import move_deal
from sales.tests.factories import DealFactory
from tests.e2e.conftest import axe, playwright

expect = playwright.expect
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stages(transactional_db: None) -> dict[str, Any]:
    """Return the stages of the pipeline by code."""
    ensure_reference_data()
    return {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}


def drag(page: Any, card: Any, to: Any) -> None:
    """Drag a card by mouse, in steps as a hand would."""
    card.hover()  # waits until it lies still
    a, b = card.bounding_box(), to.bounding_box()
    page.mouse.move(a["x"] + 60, a["y"] + 20)
    page.mouse.down()
    page.mouse.move(a["x"] + 80, a["y"] + 30, steps=4)
    x, y = b["x"] + b["width"] / 2, b["y"] + min(40, b["height"] / 2)
    page.mouse.move(x, y, steps=12)
    for step in range(4):  # a hand is never quite still
        page.wait_for_timeout(80)
        page.mouse.move(x + step % 2, y)


def test_a_drop_asks_for_what_is_missing_and_the_card_glides_back(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    stages["PROPOSAL"].required_fields = ["next_step"]
    stages["PROPOSAL"].save()
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, title="Harbour cranes", value=4200)
    page = open_as(rep, "/deals?layout=board")
    card, there = page.locator(f"#d-{deal.pk}"), page.locator(f"#col-{stages['PROPOSAL'].pk} .cards")
    drag(page, card, there)
    page.mouse.up()
    expect(there.locator(f"#d-{deal.pk}")).to_be_visible()
    expect(page.locator(f"#col-{stages['PROPOSAL'].pk} [data-sum]")).to_have_text("$4,200")
    expect(page.locator("#deal-pop")).to_be_visible()
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(f"#col-{stages['PROSPECTING'].pk} #d-{deal.pk}")).to_be_visible()
    expect(page.locator(f"#col-{stages['PROPOSAL'].pk} [data-sum]")).to_have_text("$0")
    drag(page, card, there)
    page.mouse.up()
    page.fill("#deal-pop [name='field.next_step']", "Send the offer")
    page.keyboard.press("Enter")
    expect(page.locator("#deal-pop")).to_be_hidden()
    expect(there.locator(f"#d-{deal.pk}:not([data-pending])")).to_be_visible()
    assert Deal.objects.get(pk=deal.pk).stage == stages["PROPOSAL"]


def test_zones_stand_only_while_dragging_and_winning_asks_when(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, value=4200)
    page = open_as(rep, "/deals?layout=board")
    zone = page.locator(".zone[data-tone=success]")
    expect(zone).to_be_hidden()
    drag(page, page.locator(f"#d-{deal.pk}"), page.locator(f"#col-{stages['PROPOSAL'].pk}"))
    expect(zone).to_be_visible()
    box = zone.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 20, steps=6)
    expect(zone).to_have_attribute("data-over", "")
    page.mouse.up()
    expect(zone).to_be_hidden()
    expect(page.locator("#deal-pop [name=closed_on]")).to_have_value(timezone.localdate().isoformat())
    page.click("#deal-pop [type=submit]")
    expect(page.locator(f"#d-{deal.pk}")).to_have_count(0)
    assert Deal.objects.get(pk=deal.pk).outcome == "won"


def test_by_keys_alone_among_lanes(open_as: Callable[..., Any], manager: User, rep: User, stages: dict[str, Any]) -> None:
    mine = DealFactory(stage=stages["PROSPECTING"], assigned_user=manager, customer=None, title="Mine", value=50)
    theirs = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, title="Theirs", value=900)
    page = open_as(manager, "/deals?layout=board")
    page.locator(f"#d-{theirs.pk}").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"#d-{mine.pk}")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#say")).to_have_text(f"{stages['PROPOSAL'].name}, {manager.name}, position 1")
    page.keyboard.press("Escape")
    expect(page.locator(f"[data-stage='{stages['PROSPECTING'].pk}'] #d-{mine.pk}")).to_be_focused()
    page.keyboard.press("2")
    there = page.locator(f"[data-stage='{stages['QUALIFICATION'].pk}'][data-lane='{manager.pk}']")
    expect(there.locator(f"#d-{mine.pk}:not([data-pending])")).to_be_focused()
    fold = page.locator(f"[data-lane-head='{rep.pk}'] [data-fold-lane]")
    fold.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#d-{theirs.pk}")).to_be_hidden()
    page.wait_for_timeout(400)
    page.reload()
    expect(page.locator(f"[data-lane-head='{rep.pk}'] [data-fold-lane]")).to_have_attribute("aria-expanded", "false")
    assert axe(page) == []


def test_a_forecast_card_takes_the_month_it_is_dropped_in(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    today = timezone.localdate()
    deal = DealFactory(stage=stages["PROPOSAL"], assigned_user=rep, customer=None, expected_close_date=today)
    page = open_as(rep, "/deals?layout=forecast")
    month = month_after(today, 1)
    there = page.locator(f"[data-stage='{month:%Y-%m}'][data-lane=best]")
    drag(page, page.locator(f"#d-{deal.pk}"), there)
    page.mouse.up()
    expect(there.locator(f"#d-{deal.pk}:not([data-pending])")).to_be_visible()
    assert Deal.objects.get(pk=deal.pk).expected_close_date.replace(day=1) == month
    page.get_by_role("button", name="Undo").click()
    page.wait_for_load_state()
    expect(page.locator(f"[data-stage='{today:%Y-%m}'] #d-{deal.pk}")).to_be_visible()
    assert axe(page) == []


def test_failures_are_told_at_the_card(open_as: Callable[..., Any], rep: User, stages: dict[str, Any], complaints: list[str]) -> None:
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None)
    page = open_as(rep, "/deals?layout=board")
    card = page.locator(f"#d-{deal.pk}")
    page.route("**/move", lambda route: route.abort())
    card.focus()
    page.keyboard.press("3")
    expect(page.locator(f"#col-{stages['PROPOSAL'].pk} #d-{deal.pk}[data-pending] .deal-err")).to_contain_text("Not saved")
    page.unroute("**/move")
    card.get_by_role("button", name="Retry").click()
    expect(page.locator(f"#col-{stages['PROPOSAL'].pk} #d-{deal.pk}:not([data-pending])")).to_be_visible()
    assert Deal.objects.get(pk=deal.pk).stage == stages["PROPOSAL"]
    complaints.clear()  # the browser itself tells of the request that never arrived
    move_deal(deal=Deal.objects.get(pk=deal.pk), stage=stages["NEGOTIATION"], actor=rep)
    card.focus()
    page.keyboard.press("1")
    there = page.locator(f"#col-{stages['NEGOTIATION'].pk} #d-{deal.pk}")
    expect(there.locator(".deal-err")).to_be_visible()
    assert Deal.objects.get(pk=deal.pk).stage == stages["NEGOTIATION"]


def test_a_phone_shows_one_column_and_its_pill(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None)
    page = open_as(rep, "/deals?layout=board", phone=True)
    pill = page.locator(f"[data-pill='{stages['NEGOTIATION'].pk}']")
    pill.tap()
    expect(pill).to_have_attribute("aria-current", "true")
    expect(page.locator(f"#col-{stages['NEGOTIATION'].pk}")).to_be_in_viewport(ratio=0.9)
    page.locator(f"[data-pill='{stages['PROSPECTING'].pk}']").tap()
    page.locator(f"#d-{deal.pk} [data-menu]").tap()
    page.locator("#m-deal").get_by_role("button", name=re.compile("^Negotiation")).tap()
    expect(page.locator(f"#col-{stages['NEGOTIATION'].pk} #d-{deal.pk}:not([data-pending])")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []


def test_a_drop_into_another_lane_assigns_and_is_taken_back(open_as: Callable[..., Any], manager: User, rep: User, stages: dict[str, Any]) -> None:
    mine = DealFactory(stage=stages["PROSPECTING"], assigned_user=manager, customer=None, title="Mine", value=50)
    theirs = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, title="Theirs", value=900)
    page = open_as(manager, "/deals?layout=board&lanes=owner")
    card = page.locator(f"#d-{theirs.pk}")
    there = page.locator(f"[data-stage='{stages['PROPOSAL'].pk}'][data-lane='{manager.pk}']")
    drag(page, card, there)
    page.mouse.up()
    expect(there.locator(f"#d-{theirs.pk}:not([data-pending])")).to_be_visible()
    expect(page.locator(f"[data-lane-head='{manager.pk}'] .lane-h [data-n]")).to_have_text("2")
    moved = Deal.objects.get(pk=theirs.pk)
    assert (moved.assigned_user, moved.stage) == (manager, stages["PROPOSAL"])
    page.keyboard.press("Control+z")
    expect(page.locator(f"[data-stage='{stages['PROSPECTING'].pk}'][data-lane='{rep.pk}'] #d-{theirs.pk}")).to_be_visible()
    card = page.locator(f"#d-{mine.pk}")
    card.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#say")).to_have_text(f"{stages['PROSPECTING'].name}, {rep.name}, position 2")
    page.keyboard.press("Space")
    expect(page.locator(f"[data-lane='{rep.pk}'] #d-{mine.pk}:not([data-pending])")).to_be_focused()
    assert Deal.objects.get(pk=mine.pk).assigned_user == rep


def test_a_lane_that_refuses_says_why_at_the_card(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    old = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, expected_close_date=timezone.localdate().replace(year=2020, day=1))
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, expected_close_date=timezone.localdate(), value=70)
    page = open_as(rep, "/deals?layout=board&lanes=month")
    drag(page, page.locator(f"#d-{deal.pk}"), page.locator(f"#d-{old.pk}"))
    page.mouse.up()
    home = page.locator(f"[data-lane='{timezone.localdate():%Y-%m}'] #d-{deal.pk}")
    expect(home.locator(".deal-err")).to_contain_text("have passed")
    expect(page.locator(f"[data-lane-head='{timezone.localdate():%Y-%m}'] .lane-h [data-sum]")).to_have_text("$70")


def test_a_closing_is_sent_once_and_leaves_undo_and_the_focus(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    """Enter in the form at the card sends it once; the page stays, tells with Undo, and its keys go on at the next card."""
    first, second = (DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, title=title) for title in ("Harbour cranes", "Quay lights"))
    page = open_as(rep, "/deals?layout=board")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "POST" and r.url.endswith("/move") else None)
    page.focus(f"#d-{first.pk}")
    page.keyboard.press("Shift+L")
    page.wait_for_selector("#deal-pop [name=closed_on], #deal-pop input[type=date]")
    page.keyboard.press("Enter")
    page.click("#toasts button:has-text('Undo')", trial=True)
    expect(page.locator(f"#d-{second.pk}")).to_be_focused()
    assert len(sent) == 1
    page.keyboard.press("Control+z")
    expect(page.locator(f"#d-{first.pk}")).to_be_visible()


def test_a_board_that_missed_something_is_drawn_again_in_its_place(open_as: Callable[..., Any], rep: User, stages: dict[str, Any]) -> None:
    """After a gap in what it heard the board reads itself anew: the cards, and no page within the page."""
    page = open_as(rep, "/deals?layout=board")
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, title="Harbour cranes")
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('live', {detail: {topic: document.querySelector('crm-board').dataset.topic,"
        " event: 'list.dirty', data: {}, own: false}}))"
    )
    expect(page.locator(f"#d-{deal.pk}")).to_be_visible()
    assert page.locator("#main").count() == page.locator("aside.side, nav.side, .side").count() == 1
