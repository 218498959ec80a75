"""The quick line and the pages of tasks."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from customers.tests.factories import CompanyFactory
from tasks.models import Task
from tasks.quick import understand
from tasks.selectors import grouped, mine_or_team
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
FRIDAY = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("line", "title", "due"),
    [
        ("call Hana tomorrow 15:00", "call Hana", "2026-11-21T15:00:00+00:00"),
        ("send quote today", "send quote", "2026-11-20T17:00:00+00:00"),
        ("demo monday at 3pm", "demo", "2026-11-23T15:00:00+00:00"),
        ("review in 3 days", "review", "2026-11-23T17:00:00+00:00"),
        ("renew 2026-12-01 9:30", "renew", "2026-12-01T09:30:00+00:00"),
        ("pay by 1 Dec", "pay", "2026-12-01T17:00:00+00:00"),
        ("ring at 8", "ring", "2026-11-21T08:00:00+00:00"),
        ("Hana anrufen morgen 15:00", "Hana anrufen", "2026-11-21T15:00:00+00:00"),
        ("Angebot senden am Montag um 9 Uhr", "Angebot senden", "2026-11-23T09:00:00+00:00"),
        ("nachhaken nächsten Dienstag", "nachhaken", "2026-11-24T17:00:00+00:00"),
        ("Vertrag prüfen bis 1.12.", "Vertrag prüfen", "2026-12-01T17:00:00+00:00"),
        ("verlängern 3. März 10.30 Uhr", "verlängern", "2027-03-03T10:30:00+00:00"),
        ("ansehen in 2 Wochen", "ansehen", "2026-12-04T17:00:00+00:00"),
        ("Raum am 99.99. buchen", "Raum am 99.99. buchen", None),
        ("nothing special", "nothing special", None),
        ("meet on 99 Dec", "meet on 99 Dec", None),
        ("room 25:99 please", "room 25:99 please", None),
    ],
)
@time_machine.travel(FRIDAY, tick=False)
def test_when(line: str, title: str, due: str | None, admin: Any) -> None:
    read = understand(line, admin)
    assert (read.title, read.fields.get("due_date")) == (title, due)


def test_about_whom_and_how_urgent(admin: Any, rep: Any, rep2: Any) -> None:
    company = CompanyFactory(name="Northgate Robotics")
    read = understand("call Hana #Northgate !urgent @rosa", admin)
    assert read.fields == {
        "title": "call Hana", "company": str(company.pk), "priority": "URGENT", "assigned_user": str(rep.pk), "type": "FOLLOW_UP",
    }
    assert understand("anrufen !dringend", admin).fields == {"title": "anrufen", "priority": "URGENT", "type": "FOLLOW_UP"}
    company.assigned_user = rep2
    company.save()
    assert understand("call #Northgate", rep).problems


@pytest.mark.parametrize("line", ["", "   ", "#", "@", "!", "#" * 400, "\x00 call", "1/0 " * 100, "in 999 months", "32 January 99999"])
def test_odd_lines_break_nothing(line: str, admin: Any) -> None:
    assert understand(line, admin) is not None


def test_pages(rep: Any, rep2: Any, client_for: Any) -> None:
    now = timezone.now()
    TaskFactory(title="Late one", assigned_user=rep, due_date=now - dt.timedelta(days=2))
    TaskFactory(title="Canary", assigned_user=rep2)
    page = client_for(rep)
    for path in ("/tasks?layout=list", "/tasks?layout=board", "/tasks?layout=list&who=team", "/tasks?who=all&layout=list"):
        text = page.get(path).content.decode()
        assert "Late one" in text
        assert "Canary" not in text
    assert page.post("/tasks/quick", {"line": "ring the bell tomorrow"}).status_code == 302
    assert Task.objects.get(title="ring the bell").assigned_user == rep
    assert page.post("/tasks/quick", {"line": ""}).status_code == 422
    assert page.post("/tasks/quick", {"line": "call #Nobody"}).status_code == 422
    assert page.get("/tasks/understood", {"line": "call tomorrow"}).status_code == 200
    groups = {g.key: g.count for g in grouped(rep, mine_or_team(rep, "mine"))}
    assert groups["late"] == 1


def test_complete_with_a_next_step_and_reopen(rep: Any, client_for: Any) -> None:
    task = TaskFactory(assigned_user=rep)
    page = client_for(rep)
    done = page.post(f"/tasks/{task.pk}/complete", {"outcome": "Agreed", "follow_up": "send contract tomorrow 10:00"})
    assert done.status_code == 302
    task.refresh_from_db()
    assert (task.status, task.outcome) == ("COMPLETED", "Agreed")
    assert Task.objects.get(title="send contract").type == "CONTRACT"
    page.post(f"/tasks/{task.pk}/reopen")
    task.refresh_from_db()
    assert task.status == "PENDING"


def test_many_are_moved_or_none(rep: Any, rep2: Any, client_for: Any) -> None:
    mine, theirs = TaskFactory.create_batch(2, assigned_user=rep), TaskFactory(assigned_user=rep2)
    page = client_for(rep)
    assert page.post("/tasks/reschedule", {"task": [str(mine[0].pk), str(theirs.pk)], "to": "tomorrow"}).status_code == 404
    assert Task.objects.exclude(due_date=None).count() == 0
    assert page.post("/tasks/reschedule", {"task": [str(t.pk) for t in mine], "to": "tomorrow"}).status_code == 302
    assert Task.objects.exclude(due_date=None).count() == 2
