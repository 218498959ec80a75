"""Goals: who sees them, who sets them, and where they show."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from crm.accounts.models import FieldRight
from sales.goals import goal_of
from sales.models import Goal, Pipeline
from sales.services.goals import set_goals
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def goals(admin: Any, rep: Any, rep2: Any) -> None:
    """Set goals of two people in different teams."""
    set_goals(amounts={rep.pk: "5000", rep2.pk: "70000"}, actor=admin)


def test_everyone_sees_the_goals_of_those_whose_deals_he_sees(goals: None, admin: Any, manager: Any, rep: Any, rep2: Any) -> None:
    assert goal_of(admin) == 75_000
    assert goal_of(manager) == 5000
    assert goal_of(rep) == 5000
    assert goal_of(admin, [rep2.pk]) == 70_000
    FieldRight.objects.create(role=rep.role, entity="deal", field="value", level="hidden")
    rep.__dict__.pop("_rights", None)
    assert goal_of(rep) is None


def test_the_board_and_home_say_how_far_one_has_come(goals: None, rep: Any, client_for: Any) -> None:
    won = Pipeline.objects.get(is_default=True).stages.get(outcome="won")
    DealFactory(stage=won, assigned_user=rep, value=4000, customer=None, actual_close_date=timezone.localdate())
    page = client_for(rep)
    for path in ("/deals?layout=board", "/"):
        text = page.get(path).content.decode()
        assert "won of $5,000 this quarter" in text, path


def test_goals_are_set_with_the_pipelines(goals: None, admin: Any, rep: Any, rep2: Any, client_for: Any, api: Any) -> None:
    page = client_for(admin)
    assert page.post("/settings/pipelines", {"what": "goals", f"goal.{rep.pk}": "x", f"goal.{rep2.pk}": "1"}).status_code == 422
    assert page.post("/settings/pipelines", {"what": "goals", f"goal.{rep.pk}": "", f"goal.{rep2.pk}": "123.50"}).status_code == 302
    assert dict(Goal.objects.values_list("user", "amount")) == {rep2.pk: Decimal("123.50")}
    assert client_for(rep).post("/settings/pipelines", {"what": "goals", f"goal.{rep2.pk}": "1"}).status_code == 403
    assert [g["amount"] for g in api(admin).get("/api/v1/goals").json()["data"]] == ["123.50"]
    assert api(rep).get("/api/v1/goals").json()["data"] == []
