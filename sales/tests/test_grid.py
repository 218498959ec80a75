"""Boards with lanes, and the forecast as a board: what stands where, what it sums to, and what moving a card does."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.access.rights import rights_of
from crm.accounts.models import FieldRight
from crm.accounts.preferences import preference
from crm.testing.text import without_ids
from customers.tests.factories import CustomerFactory
from sales.cells import FORECAST
from sales.grid import PER_CELL, cell_cards, forecast_grid, lanes_of, stage_grid
from sales.models import Deal, Pipeline, Stage
from sales.months import day_in, month_after
from sales.selectors import BoardFilter
from sales.services.pipelines import create_pipeline
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline() -> Pipeline:
    """Return the pipeline that every installation starts with."""
    return Pipeline.objects.get(is_default=True)


def stage(pipeline: Pipeline, code: str) -> Stage:
    """Return one of its stages."""
    return pipeline.stages.get(code=code)


@pytest.mark.parametrize("lanes", ["owner", "status", "month"])
def test_lanes_hold_every_deal_once(admin: Any, rep: Any, rep2: Any, pipeline: Pipeline, lanes: str) -> None:
    first, second = stage(pipeline, "PROSPECTING"), stage(pipeline, "NEGOTIATION")
    soon = timezone.localdate() + dt.timedelta(days=3)
    for owner, customer, day in (
        (rep, CustomerFactory(status="LEAD"), soon), (rep2, None, None), (None, CustomerFactory(status="CUSTOMER"), soon.replace(year=2020)),
    ):
        DealFactory(stage=first, assigned_user=owner, customer=customer, value=100, expected_close_date=day)
        DealFactory(stage=second, assigned_user=owner, customer=customer, value=50, expected_close_date=day)
    DealFactory(stage=stage(pipeline, "CLOSED_WON"), assigned_user=rep, value=7, customer=None)
    grid = stage_grid(admin, BoardFilter(pipeline), lanes, set())
    assert len(grid.lanes) == 3
    assert [lane.total for lane in grid.lanes] == [150] * 3
    assert sum(len(cell.cards) for lane in grid.lanes for cell in lane.cells) == 6
    assert {h.label: h.total for h in grid.heads if h.count} == {first.name: 300, second.name: 150}
    assert [h.count for h in grid.folded] == [1, 0]
    assert (grid.board.total, grid.board.count) == (450, 6)


def test_queries_do_not_grow_with_cards_and_lanes(admin: Any, make_user: Any, pipeline: Pipeline) -> None:
    rights_of(admin)
    for _round in range(3):
        for code in ("PROSPECTING", "QUALIFICATION", "PROPOSAL"):
            DealFactory.create_batch(3, stage=stage(pipeline, code), assigned_user=make_user("SALES_REP"), expected_close_date=timezone.localdate())
        for ask in (lambda: stage_grid(admin, BoardFilter(pipeline), "owner", set()), lambda: forecast_grid(admin, BoardFilter(pipeline), set())):
            with CaptureQueriesContext(connection) as asked:
                ask()
            assert len(asked) <= 7, [q["sql"][:90] for q in asked]


def test_a_long_cell_goes_on(admin: Any, pipeline: Pipeline) -> None:
    DealFactory.create_batch(PER_CELL + 4, stage=stage(pipeline, "PROSPECTING"), assigned_user=admin, customer=None)
    wanted = BoardFilter(pipeline)
    cell = stage_grid(admin, wanted, "owner", set()).lanes[0].cells[0]
    assert (len(cell.cards), cell.more) == (PER_CELL, 4)
    rest, left = cell_cards(admin, wanted, "owner", cell.head.key, str(admin.pk), PER_CELL)
    assert (len(rest), left) == (4, 0)
    assert not {c.deal.pk for c in rest} & {c.deal.pk for c in cell.cards}
    folded = stage_grid(admin, wanted, "owner", {str(admin.pk)}).lanes[0]
    assert (folded.folded, folded.count, folded.cells[0].cards, folded.cells[0].more) == (True, 14, [], 14)


def test_the_forecast_sorts_by_month_and_certainty(admin: Any, pipeline: Pipeline) -> None:
    today = timezone.localdate()
    for code, day in (("NEGOTIATION", today), ("PROPOSAL", month_after(today, 1)), ("PROSPECTING", None), ("PROSPECTING", dt.date(2020, 1, 1)),
                      ("PROSPECTING", month_after(today, 9)), ("CLOSED_WON", today)):
        DealFactory(stage=stage(pipeline, code), customer=None, value=100, expected_close_date=day)
    grid = forecast_grid(admin, BoardFilter(pipeline), set())
    assert [h.key for h in grid.heads] == ["past", *(f"{month_after(today, n):%Y-%m}" for n in range(4)), "later", "none"]
    assert [(lane.key, lane.count) for lane in grid.lanes] == [("commit", 1), ("best", 1), ("pipeline", 3)]
    assert [c.count for c in grid.lanes[2].cells] == [1, 0, 0, 0, 0, 1, 1]
    assert grid.board.total == 500
    assert grid.board.won_this_quarter == 100


def test_a_card_moved_to_a_month_changes_its_close_date(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    today = timezone.localdate()
    deal = DealFactory(stage=stage(pipeline, "PROPOSAL"), assigned_user=rep, customer=None, value=300, expected_close_date=today)
    month = month_after(today, 2)
    page = client_for(rep)
    found = page.post(f"/deals/{deal.pk}/close-date", {"month": f"{month:%Y-%m}", "version": deal.version, "board": "lanes=forecast"}).json()
    deal.refresh_from_db()
    assert deal.expected_close_date == day_in(month, today)
    assert (found["stage"], found["lane"], found["heads"][f"{month:%Y-%m}"]["count"]) == (f"{month:%Y-%m}", "best", 1)
    assert found["lanes"]["best"]["total"] == "300.00"
    assert page.post(f"/deals/{deal.pk}/close-date", {"month": "x", "board": "lanes=forecast"}).status_code == 422
    assert page.post(f"/deals/{deal.pk}/close-date", {"month": "none", "board": "lanes=forecast"}).json()["stage"] == "none"
    assert Deal.objects.get(pk=deal.pk).expected_close_date is None
    assert page.post(f"/deals/{deal.pk}/close-date", {"day": "2030-02-30"}).status_code == 422
    assert page.post(f"/deals/{deal.pk}/close-date", {"day": "2030-02-28"}).status_code == 200


def test_a_day_in_another_month() -> None:
    assert day_in(dt.date(2031, 2, 1), dt.date(2026, 1, 31)) == dt.date(2031, 2, 28)
    assert day_in(dt.date(2031, 2, 1), None) == dt.date(2031, 2, 28)
    today = timezone.localdate()
    assert day_in(today.replace(day=1), dt.date(2020, 1, 1)) >= today


def test_a_move_on_a_board_with_lanes_answers_lane_and_sums(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    deal = DealFactory(stage=stage(pipeline, "PROSPECTING"), assigned_user=rep, customer=None, value=300)
    target = stage(pipeline, "PROPOSAL")
    found = client_for(rep).post(f"/deals/{deal.pk}/move", {"stage": str(target.pk), "board": "lanes=owner"}).json()
    assert (found["stage"], found["lane"]) == (str(target.pk), str(rep.pk))
    assert Decimal(found["lanes"][str(rep.pk)]["weighted"]) == 150


def test_nothing_hidden_shows_through_lanes(rep: Any, rep2: Any, pipeline: Pipeline, client_for: Any) -> None:
    FieldRight.objects.create(role=rep.role, entity="deal", field="expected_close_date", level="hidden")
    FieldRight.objects.create(role=rep.role, entity="deal", field="value", level="hidden")
    DealFactory(stage=stage(pipeline, "PROSPECTING"), assigned_user=rep, value=7919, expected_close_date=timezone.localdate(),
                customer=CustomerFactory(assigned_user=rep2, status="CUSTOMER"))
    DealFactory(stage=stage(pipeline, "PROSPECTING"), assigned_user=rep2, title="Canary", customer=None)
    wanted = BoardFilter(pipeline)
    assert [lane.key for lane in stage_grid(rep, wanted, "month", set()).lanes] == ["none"]
    assert [lane.key for lane in stage_grid(rep, wanted, "status", set()).lanes] == ["none"]
    assert {h.key for h in forecast_grid(rep, wanted, set()).heads if h.count} == {"none"}
    page = client_for(rep)
    for query in ("layout=forecast", "layout=board&lanes=owner", "layout=board&lanes=status", "layout=board&lanes=month"):
        text = page.get(f"/deals?{query}").content.decode()
        assert "Canary" not in text
        assert "7,919" not in text
        assert "7919" not in without_ids(text)


def test_leaders_begin_with_lanes_by_owner(manager: Any, rep: Any, client_for: Any) -> None:
    assert lanes_of(manager, None, None) == "owner"
    assert lanes_of(rep, None, None) == ""
    page = client_for(manager)
    page.get("/deals?layout=board&lanes=none")
    assert preference(manager, "board")["lanes"] == ""
    assert "board-rows" not in page.get("/deals").content.decode()


def test_folded_columns_and_lanes_are_remembered(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    first, won = stage(pipeline, "PROSPECTING"), stage(pipeline, "CLOSED_WON")
    page = client_for(rep)
    for folded in (first, won):
        answer = page.post("/deals/board/fold", {"stage": str(folded.pk), "next": "/deals?q=x"})
        assert answer["Location"] == "/deals?q=x"
    text = page.get("/deals?layout=board").content.decode()
    assert f'id="col-{first.pk}"' not in text
    assert f'id="col-{won.pk}"' in text
    page.post("/deals/board/fold", {"lane": "LEAD", "folded": "1"})
    assert preference(rep, "board")["folded_lanes"] == ["LEAD"]
    page.post("/deals/board/fold", {"lane": "LEAD", "folded": "0"})
    assert preference(rep, "board")["folded_lanes"] == []
    assert page.post("/deals/board/fold", {"stage": "x"}).status_code == 404


def test_a_work_limit_is_set_by_who_shapes_the_pipeline(admin: Any, rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    first = stage(pipeline, "PROSPECTING")
    assert client_for(rep).post(f"/deals/stages/{first.pk}/limit", {"work_limit": "1"}).status_code == 403
    assert client_for(admin).post(f"/deals/stages/{first.pk}/limit", {"work_limit": "1"}).status_code == 302
    DealFactory.create_batch(2, stage=first, assigned_user=admin, customer=None)
    assert "data-over-limit" in client_for(admin).get("/deals?layout=board").content.decode()


def test_layouts_carry_the_filter(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    for value in (10, 500):
        DealFactory(stage=stage(pipeline, "PROPOSAL"), assigned_user=rep, customer=None, value=value, title=f"Worth {value}.")
    page = client_for(rep)
    text = page.get('/deals?layout=board&owner=me&filter=[{"field":"value","op":"gt","value":"100"}]').content.decode()
    table = text.split('href="/deals?layout=table')[1].split('"')[0].replace("&amp;", "&")
    rows = page.get(f"/deals?layout=table{table}").content.decode()
    assert "Worth 500." in rows
    assert "Worth 10." not in rows
    board = rows.split('href="/deals?layout=board')[1].split('"')[0].replace("&amp;", "&")
    assert f"owner={rep.pk}" in board
    assert "Worth 10." not in page.get(f"/deals?layout=board{board}").content.decode()


def test_a_card_goes_to_another_pipeline_and_leaves_this_board(admin: Any, pipeline: Pipeline, client_for: Any) -> None:
    other = create_pipeline(name="Renewals", actor=admin)
    deal = DealFactory(stage=stage(pipeline, "PROPOSAL"), customer=None)
    page = client_for(admin)
    assert "Renewals" in page.get("/deals?layout=board").content.decode()
    first = other.stages.get(outcome="open")
    found = page.post(f"/deals/{deal.pk}/move", {"stage": str(first.pk), "board": f"pipeline={pipeline.code}"}).json()
    assert found["card"] is None
    deal.refresh_from_db()
    assert deal.pipeline == other


def test_more_cards_of_a_cell(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    first = stage(pipeline, "PROSPECTING")
    DealFactory.create_batch(PER_CELL + 1, stage=first, assigned_user=rep, customer=None)
    page = client_for(rep)
    asked = {"column": str(first.pk), "lane": str(rep.pk), "lanes": "owner", "offset": str(PER_CELL)}
    assert page.get("/deals/cells", asked).content.decode().count('class="deal"') == 1
    assert page.get("/deals/cells", {**asked, "lanes": "x"}).status_code == 400
    assert page.get("/deals/cells", {**asked, "offset": "x"}).status_code == 400
    assert page.get("/deals/cells", {**asked, "lanes": FORECAST, "column": "none", "lane": "pipeline", "offset": "0"}).status_code == 200
