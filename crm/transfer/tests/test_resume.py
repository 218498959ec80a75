"""A run that is killed goes on behind its last committed batch; one that is cancelled can go on or be undone."""

from typing import Any

import pytest

from crm.activity.facts import fact_name
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import undo
from crm.jobs.engine import Cancelled
from crm.records.events import RecordsBulkChanged
from crm.transfer.engine import write
from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out
from customers.models import Company, Customer

ROWS = "name,industry\n" + "".join(f"Company {i},Trade\n" for i in range(40))


class Killed(BaseException):
    """Stands for a worker that is gone between two batches."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write ten rows a batch."""
    monkeypatch.setattr(write, "BATCH", 10)


@pytest.mark.django_db
@pytest.mark.parametrize("end", [Killed, Cancelled])
def test_a_stopped_run_goes_on(admin: Any, checked: Any, end: type[BaseException]) -> None:
    run = checked(ROWS, "company")
    batches = 0

    def stop(number: int) -> None:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise end

    with pytest.raises(end):
        carry_out(run, admin, each_batch=stop)
    # The batch that was open is gone, the two before it are committed.
    assert Company.objects.count() == 20
    again = ImportRun.objects.get(pk=run.pk)
    assert again.written_to == 21
    carry_out(again, admin)
    assert Company.objects.count() == 40
    assert again.report["result"]["create"] == 40
    assert ChangeSet.objects.filter(pk=run.change_set).count() == 1
    facts = ActivityLog.objects.filter(change_set_id=run.change_set, action=fact_name(RecordsBulkChanged))
    assert [f.changes["count"] for f in facts] == [40]
    undo(change_set=ChangeSet.objects.get(pk=run.change_set), actor=admin)
    assert Company.everything.count() == 0


@pytest.mark.django_db
def test_a_parent_may_stand_in_a_later_batch(admin: Any, imported: Any) -> None:
    lines = [f"Child {i},Parent {i}" for i in range(15)] + [f"Parent {i}," for i in range(15)]
    imported("name,parent company\n" + "\n".join(lines) + "\n", "company")
    assert Company.objects.exclude(parent=None).count() == 15
    assert Company.objects.get(name="Child 3").parent.name == "Parent 3"


@pytest.mark.django_db
def test_a_circle_of_parents_is_refused(checked: Any) -> None:
    run = checked("name,parent company\nA,B\nB,A\nC,A\n", "company")
    assert run.report["counts"]["error"] >= 1


@pytest.mark.django_db
def test_what_changed_since_the_check_is_not_overwritten(admin: Any, imported: Any, checked: Any) -> None:
    imported("email,first name\nx@example.com,Old\n", "customer")
    run = checked("email,first name\nx@example.com,New\n", "customer")
    Customer.objects.update(version=7, first_name="Meanwhile")
    carry_out(run, admin)
    assert Customer.objects.get().first_name == "Meanwhile"
    assert "changed this record since the check" in run.report["run_errors"][0]["message"]


@pytest.mark.django_db
def test_a_key_taken_since_the_check_fails_that_row_alone(admin: Any, checked: Any) -> None:
    run = checked("email,first name\na@example.com,A\nb@example.com,B\nc@example.com,C\n", "customer")
    Customer.objects.create(email="B@example.com", first_name="Other")
    carry_out(run, admin)
    assert (run.report["result"]["create"], run.report["result"]["error"]) == (2, 1)
    assert run.report["run_errors"][0]["row"] == 3
