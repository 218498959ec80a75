"""However pipelines and stages are changed, deals always have where to begin."""

from typing import Any

import pytest

from sales.models import Deal, Pipeline, Stage

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def sales_pipeline() -> Pipeline:
    """Return the default pipeline."""
    return Pipeline.objects.get(is_default=True)


def other(client: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post(f"{API}/pipelines", {"name": "Partners", "code": "PARTNERS"}).json()["data"]
    return made


def test_the_default_is_handed_on_and_never_given_up(admin: Any, api: Any, sales_pipeline: Pipeline) -> None:
    client = api(admin)
    refused = client.patch(f"{API}/pipelines/{sales_pipeline.pk}", {"is_default": False})
    assert refused.status_code == 400
    assert client.delete(f"{API}/pipelines/{sales_pipeline.pk}").status_code == 409
    made = other(client)
    assert client.patch(f"{API}/pipelines/{made['id']}", {"is_default": True}).status_code == 400, "no deal could begin there"
    client.post(f"{API}/stages", {"pipeline": made["id"], "name": "First", "code": "FIRST", "position": 0})
    assert client.patch(f"{API}/pipelines/{made['id']}", {"is_default": True}).status_code == 200
    assert [str(p.pk) for p in Pipeline.objects.filter(is_default=True)] == [made["id"]]
    deal = client.post(f"{API}/deals", {"title": "D"}).json()["data"]
    assert deal["pipeline"]["id"] == made["id"]


def test_the_last_open_stage_of_the_default_stays(admin: Any, api: Any, sales_pipeline: Pipeline) -> None:
    client = api(admin)
    made = other(client)
    stages = list(sales_pipeline.stages.filter(outcome="open").order_by("position"))
    for stage in stages[:-1]:
        assert client.delete(f"{API}/stages/{stage.pk}").status_code == 204
    last = f"{API}/stages/{stages[-1].pk}"
    Stage.objects.filter(pipeline=sales_pipeline, outcome="lost").delete()
    assert client.delete(last).status_code == 409
    assert client.patch(last, {"outcome": "lost"}).status_code == 400
    assert client.patch(last, {"pipeline": made["id"]}).status_code == 400
    assert client.post(f"{API}/deals", {"title": "D"}).status_code == 201
    assert Deal.objects.get().stage_id == stages[-1].pk


@pytest.mark.parametrize(("path", "body", "field"), [
    ("pipelines", {"name": "P", "code": "0"}, "code"), ("pipelines", {"name": "P", "code": "a b"}, "code"),
    ("stages", {"name": "S", "code": "x", "position": 90}, "code"), ("stages", {"name": "S", "code": "X", "position": 90, "hue": "puce"}, "hue"),
    ("roles", {"name": "R", "code": "1"}, "code"), ("custom-fields", {"entity": "deal", "key": "Ä", "label": "L", "kind": "text"}, "key"),
    ("task-categories", {"name": "T", "hue": ""}, "hue"), ("products", {"name": "P", "currency": "AAA"}, "currency"),
])
def test_what_the_columns_demand_is_asked_at_the_door(
    admin: Any, api: Any, sales_pipeline: Pipeline, path: str, body: dict[str, Any], field: str
) -> None:
    given = {**body, **({"pipeline": str(sales_pipeline.pk)} if path == "stages" else {})}
    answer = api(admin).post(f"{API}/{path}", given)
    assert answer.status_code == 400
    assert [d["field"] for d in answer.json()["error"]["details"]] == [field]
