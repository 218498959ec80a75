"""The cells of a board with rows are the same, whether kept sums and indexes answer or all deals are counted and sorted."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from customers.models import Customer
from customers.tests.factories import CustomerFactory
from sales import grid
from sales.cells import are_few
from sales.grid import Grid, forecast_grid, stage_grid
from sales.models import Deal, Pipeline
from sales.selectors import BoardFilter
from sales.services import move_deal
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db
CHANCES = (10, 39, 40, 74, 75, 100)


@pytest.fixture
def pipeline(admin: Any, rep: Any) -> Pipeline:
    """Return a pipeline with deals of every kind: owners, months, chances, customers, closed ones, more than a cell shows."""
    found = Pipeline.objects.get(is_default=True)
    stages = list(found.stages.filter(outcome="open"))
    today = timezone.localdate()
    people = [*(CustomerFactory(status=s, assigned_user=rep) for s in Customer.Status), None]
    made = []
    for n in range(60):
        made.append(DealFactory(
            stage=stages[n % 2 if n < 40 else n % len(stages)], value=100 + 7 * n, rank=(n * 37) % 60, customer=people[n % 5],
            assigned_user=(admin, rep, None)[n % 3], expected_close_date=None if n % 7 == 6 else today + dt.timedelta(days=13 * n - 90),
        ))
    for n, deal in enumerate(made):
        Deal.objects.filter(pk=deal.pk).update(probability=CHANCES[n % 6])
    for deal in made[:6]:
        deal.refresh_from_db()
        move_deal(deal=deal, stage="CLOSED_WON", actor=admin)
    return found


def shown(made: Grid) -> Any:
    """Return everything that a grid tells."""
    return (
        [(h.key, h.count, h.total, round(h.weighted, 1), h.folded) for h in (*made.heads, *made.folded)],
        [(lane.key, lane.count, lane.total, round(lane.weighted, 1), [(c.head.key, c.count, [card.deal.pk for card in c.cards]) for c in lane.cells])
         for lane in made.lanes],
        (made.board.count, made.board.total, round(made.board.weighted, 1), made.board.won_this_quarter, made.rest),
    )


@pytest.mark.parametrize("lanes", ["owner", "month", "status", "forecast"])
@pytest.mark.parametrize("flipped", [frozenset(), frozenset({"CLOSED_WON"}), frozenset({"PROSPECTING"})])
def test_both_ways_tell_the_same(admin: Any, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, lanes: str, flipped: frozenset[str]) -> None:
    wanted = BoardFilter(pipeline, flipped=flipped)

    def made() -> Any:
        return shown(forecast_grid(admin, wanted, set()) if lanes == "forecast" else stage_grid(admin, wanted, lanes, set()))

    assert grid._is_quick(admin, wanted, lanes)
    quick = made()
    monkeypatch.setattr(grid, "_is_quick", lambda *_args: False)
    slow = made()
    assert quick == slow
    monkeypatch.undo()
    for few in (False, True):  # a walk through the stage, and all of the cell sorted
        monkeypatch.setattr(grid, "are_few", lambda *_args, few=few: few)
        assert made() == slow
    assert any(cards for _key, _n, _total, _weighted, cells in quick[1] for _head, _count, cards in cells)


def test_who_sees_a_part_or_asks_for_one_is_answered_from_the_deals(admin: Any, rep: Any, pipeline: Pipeline) -> None:
    assert not grid._is_quick(rep, BoardFilter(pipeline), "owner")
    assert not grid._is_quick(admin, BoardFilter(pipeline, q="x"), "owner")
    assert sum(lane.count for lane in stage_grid(rep, BoardFilter(pipeline), "owner", set()).lanes) < 54


def test_a_cell_is_sorted_as_a_whole_where_a_walk_would_be_longer() -> None:
    assert are_few(here=30, in_stage=40_000, number=10)
    assert not are_few(here=7_000, in_stage=40_000, number=10)
