"""The log, undo, versions and jobs over the API: what each person may see and do."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.jobs.engine import enqueue, job, run_now
from crm.jobs.registry import _KINDS
from crm.records.models import Note
from crm.records.services import create_record, update_record

pytestmark = pytest.mark.django_db
V1 = "/api/v1"


@pytest.fixture
def customer(rep: Any) -> Any:
    return create_record(of="customer", data={"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org"}, actor=rep)


def test_the_log_is_for_those_who_audit(api: Callable[..., Any], admin: Any, rep: Any, customer: Any) -> None:
    answer = api(admin).get(f"{V1}/activity-logs", {"entity": "customer", "entity_id": str(customer.pk), "kind": "change"})
    assert answer.status_code == 200, answer.content
    (row,) = answer.json()["data"]
    assert row["action"] == "created" and row["changes"]["email"] == [None, "ada@example.org"]
    assert row["user"] == {"id": str(rep.pk), "name": rep.name}
    assert api(rep).get(f"{V1}/activity-logs").status_code == 403
    assert api(admin).get(f"{V1}/activity-logs", {"entity_id": "x"}).status_code == 400
    assert api(admin).get(f"{V1}/activity-logs", {"nonsense": "x"}).status_code == 400
    assert api(admin).get(f"{V1}/activity-logs", {"created_at__gte": "yesterday"}).status_code == 400


def test_the_log_pages_by_number_and_cursor(api: Callable[..., Any], admin: Any, customer: Any) -> None:
    client = api(admin)  # one sign-in: each is a line of the log
    first = client.get(f"{V1}/activity-logs", {"limit": 2, "cursor": ""}).json()
    second = client.get(first["metadata"]["pagination"]["next"]).json()
    ids = [r["id"] for r in first["data"] + second["data"]]
    assert len(set(ids)) == len(ids) == len(first["data"]) + len(second["data"])
    back = client.get(f"{V1}/activity-logs", {"limit": 2, "cursor": second["metadata"]["pagination"]["previous_cursor"]}).json()
    assert [r["id"] for r in back["data"]] == [r["id"] for r in first["data"]]
    numbered = client.get(f"{V1}/activity-logs", {"limit": 2, "page": 2}).json()
    assert [r["id"] for r in numbered["data"]] == [r["id"] for r in second["data"]]
    assert numbered["metadata"]["pagination"]["total"] == ActivityLog.objects.count()


def test_a_private_note_keeps_its_words_from_auditors(api: Callable[..., Any], admin: Any, rep: Any, customer: Any) -> None:
    with intend(actor=rep):
        Note.objects.create(entity="customer", record_id=customer.pk, content="top secret", is_private=True, author=rep)
    answer = api(admin).get(f"{V1}/activity-logs", {"entity": "note"})
    assert answer.json()["data"] and "top secret" not in answer.content.decode()


def test_undo_by_the_one_who_did_it(api: Callable[..., Any], rep: Any, rep2: Any, customer: Any) -> None:
    update_record(obj=customer, data={"first_name": "Adele"}, actor=rep)
    change_set = ChangeSet.objects.filter(user=rep).order_by("-id").first()
    assert change_set is not None
    url = f"{V1}/change-sets/{change_set.pk}"
    assert api(rep2).get(url).status_code == 404
    assert api(rep2).post(f"{url}/undo").status_code == 404
    preview = api(rep).post(f"{url}/undo?preview=true")
    assert preview.status_code == 200, preview.content
    assert preview.json()["data"]["counts"][0]["changed"] == 1
    customer.refresh_from_db()
    assert customer.first_name == "Adele"
    done = api(rep).post(f"{url}/undo")
    assert done.status_code == 200, done.content
    customer.refresh_from_db()
    assert (customer.first_name, customer.version) == ("Ada", 3)
    assert api(rep).get(url).json()["data"]["undone_by"] == done.json()["data"]["change_set"]
    assert api(rep).post(f"{url}/undo").status_code == 409
    assert api(rep).get(f"{V1}/change-sets").json()["data"][0]["label"].startswith("Undo: ")


def test_versions_and_roll_back(api: Callable[..., Any], rep: Any, rep2: Any, customer: Any) -> None:
    update_record(obj=customer, data={"first_name": "Adele", "job_title": "Countess"}, actor=rep)
    listed = api(rep).get(f"{V1}/customers/{customer.pk}/versions")
    assert listed.status_code == 200, listed.content
    newest, oldest = listed.json()["data"]
    assert {c["field"]: (c["before"], c["after"]) for c in newest["changes"]} == {
        "first_name": ("Ada", "Adele"), "job_title": ("", "Countess"),
    }
    assert api(rep2).get(f"{V1}/customers/{customer.pk}/versions").status_code == 404
    rolled = api(rep).post(f"{V1}/customers/{customer.pk}/rollback", {"version": oldest["id"]})
    assert rolled.status_code == 200, rolled.content
    assert rolled.json()["data"]["first_name"] == "Ada"
    missing = api(rep).post(f"{V1}/customers/{customer.pk}/rollback", {"version": str(uuid.uuid4())})
    assert missing.status_code == 404


def test_jobs_are_ones_own(api: Callable[..., Any], admin: Any, rep: Any, rep2: Any) -> None:
    @job("test.api")
    def nothing(run: Any) -> dict[str, int]:
        return {"rows": 3}

    try:
        made = enqueue("test.api", user=rep)
        url = f"{V1}/jobs/{made.pk}"
        assert api(rep2).get(url).status_code == 404
        assert api(rep2).post(f"{url}/cancel").status_code == 404
        assert api(rep).post(f"{url}/cancel").json()["data"]["state"] == "cancelled"
        assert api(rep).post(f"{url}/cancel").status_code == 409
        assert api(rep).post(f"{url}/retry").json()["data"]["state"] == "queued"
        run_now(made)
        assert api(rep).get(url).json()["data"]["result"] == {"rows": 3}
        assert [j["id"] for j in api(rep).get(f"{V1}/jobs", {"state": "succeeded"}).json()["data"]] == [str(made.pk)]
        assert api(admin).get(url).status_code == 200
    finally:
        _KINDS.pop("test.api")
