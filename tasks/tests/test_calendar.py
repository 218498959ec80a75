"""Tasks by day, repeated, reminded of, planned for a deal, and corrected before they are made."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.access.rights import rights_of
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.jobs.engine import enqueue, run_now
from crm.notifications.models import Notification
from customers.tests.factories import CustomerFactory
from sales.models import Pipeline
from sales.selectors import BoardFilter, board
from sales.tests.factories import DealFactory
from tasks.models import Task
from tasks.month import SHOWN, calendar
from tasks.repeating import next_due
from tasks.selectors import mine_or_team
from tasks.services.tasks import complete_task
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def noon(day: dt.date) -> dt.datetime:
    """Return noon of a day."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time(12)))


def test_a_month_has_every_day_and_only_ones_own_tasks(rep: Any, rep2: Any) -> None:
    day = dt.date(2027, 2, 10)
    TaskFactory.create_batch(SHOWN["month"] + 2, assigned_user=rep, due_date=noon(day))
    TaskFactory(assigned_user=rep, due_date=None, title="Some day")
    TaskFactory(assigned_user=rep2, due_date=noon(day), title="Canary")
    shown = calendar(rep, mine_or_team(rep, "mine"), "month", day)
    days = {d.day: d for week in shown.weeks for d in week}
    assert all(len(week) == 7 for week in shown.weeks)
    assert {d for d in days if d.month == 2} == {dt.date(2027, 2, n) for n in range(1, 29)}
    assert (len(days[day].tasks), days[day].more) == (SHOWN["month"], 2)
    assert [t.title for t in shown.undated] == ["Some day"]
    week = calendar(rep, mine_or_team(rep, "mine"), "week", day)
    assert sum(len(d.tasks) for d in week.weeks[0]) == SHOWN["month"] + 2


def test_days_are_those_of_the_reader(rep: Any) -> None:
    TaskFactory(assigned_user=rep, due_date=dt.datetime(2027, 2, 10, 23, 30, tzinfo=dt.UTC))
    with timezone.override("Europe/Berlin"):
        shown = calendar(rep, mine_or_team(rep, "mine"), "week", dt.date(2027, 2, 10))
    assert [d.day.day for d in shown.weeks[0] if d.tasks] == [11]


def test_statements_do_not_grow(rep: Any) -> None:
    rights_of(rep)
    day = dt.date(2027, 2, 1)
    for size in (3, 30):
        for n in range(size):
            TaskFactory(assigned_user=rep, due_date=noon(day + dt.timedelta(days=n % 28)))
        with CaptureQueriesContext(connection) as asked:
            calendar(rep, mine_or_team(rep, "mine"), "month", day)
        assert len(asked) <= 6, [q["sql"][:90] for q in asked]


