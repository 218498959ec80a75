"""Acts on a selection: as a background job, out of the trash, as a file; and views over the API."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.jobs.engine import enqueue, run_now
from crm.records.services import delete_record
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def test_the_job_changes_what_one_may_change_under_one_change_set(rep: User, rep2: User) -> None:
    """A filter travels with the job; foreign records stay, and one undo takes all back."""
    mine = [CustomerFactory(assigned_user=rep, status="LEAD") for _ in range(60)]
    other = CustomerFactory(assigned_user=rep2, status="LEAD")
    params = {
        "entity": "customer", "action": "set", "values": {"status": "PROSPECT"}, "ids": [], "everything": True, "q": "", "archived": False,
        "criteria": {"version": 1, "all": [{"field": "status", "op": "is", "value": "LEAD"}]},
    }
    done = run_now(enqueue("lists.bulk", params=params, user=rep))
    assert done.result["done"] == len(mine) and done.result["refused"] == 0
    assert Customer.objects.filter(status="PROSPECT").count() == len(mine)
    other.refresh_from_db()
    assert other.status == "LEAD"
    undo(change_set=ChangeSet.objects.get(pk=uuid.UUID(done.result["change_set"])), actor=rep)
    assert not Customer.objects.filter(status="PROSPECT").exists()


def test_selected_records_come_back_from_the_trash(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Only one's own; the others stay where they are."""
    mine = [CustomerFactory(assigned_user=rep) for _ in range(2)]
    other = CustomerFactory(assigned_user=rep2)
    for obj in (*mine, other):
        delete_record(obj=obj, actor=obj.assigned_user)
    answer = client_for(rep).post("/customers/bulk/restore", {"ids": [str(o.pk) for o in (*mine, other)]})
    assert answer["Location"] == "/trash?entity=customer"
    assert set(Customer.objects.all()) == set(mine)


def test_a_selection_is_exported(client_for: Callable[[Any], Client], manager: User) -> None:
    """The file holds what was selected, as far as one may see it, and nothing else."""
    wanted = CustomerFactory(first_name="Wanted", assigned_user=manager)
    CustomerFactory(first_name="Unwanted", assigned_user=manager)
    answer: Any = client_for(manager).post("/export?entity=customer", {"ids": [str(wanted.pk), str(uuid.uuid4()), "nonsense"], "all": ""})
    text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    assert "Wanted" in text and "Unwanted" not in text


def test_views_over_the_api_belong_to_their_makers(api: Callable[[Any], Any], rep: User, rep2: User) -> None:
    """A view is made, used, refused with a reason, and not there for others."""
    mine = api(rep)
    made = mine.post("/api/v1/views", {"name": "Leads", "entity": "customer", "sort": ["-created_at"],
                                       "criteria": {"version": 1, "all": [{"field": "status", "op": "is", "value": "LEAD"}]}}, format="json")
    assert made.status_code == 201, made.content
    pk = made.json()["data"]["id"]
    CustomerFactory(assigned_user=rep, status="LEAD")
    CustomerFactory(assigned_user=rep, status="PROSPECT")
    assert len(mine.get(f"/api/v1/customers?view={pk}").json()["data"]) == 1
    assert mine.post("/api/v1/views", {"name": "Bad", "entity": "customer", "columns": ["nope"]}, format="json").status_code == 400
    assert mine.patch(f"/api/v1/views/{pk}", {"position": 3}, format="json").json()["data"]["position"] == 3
    theirs = api(rep2)
    assert theirs.get(f"/api/v1/views/{pk}").status_code == 404
    assert theirs.get(f"/api/v1/customers?view={pk}").status_code == 400
