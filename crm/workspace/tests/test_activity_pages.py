"""The pages of the log: what each person sees, undo with conflicts shown first, jobs, deliveries, versions."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet, Delivery
from crm.jobs.engine import enqueue, job, run_now
from crm.jobs.models import Job
from crm.jobs.registry import _KINDS
from crm.records.services import create_record, update_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(rep: Any) -> Any:
    return create_record(of="customer", data={"first_name": "Ada", "last_name": "<b>Love</b>"}, actor=rep)


def latest(user: Any) -> ChangeSet:
    found = ChangeSet.objects.filter(user=user).order_by("-id").first()
    assert found is not None
    return found


def test_the_audit_log_is_filtered_and_inert(client_for: Callable[..., Any], admin: Any, rep: Any, customer: Any) -> None:
    client = client_for(admin)
    answer = client.get("/settings/audit", {"entity": "customer", "user": str(rep.pk), "kind": "change"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "&lt;b&gt;Love&lt;/b&gt;" in page
    assert "<b>Love" not in page
    assert "<b>Love" not in client.get("/settings/audit", {"from": "2999-01-01"}).content.decode()
    assert client.get("/settings/audit", {"user": "nobody"}).status_code == 400
    assert client_for(rep).get("/settings/audit").status_code == 403


def test_the_export_is_streamed_logged_and_no_formula(client_for: Callable[..., Any], admin: Any, rep: Any) -> None:
    with intend(actor=rep):
        create_record(of="customer", data={"first_name": "=cmd()", "last_name": "X"}, actor=rep)
    answer = client_for(admin).get("/settings/audit/export", {"entity": "customer"})
    text = b"".join(answer.streaming_content).decode()
    assert ",'=cmd() X," in text
    assert ActivityLog.objects.filter(kind="access", action="audit.exported", user=admin).exists()
    assert client_for(rep).get("/settings/audit/export").status_code == 403


def test_undo_from_a_toast_and_its_own_undo(client_for: Callable[..., Any], rep: Any, rep2: Any, customer: Any) -> None:
    update_record(obj=customer, data={"first_name": "Adele"}, actor=rep)
    change_set = latest(rep)
    assert client_for(rep2).get(f"/changes/{change_set.pk}").status_code == 404
    assert client_for(rep2).post(f"/changes/{change_set.pk}/undo").status_code == 404
    client = client_for(rep)
    assert "Put back" in client.get(f"/changes/{change_set.pk}").content.decode()
    answer = client.post(f"/changes/{change_set.pk}/undo", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "page:refresh" in answer["HX-Trigger"]
    customer.refresh_from_db()
    assert customer.first_name == "Ada"
    assert "has been undone" in client.get(f"/changes/{change_set.pk}").content.decode()
    assert client.get("/changes").status_code == 200


def test_what_was_edited_since_is_shown_before_anything_happens(
    client_for: Callable[..., Any], rep: Any, manager: Any, customer: Any
) -> None:
    update_record(obj=customer, data={"first_name": "Adele", "job_title": "Boss"}, actor=rep)
    change_set = latest(rep)
    update_record(obj=customer, data={"first_name": "Eve"}, actor=manager)
    client = client_for(rep)
    answer = client.post(f"/changes/{change_set.pk}/undo")
    assert answer.status_code == 302
    customer.refresh_from_db()
    assert (customer.first_name, customer.job_title) == ("Eve", "Boss")
    page = client.get(f"/changes/{change_set.pk}").content.decode()
    assert "first_name" in page
    assert manager.name in page
    client.post(f"/changes/{change_set.pk}/undo", {"seen": "1"})
    customer.refresh_from_db()
    assert (customer.first_name, customer.job_title) == ("Eve", "")


def test_jobs_show_progress_and_can_be_cancelled(client_for: Callable[..., Any], rep: Any, rep2: Any) -> None:
    @job("test.page", label="Import of accounts")
    def work(run: Any) -> dict[str, int]:
        return {"rows": 7}

    try:
        made = enqueue("test.page", user=rep)
        Job.objects.filter(pk=made.pk).update(progress_done=1, progress_total=4)
        client = client_for(rep)
        part = client.get(f"/jobs/{made.pk}", headers={"HX-Request": "true", "HX-Target": "section#job-progress"}).content.decode()
        assert "25%" in part
        assert "every 2s" in part
        assert "<html" not in part
        assert client_for(rep2).get(f"/jobs/{made.pk}").status_code == 404
        assert client_for(rep2).post(f"/jobs/{made.pk}/cancel").status_code == 404
        client.post(f"/jobs/{made.pk}/cancel")
        made.refresh_from_db()
        assert made.state == "cancelled"
        client.post(f"/jobs/{made.pk}/retry")
        run_now(made)
        page = client.get(f"/jobs/{made.pk}").content.decode()
        assert "rows" in page
        assert "every 2s" not in page
        assert "Import of accounts" in client.get("/jobs").content.decode()
        told = client.post(f"/jobs/{made.pk}/told", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/customers"})
        (item,) = json.loads(told["HX-Trigger"])["toast"]["items"]
        assert (item["text"], item["url"], item["level"]) == ("“Import of accounts” is done.", f"/jobs/{made.pk}", "success")
        seen = client.post(f"/jobs/{made.pk}/told", headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver/jobs/{made.pk}"})
        assert "HX-Trigger" not in seen  # its own page shows it
        assert client_for(rep2).post(f"/jobs/{made.pk}/told").status_code == 404
    finally:
        _KINDS.pop("test.page")


def test_dead_letters_are_for_administrators(client_for: Callable[..., Any], admin: Any, manager: Any) -> None:
    entry = ActivityLog.objects.first()
    assert entry is not None
    dead = Delivery.objects.create(log_id=entry.id, log_created_at=entry.created_at, reaction="a.b", state="dead", error="no")
    client = client_for(admin)
    assert "a.b" in client.get("/settings/deliveries").content.decode()
    client.post("/settings/deliveries/replay", {"delivery": [str(dead.pk), "junk"]})
    dead.refresh_from_db()
    assert dead.state == "waiting"
    assert client_for(manager).get("/settings/deliveries").status_code == 403
    assert client_for(manager).post("/settings/deliveries/discard", {"all": "1"}).status_code == 403


def test_versions_compare_and_roll_back(client_for: Callable[..., Any], rep: Any, rep2: Any, customer: Any) -> None:
    first = ActivityLog.objects.get(entity_id=customer.pk, action="created", kind="change")
    update_record(obj=customer, data={"first_name": "Adele"}, actor=rep)
    client = client_for(rep)
    address = f"/history/customer/{customer.pk}"
    page = client.get(address, {"with": str(first.id)}).content.decode()
    assert "Adele" in page
    assert "Roll back" in page
    assert client_for(rep2).get(address).status_code == 404
    assert client.get(address, {"with": str(uuid.uuid4())}).status_code == 404
    client.post(f"{address}/rollback", {"version": str(first.id)})
    customer.refresh_from_db()
    assert customer.first_name == "Ada"
