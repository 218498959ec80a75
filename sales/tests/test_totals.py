"""The sums of a board are those of its deals, whatever was done to them and by which way."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from crm.access.services import share_record
from crm.records.services import archive_record, delete_record, restore_record, update_record
from sales.models import Deal, DealTotal, Pipeline, Stage
from sales.selectors import BoardFilter, board, filtered, owners_on
from sales.services.deals import move_deal, reopen_deal
from sales.tests.factories import DealFactory
from sales.totals import fold, recount, stage_sums

pytestmark = pytest.mark.django_db


def compare(user: Any, pipeline: Pipeline) -> None:
    """Assert that the kept sums are what adding up gives."""
    stages = list(pipeline.stages.all())
    deals = filtered(user, BoardFilter(pipeline))
    kept, added = (stage_sums(user, stages, deals, narrowed=narrowed) for narrowed in (False, True))
    assert kept == added


def test_sums_follow_every_way_of_changing_deals(admin: Any, rep: Any) -> None:
    pipeline = Pipeline.objects.get(is_default=True)
    stages = {s.code: s for s in pipeline.stages.all()}
    today = timezone.localdate()
    compare(admin, pipeline)
    made = [
        DealFactory(stage=stages[code], value=Decimal("100.10") * n, assigned_user=rep if n % 2 else admin, customer=None,
                    expected_close_date=today + dt.timedelta(days=17 * n - 40))
        for code in ("PROSPECTING", "PROPOSAL") for n in range(5)
    ]
    compare(admin, pipeline)
    move_deal(deal=made[0], stage="NEGOTIATION", actor=admin)
    update_record(obj=made[1], data={"value": "12345.67", "expected_close_date": None}, actor=admin)
    won = move_deal(deal=made[2], stage="CLOSED_WON", actor=admin)
    move_deal(deal=made[7], stage="CLOSED_LOST", actor=admin)
    compare(admin, pipeline)
    reopen_deal(deal=won, actor=admin)
    delete_record(obj=made[3], actor=admin)
    archive_record(obj=made[4], actor=admin)
    compare(admin, pipeline)
    restore_record(obj=made[3], actor=admin)
    Deal.objects.filter(stage=stages["PROPOSAL"]).update(value=F("value") * 2, probability=33)
    Deal.everything.filter(pk=made[6].pk).delete()
    compare(admin, pipeline)
    before = {s: dict(v) for s, v in (("d", _sum("d")), ("o", _sum("o")))}
    recount()
    compare(admin, pipeline)
    assert {s: _sum(s) for s in "do"} == before


def _sum(grain: str) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for row in DealTotal.objects.filter(grain=grain):
        key = (row.stage_id, row.day, row.owner_id)
        found[key] = tuple(a + b for a, b in zip(found.get(key, (0, 0, 0)), (row.n, row.value, row.weighted), strict=True))
    return {k: v for k, v in found.items() if any(v)}


def test_a_change_that_sums_do_not_tell_leaves_no_row(admin: Any) -> None:
    deal = DealFactory(customer=None)
    before = DealTotal.objects.count()
    Deal.objects.filter(pk=deal.pk).update(rank=1.0, next_step="Call")
    assert DealTotal.objects.count() == before


def test_folding_keeps_the_sums(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline.objects.get(is_default=True)
    deal = DealFactory(customer=None, value=10)
    for value in range(20):
        Deal.objects.filter(pk=deal.pk).update(value=value)
    assert fold() == 0
    monkeypatch.setattr("sales.totals.SPREAD", 5)
    assert fold() > 5
    assert DealTotal.objects.count() == 2
    compare(admin, pipeline)


def test_the_owners_of_a_board_are_the_busiest(admin: Any, rep: Any, rep2: Any) -> None:
    pipeline = Pipeline.objects.get(is_default=True)
    first: Stage = pipeline.stages.get(code="PROSPECTING")
    DealFactory(stage=first, assigned_user=rep, customer=None)
    DealFactory.create_batch(2, stage=first, assigned_user=rep2, customer=None)
    assert {u.pk for u in owners_on(admin, pipeline)} == {rep.pk, rep2.pk}
    assert [u.pk for u in owners_on(admin, pipeline, limit=1)] == [rep2.pk]
    assert [u.pk for u in owners_on(rep, pipeline)] == [rep.pk]
    shared = Deal.objects.filter(assigned_user=rep2).first()
    assert shared is not None
    share_record(obj=shared, user=rep, actor=admin)
    assert {u.pk for u in owners_on(rep, pipeline)} == {rep.pk, rep2.pk}  # who owns what is shared is offered too
    assert board(admin, BoardFilter(pipeline)).count == 3
