"""The board: its columns and sums, its moves, and eight people at one card."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from crm.access.rights import rights_of
from sales.models import Deal, LossReason, Pipeline, Stage, StageChange
from sales.selectors import PER_COLUMN, BoardFilter, board, filtered, forecast
from sales.services.deals import move_deal
from sales.services.pipelines import archive_pipeline, create_pipeline, remove_stage
from sales.tests.factories import DealFactory


@pytest.fixture
def pipeline(db: None) -> Pipeline:
    """Return the pipeline that every installation starts with."""
    return Pipeline.objects.get(is_default=True)


def stage(pipeline: Pipeline, code: str) -> Stage:
    """Return one of its stages."""
    return pipeline.stages.get(code=code)


@pytest.mark.django_db
def test_sums_are_those_of_all_cards_and_columns_are_cut(admin: Any, pipeline: Pipeline) -> None:
    first = stage(pipeline, "PROSPECTING")
    DealFactory.create_batch(PER_COLUMN + 3, stage=first, value=100, customer=None, probability=10)
    shown = board(admin, BoardFilter(pipeline))
    column = next(c for c in shown.columns if c.stage == first)
    assert (column.count, len(column.cards), column.more) == (28, PER_COLUMN, 3)
    assert (column.total, column.weighted) == (Decimal(2800), Decimal(280))
    assert shown.total == 2800


@pytest.mark.django_db
def test_five_statements_whatever_the_number_of_cards(admin: Any, pipeline: Pipeline) -> None:
    rights_of(admin)
    for _round in range(2):
        for code in ("PROSPECTING", "QUALIFICATION", "PROPOSAL"):
            DealFactory.create_batch(4, stage=stage(pipeline, code), assigned_user=admin)
        with CaptureQueriesContext(connection) as asked:
            board(admin, BoardFilter(pipeline))
        assert len(asked) <= 5, [q["sql"][:80] for q in asked]


@pytest.mark.django_db
def test_nobody_counts_what_they_may_not_see(rep: Any, rep2: Any, pipeline: Pipeline, client_for: Any) -> None:
    first = stage(pipeline, "PROSPECTING")
    DealFactory(stage=first, value=7, assigned_user=rep, title="Mine", customer=None)
    theirs = DealFactory(stage=first, value=7919, assigned_user=rep2, title="Canary", customer=None)
    assert board(rep, BoardFilter(pipeline)).total == 7
    assert sum(m.commit + m.best_case + m.pipeline for m in forecast(rep, BoardFilter(pipeline))) == 7
    page = client_for(rep)
    for path in ("/deals?layout=board", "/deals?layout=forecast", f"/deals/columns/{first.pk}?offset=0"):
        text = page.get(path).content.decode()
        assert "Canary" not in text
        assert "7,919" not in text
    assert page.post(f"/deals/{theirs.pk}/move", {"stage": str(first.pk)}).status_code == 404
    assert page.get(f"/deals/{theirs.pk}/card").json()["card"] is None


@pytest.mark.django_db
def test_filters_of_the_address(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    first = stage(pipeline, "PROSPECTING")
    DealFactory(stage=first, assigned_user=rep, title="Northgate rollout", value=5000, customer=None)
    DealFactory(stage=first, assigned_user=rep, title="Kestrel pilot", value=10, customer=None)
    page = client_for(rep)
    for path in ("/deals?layout=board&q=northgate", '/deals?layout=board&filter=[{"field":"value","op":"gt","value":"100"}]'):
        text = page.get(path).content.decode()
        assert "Northgate rollout" in text
        assert "Kestrel pilot" not in text
    assert page.get("/deals?layout=board&pipeline=NOPE").status_code == 404
    assert page.get("/deals?layout=board&owner=x").status_code == 400
    assert page.get("/deals?layout=board&filter={").status_code == 400


@pytest.mark.django_db
def test_a_move_answers_what_the_board_needs(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    first, second = stage(pipeline, "PROSPECTING"), stage(pipeline, "QUALIFICATION")
    below = DealFactory(stage=second, assigned_user=rep, customer=None)
    deal = DealFactory(stage=first, assigned_user=rep, value=300, customer=None)
    answer = client_for(rep).post(
        f"/deals/{deal.pk}/move", {"stage": str(second.pk), "before": str(below.pk), "version": deal.version}
    )
    assert answer.status_code == 200
    found = answer.json()
    assert (found["stage"], found["before"]) == (str(second.pk), str(below.pk))
    assert found["heads"][str(second.pk)]["count"] == 2
    assert str(deal.pk) in found["card"]
    deal.refresh_from_db()
    assert deal.stage == second


@pytest.mark.django_db
def test_losing_asks_why(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    lost = stage(pipeline, "CLOSED_LOST")
    lost.required_fields = ["close_reason"]
    lost.save()
    LossReason.objects.get_or_create(name="Price", outcome="lost")
    deal = DealFactory(stage=stage(pipeline, "PROSPECTING"), assigned_user=rep, customer=None)
    page = client_for(rep)
    assert "<form" in page.get(f"/deals/{deal.pk}/move", {"stage": str(lost.pk)}).json()["form"]
    refused = page.post(f"/deals/{deal.pk}/move", {"stage": str(lost.pk)})
    assert refused.status_code == 422
    assert "aria-invalid" in refused.json()["form"]
    assert Deal.objects.get(pk=deal.pk).is_open
    reason = LossReason.objects.filter(outcome="lost").first()
    done = page.post(f"/deals/{deal.pk}/move", {"stage": str(lost.pk), "reason": str(reason.pk), "note": "Too dear"})
    assert done.status_code == 200
    deal.refresh_from_db()
    assert (deal.outcome, deal.close_note) == ("lost", "Too dear")


@pytest.mark.django_db
def test_required_fields_are_asked_for_at_the_card(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    target = stage(pipeline, "PROPOSAL")
    target.required_fields = ["next_step"]
    target.save()
    deal = DealFactory(stage=stage(pipeline, "PROSPECTING"), assigned_user=rep, customer=None)
    page = client_for(rep)
    refused = page.post(f"/deals/{deal.pk}/move", {"stage": str(target.pk)})
    assert refused.status_code == 422
    assert "field.next_step" in refused.json()["form"]
    done = page.post(f"/deals/{deal.pk}/move", {"stage": str(target.pk), "field.next_step": "Send the offer"})
    assert done.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_eight_moves_at_once_leave_one_chain(admin: Any) -> None:
    pipeline = Pipeline.objects.get(is_default=True)
    stages = list(pipeline.stages.filter(outcome="open"))
    deal = DealFactory(stage=stages[0], customer=None)
    failures: list[BaseException] = []

    def move(number: int) -> None:
        try:
            move_deal(deal=Deal.objects.get(pk=deal.pk), stage=stages[number % len(stages)], actor=admin)
        except BaseException as error:
            failures.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=move, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    changes = list(StageChange.objects.filter(deal=deal).order_by("happened_at", "id"))
    assert all(b.from_stage_id == a.to_stage_id for a, b in zip(changes, changes[1:], strict=False))
    deal.refresh_from_db()
    assert changes[-1].to_stage_id == deal.stage_id


@pytest.mark.django_db
def test_a_stage_and_a_pipeline_go_with_their_deals_moved(admin: Any, pipeline: Pipeline) -> None:
    first, second = stage(pipeline, "PROPOSAL"), stage(pipeline, "QUALIFICATION")
    deal = DealFactory(stage=first, customer=None)
    with pytest.raises(Exception, match="Choose where they go"):
        remove_stage(stage=first, replacement=None, actor=admin)
    assert remove_stage(stage=first, replacement=second, actor=admin) == 1
    deal.refresh_from_db()
    assert deal.stage == second
    other = create_pipeline(name="Renewals", actor=admin)
    renewal = DealFactory(stage=other.stages.get(outcome="open"), customer=None)
    assert archive_pipeline(pipeline=other, replacement=second, actor=admin) == 1
    renewal.refresh_from_db()
    assert (renewal.stage, renewal.pipeline) == (second, pipeline)
    assert filtered(admin, BoardFilter(pipeline)).count() == 2


@pytest.mark.django_db
def test_the_settings_of_pipelines(admin: Any, rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    page = client_for(admin)
    assert page.get("/settings/pipelines").status_code == 200
    assert page.post("/settings/pipelines", {"what": "pipeline", "name": ""}).status_code == 422
    assert page.post("/settings/pipelines", {"what": "pipeline", "name": "Partners"}).status_code == 302
    made = Pipeline.objects.get(name="Partners")
    assert page.get(f"/settings/pipelines/{made.pk}").status_code == 200
    assert page.post(f"/settings/pipelines/{made.pk}", {"name": "Partners", "new.name": "Talks", "new.probability": "40"}).status_code == 302
    assert list(made.stages.values_list("name", flat=True)) == ["New", "Talks", "Won", "Lost"]
    assert client_for(rep).post(f"/settings/pipelines/{made.pk}", {"name": "x"}).status_code == 403


@pytest.mark.django_db
def test_filters_of_a_board_are_edited_like_those_of_a_list(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    for value in (10, 500):
        DealFactory(stage=stage(pipeline, "PROPOSAL"), assigned_user=rep, customer=None, value=value, title=f"Worth {value}")
    page = client_for(rep)
    asked = {"field": "value", "op": "gte", "value": "100", "apply": "1", "pipeline": pipeline.code, "order": "value"}
    assert page.get("/deals/board/filter", {**asked, "value": "x"}).status_code == 422
    answer = page.get("/deals/board/filter", asked)
    assert f"pipeline={pipeline.code}" in answer["Location"]
    text = page.get(f"{answer['Location']}&layout=board").content.decode()
    assert "Worth 500" in text
    assert "Worth 10<" not in text
    assert "Remove filter: Value" in text
    assert page.get("/deals/board/filter", {"field": "nothing"}).status_code == 422


@pytest.mark.django_db
def test_cards_are_sorted_and_parts_of_them_left_out(rep: Any, pipeline: Pipeline, client_for: Any) -> None:
    for value in (10, 500, 70):
        DealFactory(stage=stage(pipeline, "PROPOSAL"), assigned_user=rep, customer=None, value=value, title=f"Worth {value}.")
    text = client_for(rep).get("/deals", {"layout": "board", "order": "value", "hide": "owner,nonsense"}).content.decode()
    assert text.index("Worth 500.") < text.index("Worth 70.") < text.index("Worth 10.")
    assert 'data-hide="owner"' in text
    target = stage(pipeline, "NEGOTIATION")
    DealFactory(stage=target, assigned_user=rep, customer=None, value=5, title="Small")
    small = Deal.objects.get(title="Small")
    moved = Deal.objects.get(value=500)
    found = client_for(rep).post(f"/deals/{moved.pk}/move", {"stage": str(target.pk), "board": "order=value"}).json()
    assert found["before"] == str(small.pk)
