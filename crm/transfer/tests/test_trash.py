"""A row about a record in the trash is a question of its own: restore it, create another, or skip the row."""

import json
from typing import Any

import pytest
from django.test import Client

from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.jobs.engine import run_next
from crm.records.models import Note
from crm.records.services import create_record, delete_record
from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out
from customers.models import Customer

FILE = "email,first name\nOld@Example.com,New name\nold@example.com,Newer name\nother@example.com,Other\n"


@pytest.fixture
def trashed(admin: Any) -> Customer:
    made = create_record(of="customer", data={"email": "old@example.com", "first_name": "Old", "last_name": "Kept"}, actor=admin)
    delete_record(obj=made, actor=admin)
    return made  # type: ignore[no-any-return]


def mapping(**more: Any) -> dict[str, Any]:
    return {"columns": {"email": "email", "first name": "first_name"}, **more}


@pytest.mark.django_db
def test_the_check_asks(trashed: Customer, checked: Any) -> None:
    run = checked(FILE, "customer", mapping())
    assert run.report["blocked"]
    assert run.report["trash"] == {
        "count": 2, "choice": "ask", "rows": [{"row": 2, "record": "Old Kept"}, {"row": 3, "record": "Old Kept"}],
    }
    assert "is in the trash" in run.report["errors"][0]["message"]


@pytest.mark.django_db
def test_restore(trashed: Customer, imported: Any, admin: Any) -> None:
    run = imported(FILE, "customer", mapping(trash="restore"))
    assert (run.report["result"]["create"], run.report["result"]["update"]) == (1, 2)
    found = Customer.objects.get(email__iexact="old@example.com")
    assert (found.pk, found.first_name, found.last_name) == (trashed.pk, "New name", "Kept")  # two rows about one person: the first counts
    assert Note.objects.get(record_id=trashed.pk).content == "first name: Newer name"
    undo(change_set=ChangeSet.objects.get(pk=run.change_set), actor=admin)
    back = Customer.everything.get()
    assert (back.deleted_at is not None, back.first_name) == (True, "Old")


@pytest.mark.django_db
@pytest.mark.parametrize(("choice", "created", "updated", "skipped"), [("create", 2, 1, 0), ("skip", 1, 0, 2)])
def test_create_or_skip(
    trashed: Customer, imported: Any, choice: str, created: int, updated: int, skipped: int
) -> None:
    run = imported(FILE, "customer", mapping(trash=choice))
    assert [run.report["result"][k] for k in ("create", "update", "skip")] == [created, updated, skipped]
    assert Customer.everything.get(pk=trashed.pk).deleted_at is not None


@pytest.mark.django_db
def test_what_one_may_not_see_in_the_trash_is_not_told(trashed: Customer, checked: Any, rep: Any) -> None:
    run = checked(FILE, "customer", mapping(), actor=rep)
    assert run.report["trash"] == {}
    carry_out(run, rep)
    assert run.report["result"]["create"] == 2


@pytest.mark.django_db
def test_the_choice_on_the_page(trashed: Customer, admin: Any, checked: Any) -> None:
    run = checked(FILE, "customer", mapping())
    client = Client()
    client.force_login(admin)
    page = client.get(f"/imports/{run.pk}").content.decode()
    assert 'name="trash"' in page
    assert "Old Kept" in page
    client.post(f"/imports/{run.pk}", {"choices": "1", "trash": "restore"})
    run_next(["import"])
    run = ImportRun.objects.get(pk=run.pk)
    assert json.dumps(run.mapping).count('"trash": "restore"') == 1
    assert not run.report["blocked"]
    assert run.report["counts"]["update"] == 2
