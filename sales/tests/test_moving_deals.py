"""Moving a deal: what the stage asks for, what is announced, where the card stands."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from crm.access.policy import SYSTEM
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.activity.models import ActivityLog
from crm.lib.errors import Conflict, Denied, Invalid, Missing, Outdated
from crm.records.services import create_record, update_record
from sales.models import Deal, Pipeline, Stage
from sales.services.deals import move_deal, reopen_deal
from sales.services.stages import find_stage
from sales.tests.factories import DealFactory, LossReasonFactory, PipelineFactory, StageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def road() -> dict[str, Stage]:
    pipeline = PipelineFactory()
    rows = [("NEW", "open", 10), ("OFFER", "open", 50), ("WON", "won", 100), ("LOST", "lost", 0)]
    return {code: StageFactory(pipeline=pipeline, code=code, name=code.capitalize(), outcome=outcome, probability=p, position=i)
            for i, (code, outcome, p) in enumerate(rows)}


def facts(deal: Deal) -> list[str]:
    return list(
        ActivityLog.objects.filter(entity_id=deal.pk, kind="fact").order_by("id").values_list("action", flat=True)
    )


def test_a_move_follows_the_stage_and_is_announced_once(road: dict[str, Stage]) -> None:
    deal = DealFactory(stage=road["NEW"])
    moved = move_deal(deal=deal, stage=road["OFFER"], actor=SYSTEM)
    assert (moved.stage, moved.probability, moved.outcome, moved.version) == (road["OFFER"], 50, "open", 2)
    assert facts(deal) == ["sales.deal_moved", "records.changed"]
    again = move_deal(deal=moved, stage=road["OFFER"], actor=SYSTEM)
    assert again.version == 2
    assert facts(deal) == ["sales.deal_moved", "records.changed"]
    history = list(deal.stage_changes.values_list("from_stage__code", "to_stage__code"))
    assert history == [(None, "NEW"), ("NEW", "OFFER")]


def test_a_stage_is_named_by_id_or_code_of_the_deals_own_pipeline(road: dict[str, Stage]) -> None:
    deal = DealFactory(stage=road["NEW"])
    assert move_deal(deal=deal, stage="offer", actor=SYSTEM).stage == road["OFFER"]
    assert move_deal(deal=deal, stage=str(road["NEW"].pk), actor=SYSTEM).stage == road["NEW"]
    assert find_stage("PROSPECTING", road["NEW"].pipeline_id).pipeline.is_default
    for odd in ("ghost", "", "\x00", "x" * 500, "0192f000-0000-7000-8000-000000000000", None, 5):
        with pytest.raises(Invalid) as refused:
            move_deal(deal=deal, stage=odd, actor=SYSTEM)  # type: ignore[arg-type]
        assert refused.value.details[0].field == "stage"


def test_a_move_to_another_pipeline_takes_the_deal_along(road: dict[str, Stage]) -> None:
    deal = DealFactory(stage=road["NEW"])
    elsewhere = StageFactory()
    moved = move_deal(deal=deal, stage=elsewhere, actor=SYSTEM)
    assert moved.pipeline == elsewhere.pipeline


def test_what_the_stage_asks_for_may_be_given_at_the_card(road: dict[str, Stage]) -> None:
    Stage.objects.filter(pk=road["OFFER"].pk).update(required_fields=["value", "next_step"])
    road["OFFER"].refresh_from_db()
    deal = DealFactory(stage=road["NEW"], value=0)
    with pytest.raises(Invalid) as refused:
        move_deal(deal=deal, stage=road["OFFER"], actor=SYSTEM)
    assert {d.field for d in refused.value.details} == {"value", "next_step"}
    moved = move_deal(deal=deal, stage=road["OFFER"], data={"value": "75", "next_step": "Call"}, actor=SYSTEM)
    assert (moved.value, moved.stage) == (Decimal("75.00"), road["OFFER"])
    with pytest.raises(Invalid):
        move_deal(deal=deal, stage=road["NEW"], data={"stage": str(road["OFFER"].pk)}, actor=SYSTEM)


def test_the_entry_condition_is_held_against_the_deal_as_it_will_be(road: dict[str, Stage]) -> None:
    condition = {"all": [{"field": "value", "op": "gte", "value": "500"}]}
    stage = update_record(obj=road["OFFER"], data={"entry_condition": condition}, actor=SYSTEM)
    deal = DealFactory(stage=road["NEW"], value=100)
    with pytest.raises(Invalid) as refused:
        move_deal(deal=deal, stage=stage, actor=SYSTEM)
    assert refused.value.details[0].field == "stage"
    deal.refresh_from_db()
    assert deal.stage == road["NEW"]
    assert move_deal(deal=deal, stage=stage, data={"value": 500}, actor=SYSTEM).stage == stage
    with pytest.raises(Invalid):
        create_record(of="deal", data={"title": "x", "stage": stage.pk, "value": 1}, actor=SYSTEM)


def test_a_stage_cannot_ask_for_what_deals_do_not_have(road: dict[str, Stage]) -> None:
    for data, path in (({"required_fields": ["ghost"]}, "required_fields.0"), ({"required_fields": "value"}, "required_fields"),
                       ({"entry_condition": {"all": []}}, "entry_condition.all"),
                       ({"entry_condition": {"field": "ghost", "op": "is", "value": 1}}, "entry_condition.field")):
        with pytest.raises(Invalid) as refused:
            update_record(obj=road["OFFER"], data=data, actor=SYSTEM)
        assert refused.value.details[0].field == path


def test_winning_and_losing_are_dated_and_announced(road: dict[str, Stage]) -> None:
    deal = DealFactory(stage=road["NEW"])
    won = move_deal(deal=deal, stage=road["WON"], closed_on="2026-01-31", actor=SYSTEM)
    assert (won.outcome, won.probability, str(won.actual_close_date)) == ("won", 100, "2026-01-31")
    assert facts(deal)[:2] == ["sales.deal_moved", "sales.deal_won"]
    reason = LossReasonFactory()
    lost = move_deal(deal=DealFactory(stage=road["NEW"]), stage=road["LOST"], reason=reason, actor=SYSTEM)
    assert (lost.outcome, lost.close_reason) == ("lost", reason)
    assert lost.actual_close_date
    assert "sales.deal_lost" in facts(lost)


def test_a_closed_deal_stays_where_it_is_until_it_is_reopened(road: dict[str, Stage]) -> None:
    deal = DealFactory(stage=road["OFFER"])
    move_deal(deal=deal, stage=road["LOST"], reason=LossReasonFactory(), actor=SYSTEM)
    deal.refresh_from_db()
    for stage in ("NEW", "WON"):
        with pytest.raises(Conflict):
            move_deal(deal=deal, stage=road[stage], actor=SYSTEM)
        with pytest.raises(Conflict):
            update_record(obj=deal, data={"stage": road[stage].pk}, actor=SYSTEM)
    opened = reopen_deal(deal=deal, actor=SYSTEM)
    assert (opened.stage, opened.outcome, opened.actual_close_date, opened.close_reason) == (road["OFFER"], "open", None, None)
    assert "sales.deal_reopened" in facts(deal)
    with pytest.raises(Conflict):
        reopen_deal(deal=opened, actor=SYSTEM)


def test_rights_versions_and_hidden_deals(road: dict[str, Stage]) -> None:
    role = RoleFactory(may={("deal", "view"): "all", ("deal", "change"): "own"})
    rep = UserFactory(role=role)
    theirs, mine = DealFactory(stage=road["NEW"]), DealFactory(stage=road["NEW"], assigned_user=rep)
    with pytest.raises(Denied):
        move_deal(deal=theirs, stage=road["OFFER"], actor=rep)
    with pytest.raises(Missing):
        move_deal(deal=theirs, stage=road["OFFER"], actor=UserFactory())
    move_deal(deal=mine, stage=road["OFFER"], actor=rep, version=1)
    with pytest.raises(Outdated):
        move_deal(deal=mine, stage=road["NEW"], actor=rep, version=1)


# -- the order of the cards -------------------------------------------------------------------------


def column(stage: Stage) -> list[Any]:
    return list(Deal.objects.filter(stage=stage).order_by("rank", "id").values_list("title", flat=True))


def test_a_card_is_put_above_below_and_between(road: dict[str, Stage]) -> None:
    cards = {n: DealFactory(stage=road["NEW"], title=n, rank=i) for i, n in enumerate("abc")}
    deal = DealFactory(stage=road["OFFER"], title="x")
    move_deal(deal=deal, stage=road["NEW"], after_id=cards["a"].pk, actor=SYSTEM)
    assert column(road["NEW"]) == ["a", "x", "b", "c"]
    move_deal(deal=deal, stage=road["NEW"], before_id=cards["a"].pk, actor=SYSTEM)
    assert column(road["NEW"]) == ["x", "a", "b", "c"]
    version = Deal.objects.get(pk=deal.pk).version
    move_deal(deal=deal, stage=road["NEW"], after_id=cards["c"].pk, actor=SYSTEM)
    assert column(road["NEW"]) == ["a", "b", "c", "x"]
    assert Deal.objects.get(pk=deal.pk).version == version, "an order is not an edit"
    move_deal(deal=deal, stage=road["OFFER"], actor=SYSTEM)
    move_deal(deal=deal, stage=road["NEW"], before_id=road["NEW"].pk, actor=SYSTEM)
    assert column(road["NEW"])[0] == "x", "on top when the neighbour has left"


def test_the_column_is_spread_again_when_a_gap_is_used_up(road: dict[str, Stage]) -> None:
    cards = [DealFactory(stage=road["NEW"], title=str(i), rank=-1.7e9 + i) for i in range(6)]
    order = [c.title for c in cards]
    for turn in range(120):
        moving = cards[2 + turn % 2]
        move_deal(deal=moving, stage=road["NEW"], after_id=cards[0].pk, before_id=cards[1].pk, actor=SYSTEM)
        order.remove(moving.title)
        order.insert(1, moving.title)
    assert column(road["NEW"]) == order
    ranks = list(Deal.objects.filter(stage=road["NEW"]).values_list("rank", flat=True))
    assert len(set(ranks)) == len(ranks)


@pytest.mark.django_db(transaction=True)
def test_eight_moves_at_once_make_one_chain() -> None:
    """BL-03, FD-25: every move is in the history, and each begins where the one before ended."""
    pipeline = Pipeline.objects.get(is_default=True)
    stages = list(pipeline.stages.filter(outcome="open"))
    deal = DealFactory(stage=stages[0])
    failures: list[Exception] = []

    def move(i: int) -> None:
        try:
            move_deal(deal=Deal.objects.get(pk=deal.pk), stage=stages[i % len(stages)], actor=SYSTEM)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    chain = list(deal.stage_changes.order_by("happened_at", "id").values_list("from_stage_id", "to_stage_id"))
    assert [c[0] for c in chain] == [None, *(c[1] for c in chain[:-1])]
    deal.refresh_from_db()
    assert chain[-1][1] == deal.stage_id
    assert facts(deal).count("sales.deal_moved") == len(chain) - 1
