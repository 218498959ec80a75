"""How many statements a move takes: what everybody does all day must stay cheap."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sales.models import Stage
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


def stages(outcome: str = "open") -> list[Stage]:
    return list(Stage.objects.filter(pipeline__is_default=True, outcome=outcome).order_by("position"))


def asked_of(captured: Any) -> list[str]:
    """Return the statements without the savepoints around a request, which stand for its transaction in a test."""
    return [q["sql"] for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]


@pytest.mark.parametrize(("person", "most"), [("admin", 9), ("rep", 10)])
def test_a_change_of_stage_by_api(person: str, most: int, cast: Any, api: Any) -> None:
    """Who, what he may, the deal, the stage, the lock, who acts, the write, the facts, the answer."""
    user = cast(person)
    first, second, third = stages()[:3]
    deal = DealFactory(stage=first, assigned_user=user)
    client = api(user)
    assert client.put(f"/api/v1/deals/{deal.pk}/stage", {"stage": str(second.pk)}, format="json").status_code == 200
    with CaptureQueriesContext(connection) as captured:
        answer = client.put(f"/api/v1/deals/{deal.pk}/stage", {"stage": str(third.pk)}, format="json")
    assert answer.json()["data"]["stage"]["id"] == str(third.pk)
    assert len(asked_of(captured)) <= most, asked_of(captured)
    assert sum("SAVEPOINT" in q["sql"] for q in captured.captured_queries) <= 2


def test_making_a_customer_by_api(rep: Any, api: Any) -> None:
    """Who, what he may, who acts, the write, the facts, the answer, and whether the address is taken."""
    client = api(rep)
    assert client.post("/api/v1/customers", {"email": "a@example.com"}, format="json").status_code == 201
    with CaptureQueriesContext(connection) as captured:
        assert client.post("/api/v1/customers", {"email": "b@example.com"}, format="json").status_code == 201
    assert len(asked_of(captured)) <= 8, asked_of(captured)


def test_the_page_of_a_board(admin: Any, client_for: Any) -> None:
    """No statement of a board depends on its cards, and the stages are read once."""
    for stage in stages():
        DealFactory.create_batch(3, stage=stage, assigned_user=admin)
    page = client_for(admin)
    assert page.get("/deals?layout=board").status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert page.get("/deals?layout=board").status_code == 200
    sqls = asked_of(captured)
    assert len(sqls) <= 17, sqls
    assert sum('FROM "sales_stage"' in sql for sql in sqls) == 1


def test_a_move_on_the_board(rep: Any, client_for: Any) -> None:
    """The same, with the card drawn again and the heads of the columns summed up."""
    first, second, third = stages()[:3]
    deal = DealFactory(stage=first, assigned_user=rep)
    page = client_for(rep)
    assert page.post(f"/deals/{deal.pk}/move", {"stage": str(second.pk)}).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert page.post(f"/deals/{deal.pk}/move", {"stage": str(third.pk)}).status_code == 200
    assert len(asked_of(captured)) <= 20, asked_of(captured)
