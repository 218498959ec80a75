"""Home: its cards in one's own order, and alerts whose one verb opens the fix."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from analytics.selectors.attention import attention
from sales.models import Pipeline
from sales.tests.factories import DealFactory
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def test_cards_stand_as_somebody_put_them(rep: Any, rep2: Any, client_for: Any) -> None:
    page = client_for(rep)
    before = page.get("/").content.decode()
    assert before.index('data-card="day"') < before.index('data-card="forecast"')
    assert page.post("/home/arrange", {"left": "waiting,forecast,day,nonsense", "right": "attention"}).status_code == 204
    after = page.get("/").content.decode()
    assert after.index('data-card="forecast"') < after.index('data-card="day"')
    other = client_for(rep2).get("/").content.decode()
    assert other.index('data-card="day"') < other.index('data-card="forecast"')


def test_each_alert_has_one_verb_that_opens_the_fix(rep: Any, client_for: Any) -> None:
    stage = Pipeline.objects.get(is_default=True).stages.get(code="PROPOSAL")
    stage.rotting_days = 10
    stage.save()
    now = timezone.now()
    late = DealFactory(stage=stage, assigned_user=rep, customer=None, expected_close_date=now.date() - dt.timedelta(days=3))
    idle = DealFactory(stage=stage, assigned_user=rep, customer=None, entered_stage_at=now - dt.timedelta(days=11))
    DealFactory(stage=stage, assigned_user=rep, customer=None, entered_stage_at=now - dt.timedelta(days=9))
    planned = DealFactory(stage=stage, assigned_user=rep, customer=None, entered_stage_at=now - dt.timedelta(days=90))
    TaskFactory(deal=planned, assigned_user=rep, status="PENDING")
    found = {a.url: a.fix for a in attention(rep)}
    assert found == {f"/deals/{late.pk}": f"/deals/{late.pk}/close-date", f"/deals/{idle.pk}": f"/tasks/plan?deal={idle.pk}"}
    page = client_for(rep)
    for fix in found.values():
        assert f'data-fix="{fix}"' in page.get("/").content.decode()
        assert "<form" in page.get(fix).content.decode()
