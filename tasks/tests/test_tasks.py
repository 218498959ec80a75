"""Tasks: done once, opened again, and followed up."""

from typing import Any

import pytest

from crm.access.policy import SYSTEM, visible_to
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.activity.models import ActivityLog
from crm.lib.errors import Conflict, Denied, Invalid, Missing, Outdated
from crm.records.services import create_record, update_record
from customers.tests.factories import CustomerFactory
from tasks.models import Task
from tasks.services import complete_task, reopen_task, reschedule
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def facts(task: Task) -> list[str]:
    rows = ActivityLog.objects.filter(entity_id=task.pk, kind="fact").exclude(action__startswith="records.")
    return list(rows.order_by("id").values_list("action", flat=True))


def test_completing_is_timed_announced_and_done_once() -> None:
    task = TaskFactory(customer=CustomerFactory())
    done = complete_task(task=task, outcome="Signed", actor=SYSTEM)
    assert (done.status, done.outcome, done.version) == ("COMPLETED", "Signed", 2)
    assert done.completed_at
    again = complete_task(task=done, actor=SYSTEM)
    assert (again.completed_at, again.version) == (done.completed_at, 2)
    assert facts(task) == ["tasks.completed"]
    opened = reopen_task(task=again, actor=SYSTEM)
    assert (opened.status, opened.completed_at) == ("PENDING", None)
    assert reopen_task(task=opened, actor=SYSTEM).version == 3
    assert facts(task) == ["tasks.completed", "tasks.reopened"]


def test_editing_the_status_has_the_same_consequences() -> None:
    task = TaskFactory()
    done = update_record(obj=task, data={"status": "COMPLETED"}, actor=SYSTEM)
    assert done.completed_at
    assert facts(task) == ["tasks.completed"]


def test_a_cancelled_task_is_reopened_first() -> None:
    task = TaskFactory(status="CANCELLED")
    with pytest.raises(Conflict):
        complete_task(task=task, actor=SYSTEM)
    complete_task(task=reopen_task(task=task, actor=SYSTEM), actor=SYSTEM)


def test_a_follow_up_is_about_the_same_and_for_the_same_person() -> None:
    owner, other = UserFactory(), UserFactory()
    task = TaskFactory(customer=CustomerFactory(), assigned_user=owner, priority="HIGH")
    complete_task(task=task, follow_up={"title": "Call again", "due_date": "2026-07-01"}, actor=SYSTEM)
    made = Task.objects.get(title="Call again")
    assert (made.customer, made.assigned_user, made.priority, made.status) == (task.customer, owner, "HIGH", "PENDING")
    second = TaskFactory(assigned_user=owner)
    complete_task(task=second, follow_up={"title": "Yours", "assigned_user": other.pk}, actor=SYSTEM)
    assert Task.objects.get(title="Yours").assigned_user == other
    third = TaskFactory()
    with pytest.raises(Invalid):
        complete_task(task=third, follow_up={"title": ""}, actor=SYSTEM)
    third.refresh_from_db()
    assert third.status == "PENDING", "all or nothing"


def test_rescheduling_and_versions() -> None:
    task = TaskFactory()
    assert reschedule(task=task, due_date="2026-07-01T09:00:00Z", actor=SYSTEM, version=1).due_date.hour == 9
    with pytest.raises(Outdated):
        reschedule(task=task, due_date=None, actor=SYSTEM, version=1)


def test_assigning_to_someone_else_is_announced() -> None:
    boss: Any = UserFactory(role=RoleFactory(is_admin=True))
    mate = UserFactory()
    own = create_record(of="task", data={"title": "Mine"}, actor=boss)
    assert facts(own) == []
    given = create_record(of="task", data={"title": "Yours", "assigned_user": mate.pk}, actor=boss)
    assert facts(given) == ["tasks.assigned"]


def test_who_made_a_task_keeps_seeing_it_and_only_the_assignee_completes_it() -> None:
    may = {("task", a): "own" for a in ("view", "create", "change", "assign")}
    rep = UserFactory(role=RoleFactory(may=may))
    mine, made = TaskFactory(assigned_user=rep), TaskFactory(created_by=rep)
    TaskFactory()
    assert set(visible_to(rep, Task)) == {mine, made}
    complete_task(task=mine, actor=rep)
    with pytest.raises(Denied):
        complete_task(task=made, actor=rep)
    with pytest.raises(Missing):
        complete_task(task=TaskFactory(), actor=rep)
