"""A card that is put into another lane: what that changes, who may, and how it is taken back."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from crm.activity.relay import relay_all
from crm.realtime import push
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from sales.models import Deal, Pipeline, Stage
from sales.months import month_after
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def stages() -> dict[str, Stage]:
    """Return the stages that every installation starts with, by code."""
    return {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}


def put(page: Any, deal: Deal, stage: Stage, lanes: str, lane: str, **more: str) -> Any:
    """Drop a card into a lane."""
    data = {"stage": str(stage.pk), "lane": lane, "version": str(deal.version), "board": f"lanes={lanes}", **more}
    return page.post(f"/deals/{deal.pk}/move", data)


def test_another_owners_lane_assigns_the_deal_and_is_undone_at_once(
    manager: Any, rep: Any, stages: dict[str, Stage], client_for: Any
) -> None:
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None, value=100)
    found = put(client_for(manager), deal, stages["PROPOSAL"], "owner", str(manager.pk)).json()
    assert (found["stage"], found["lane"]) == (str(stages["PROPOSAL"].pk), str(manager.pk))
    assert manager.name in found["message"]
    assert found["lanes"][str(manager.pk)]["count"] == 1
    deal.refresh_from_db()
    assert (deal.assigned_user, deal.stage, deal.version) == (manager, stages["PROPOSAL"], 2)
    assert client_for(manager).post(found["undo"]).status_code in (200, 204, 302)
    deal.refresh_from_db()
    assert (deal.assigned_user, deal.stage) == (rep, stages["PROSPECTING"])


def test_whoever_may_not_assign_is_refused_with_the_reason(rep: Any, rep2: Any, stages: dict[str, Stage], client_for: Any) -> None:
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None)
    for lane in (str(rep2.pk), "none"):
        answer = put(client_for(rep), deal, stages["PROPOSAL"], "owner", lane)
        assert answer.status_code == 403
        assert answer.json()["message"] == "You may not give deals to other people."
    deal.refresh_from_db()
    assert (deal.assigned_user, deal.stage, deal.version) == (rep, stages["PROSPECTING"], 1)


def test_another_months_lane_moves_the_close_date(rep: Any, stages: dict[str, Stage], client_for: Any) -> None:
    today = timezone.localdate()
    deal = DealFactory(stage=stages["PROPOSAL"], assigned_user=rep, customer=None, expected_close_date=today)
    page, later = client_for(rep), month_after(today, 2)
    found = put(page, deal, stages["PROPOSAL"], "month", f"{later:%Y-%m}").json()
    assert found["lane"] == f"{later:%Y-%m}"
    deal.refresh_from_db()
    assert deal.expected_close_date
    assert deal.expected_close_date.replace(day=1) == later
    past = put(page, deal, stages["PROPOSAL"], "month", "past")
    assert past.status_code == 422
    assert "have passed" in past.json()["message"]
    assert put(page, deal, stages["PROPOSAL"], "month", "none").json()["lane"] == "none"
    deal.refresh_from_db()
    assert deal.expected_close_date is None


def test_a_lane_of_customers_changes_how_the_customer_stands(rep: Any, rep2: Any, stages: dict[str, Stage], client_for: Any) -> None:
    customer = CustomerFactory(status="LEAD", assigned_user=rep)
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=customer)
    page = client_for(rep)
    found = put(page, deal, stages["PROPOSAL"], "status", "CUSTOMER").json()
    assert (found["lane"], found["again"]) == ("CUSTOMER", True)
    customer.refresh_from_db()
    assert customer.status == Customer.Status.CUSTOMER
    assert page.post(found["undo"]).status_code in (200, 204, 302)
    customer.refresh_from_db()
    deal.refresh_from_db()
    assert (customer.status, deal.stage) == ("LEAD", stages["PROSPECTING"])
    assert put(page, deal, stages["PROSPECTING"], "status", "none").status_code == 422
    theirs = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=CustomerFactory(assigned_user=rep2))
    assert put(page, theirs, stages["PROSPECTING"], "status", "CUSTOMER").status_code == 422


@pytest.mark.parametrize(("lanes", "lane"), [("owner", "ghost"), ("owner", "0192f000-0000-7000-8000-000000000000"), ("month", "2026-99"), ("status", "x")])
def test_a_lane_that_does_not_exist_is_refused(admin: Any, stages: dict[str, Stage], client_for: Any, lanes: str, lane: str) -> None:
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=admin, customer=CustomerFactory(), expected_close_date=dt.date(2030, 1, 1))
    assert put(client_for(admin), deal, stages["PROPOSAL"], lanes, lane).status_code == 422
    deal.refresh_from_db()
    assert deal.version == 1


def test_a_stage_that_asks_keeps_the_lane_in_its_form(manager: Any, rep: Any, stages: dict[str, Stage], client_for: Any) -> None:
    Stage.objects.filter(pk=stages["PROPOSAL"].pk).update(required_fields=["next_step"])
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=rep, customer=None)
    page = client_for(manager)
    asked = put(page, deal, stages["PROPOSAL"], "owner", str(manager.pk))
    assert asked.status_code == 422
    assert f'name="lane" value="{manager.pk}"' in asked.json()["form"]
    assert put(page, deal, stages["PROPOSAL"], "owner", str(manager.pk), **{"field.next_step": "Call"}).status_code == 200
    deal.refresh_from_db()
    assert (deal.assigned_user, deal.next_step) == (manager, "Call")


def test_boards_hear_of_what_their_cards_show_of_customers(
    admin: Any, stages: dict[str, Stage], client_for: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    customer = CustomerFactory(status="LEAD", assigned_user=admin)
    deal = DealFactory(stage=stages["PROSPECTING"], assigned_user=admin, customer=customer)
    told: list[tuple[str, str, Any]] = []
    monkeypatch.setattr(push, "_send", lambda messages: told.extend((m["topic"], m["event"], m["data"].get("id")) for m in messages))
    page = client_for(admin)
    for field, value in (("last_name", "Renamed"), ("status", "CUSTOMER"), ("job_title", "Buyer")):
        with django_capture_on_commit_callbacks(execute=True):
            page.post(f"/customers/{customer.pk}/fields/{field}", {field: value})
            relay_all()
    board = f"board:{deal.pipeline_id}"
    assert [t for t in told if t[0] == board] == [(board, "deal.changed", str(deal.pk)), (board, "list.dirty", None)]