def test_the_page_and_dropping_on_a_day(rep: Any, rep2: Any, client_for: Any) -> None:
    task = TaskFactory(assigned_user=rep, due_date=noon(dt.date(2027, 2, 10)))
    page = client_for(rep)
    for query in ("day=2027-02-01", "span=week&day=2027-02-10", "day=nonsense", "day=9999-12-31"):
        assert page.get(f"/tasks?layout=calendar&{query}").status_code == 200
    assert task.title in page.get("/tasks?layout=calendar&day=2027-02-01").content.decode()
    answer = page.post(f"/tasks/{task.pk}/due", {"day": "2027-02-15"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    task.refresh_from_db()
    assert task.due_date == noon(dt.date(2027, 2, 15))
    assert page.post(f"/tasks/{task.pk}/due", {"day": "x"}, headers={"HX-Request": "true"}).status_code in (400, 422)
    page.post(f"/tasks/{task.pk}/due", {"day": ""})
    task.refresh_from_db()
    assert task.due_date is None
    assert client_for(rep2).post(f"/tasks/{task.pk}/due", {"day": "2027-02-15"}).status_code == 404


@pytest.mark.parametrize(("due", "repeat", "now", "expected"), [
    ("2027-01-31T17:00", "MONTHLY", "2027-01-31T18:00", "2027-02-28T17:00"),
    ("2027-01-31T17:00", "MONTHLY", "2027-03-01T09:00", "2027-03-31T17:00"),
    ("2027-02-05T09:00", "WEEKDAYS", "2027-02-05T10:00", "2027-02-08T09:00"),
    ("2020-01-01T09:00", "DAILY", "2027-02-05T10:00", "2027-02-06T09:00"),
    ("2027-02-20T09:00", "WEEKLY", "2027-02-05T10:00", "2027-02-27T09:00"),
    ("2024-02-29T09:00", "YEARLY", "2027-02-05T10:00", "2027-02-28T09:00"),
])
def test_when_a_repeating_task_is_due_again(due: str, repeat: str, now: str, expected: str) -> None:
    given = [timezone.make_aware(dt.datetime.fromisoformat(text)) for text in (due, now, expected)]
    assert next_due(given[0], repeat, given[1]) == given[2]


def test_done_makes_the_next_one_and_undo_takes_both_back(rep: Any, api: Any) -> None:
    due = timezone.now() + dt.timedelta(days=1)
    task = TaskFactory(assigned_user=rep, due_date=due, repeat="WEEKLY", remind_at=due - dt.timedelta(hours=1), title="Call in")
    assert api(rep).get(f"/api/v1/tasks/{task.pk}").json()["data"]["repeat"] == "WEEKLY"
    complete_task(task=task, actor=rep)
    following = Task.objects.exclude(pk=task.pk).get()
    assert (following.title, following.status, following.repeat, following.assigned_user) == ("Call in", "PENDING", "WEEKLY", rep)
    assert following.due_date == due + dt.timedelta(days=7)
    assert following.remind_at == due + dt.timedelta(days=7, hours=-1)
    undo(change_set=ChangeSet.objects.order_by("-created_at")[0], actor=rep)
    task.refresh_from_db()
    assert task.status == "PENDING"
    assert not Task.objects.filter(pk=following.pk).exists()


def test_one_is_reminded_once(rep: Any) -> None:
    now = timezone.now()
    TaskFactory(assigned_user=rep, remind_at=now - dt.timedelta(minutes=1), due_date=now, title="Ring Hana")
    TaskFactory(assigned_user=rep, remind_at=now + dt.timedelta(hours=1))
    TaskFactory(assigned_user=rep, remind_at=now - dt.timedelta(hours=1), status="COMPLETED", completed_at=now)
    for _round in range(2):
        run_now(enqueue("tasks.remind"))
    told = Notification.objects.get(user=rep, kind="task_reminder")
    assert "Ring Hana" in told.text


def test_planning_a_next_step_on_a_deal(rep: Any, rep2: Any, client_for: Any) -> None:
    pipeline = Pipeline.objects.get(is_default=True)
    deal = DealFactory(stage=pipeline.stages.get(code="PROPOSAL"), assigned_user=rep, customer=CustomerFactory(assigned_user=rep))
    hidden = DealFactory(stage=pipeline.stages.get(code="QUALIFICATION"), assigned_user=rep, customer=CustomerFactory(assigned_user=rep2))
    page = client_for(rep)
    assert page.post("/tasks/plan", {"deal": str(hidden.pk), "line": "ring"}).status_code == 200
    assert Task.objects.get().customer is None
    Task.objects.all().delete()
    assert deal.title in page.get(f"/tasks/plan?deal={deal.pk}").content.decode()
    assert page.post("/tasks/plan", {"deal": str(deal.pk), "line": ""}).status_code == 422
    assert page.post("/tasks/plan", {"deal": str(deal.pk), "line": "send the offer !high"}).status_code == 200
    task = Task.objects.get()
    assert (task.deal, task.customer, task.priority, task.title) == (deal, deal.customer, "HIGH", "send the offer")
    assert task.due_date > timezone.now()
    card = next(c for c in board(rep, BoardFilter(pipeline)).columns if c.stage == deal.stage).cards[0]
    assert card.next_step.title == "send the offer"
    assert client_for(rep2).get(f"/tasks/plan?deal={deal.pk}").status_code == 404


def test_chips_are_corrected_before_the_task_is_made(rep: Any, client_for: Any) -> None:
    page = client_for(rep)
    chips = page.get("/tasks/understood", {"line": "call Hana tomorrow 15:00 !urgent"}).content.decode()
    assert 'name="set.due_date"' in chips
    assert 'value="priority"' not in chips
    line = {"line": "call Hana tomorrow 15:00 !urgent", "set.priority": "LOW", "set.due_date": "2027-02-10T09:30"}
    assert page.post("/tasks/quick", line).status_code == 302
    task = Task.objects.get()
    assert (task.priority, task.due_date) == ("LOW", dt.datetime(2027, 2, 10, 9, 30, tzinfo=dt.UTC))
    page.post("/tasks/quick", {"line": "call Bram tomorrow", "drop": "due_date"})
    assert Task.objects.get(title="call Bram").due_date is None
    assert page.post("/tasks/quick", {"line": "call Bram tomorrow", "set.due_date": "x"}).status_code == 422
