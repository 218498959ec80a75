"""Notifications: who is told, once, and only while they may see it."""

from typing import Any

import pytest
from django.core import mail

from crm.accounts.models import User
from crm.activity.facts import Heard, publish
from crm.activity.intention import intend
from crm.jobs.engine import enqueue, run_now
from crm.notifications.handlers.people import tell_assigned
from crm.notifications.models import Notification, UnreadCount
from crm.notifications.service import choose, mark_read, mark_unread, notify, unread_count
from crm.records.events import RecordChanged
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def tell(user: User, **more: Any) -> Notification | None:
    """Tell a user something."""
    return notify(**{"user": user, "kind": "assigned", "text": "Assigned to you."} | more)


def assigned(obj: Any, by: User | None) -> Heard:
    """Return the fact that the owner of a record changed."""
    with intend(actor=by):
        fact = RecordChanged(entity="customer", record_id=obj.pk, fields=["assigned_user"])
        return Heard(fact=fact, entry=publish(fact, about=obj, entity="customer", quiet=True))


def test_the_unread_count_is_stored_and_follows(rep: User, rep2: User) -> None:
    first = tell(rep)
    tell(rep)
    tell(rep2)
    assert first is not None
    assert (unread_count(rep), unread_count(rep2)) == (2, 1)
    assert mark_read(user=rep, ids=[first.pk]) == 1
    assert mark_read(user=rep2, ids=[first.pk]) == 0
    assert unread_count(rep) == 1
    mark_unread(user=rep, pk=first.pk)
    assert UnreadCount.objects.get(user=rep).count == 2
    mark_read(user=rep)
    Notification.objects.all().delete()
    assert unread_count(rep) == 0


def test_the_same_is_told_once_and_nobody_of_his_own_acts(rep: User) -> None:
    assert tell(rep, key="a") is not None
    assert tell(rep, key="a") is None
    assert tell(rep, actor=rep) is None
    assert unread_count(rep) == 1


def test_ways(rep: User) -> None:
    choose(user=rep, ways={"assigned": (False, False)})
    assert tell(rep) is None
    choose(user=rep, ways={"assigned": (False, True)})
    assert tell(rep) is not None
    assert unread_count(rep) == 0


def test_a_new_owner_is_told_if_somebody_else_did_it(rep: User, admin: User) -> None:
    record = CustomerFactory(first_name="Canary", assigned_user=rep)
    tell_assigned(assigned(record, by=rep))
    assert unread_count(rep) == 0
    heard = assigned(record, by=admin)
    tell_assigned(heard)
    tell_assigned(heard)
    assert unread_count(rep) == 1
    assert "Canary" not in Notification.objects.get(user=rep).text


def test_a_title_is_shown_only_while_the_record_is_seen(rep: User, rep2: User, client_for: Any) -> None:
    record = CustomerFactory(first_name="Canary", assigned_user=rep)
    tell(rep, about=("customer", record.pk))
    page = client_for(rep)
    assert "Canary" in page.get("/notifications").content.decode()
    record.assigned_user = rep2
    record.save()
    for path in ("/notifications", "/notifications/popover"):
        assert "Canary" not in page.get(path).content.decode()


def test_pages_and_api_show_ones_own(rep: User, rep2: User, client_for: Any, api: Any) -> None:
    made = tell(rep2)
    assert made is not None
    page = client_for(rep)
    for path in ("/notifications", "/notifications/bell", "/notifications/popover", "/notifications/settings"):
        assert page.get(path).status_code == 200
    assert api(rep).get("/api/v1/notifications").json()["data"] == []
    assert api(rep).get(f"/api/v1/notifications/{made.pk}").status_code == 404
    assert api(rep2).get(f"/api/v1/notifications/{made.pk}").status_code == 200
    assert api(rep2).patch(f"/api/v1/notifications/{made.pk}", {"read": True}, format="json").json()["data"]["read_at"]
    assert api(rep2).post("/api/v1/notifications/read", {}, format="json").json()["data"] == {"changed": 0, "unread": 0}
    assert api(rep).get("/api/v1/notifications/settings").status_code == 200
    page.post("/notifications/settings", {"assigned.in_app": "1"})
    tell(rep)
    assert unread_count(rep) == 1


def test_the_digest_is_sent_once(rep: User, rep2: User) -> None:
    tell(rep)
    choose(user=rep2, ways={"assigned": (True, False)})
    tell(rep2)
    run_now(enqueue("notifications.digest"))
    assert [m.to for m in mail.outbox] == [[rep.email]]
    run_now(enqueue("notifications.digest"))
    assert len(mail.outbox) == 1


def test_what_was_seen_is_read_without_a_word(rep: User, rep2: User, client_for: Any) -> None:
    """The page tells which rows were visible; only one's own are marked, and nothing else is drawn."""
    mine, other = tell(rep), tell(rep2)
    assert mine is not None
    assert other is not None
    answer = client_for(rep).post("/notifications/read", {"seen": "1", "id": [str(mine.pk), str(other.pk), "x"]})
    assert answer.status_code == 204
    assert (unread_count(rep), unread_count(rep2)) == (0, 1)


def test_the_bell_shows_days_the_record_and_one_act(rep: User, admin: User, client_for: Any) -> None:
    """Unread and all, by day; a mention offers a reply; nobody is led away from this site."""
    record = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep)
    made = tell(rep, kind="mentioned", actor=admin, about=("customer", record.pk), url=f"/customers/{record.pk}")
    assert made is not None
    page = client_for(rep)
    text = page.get("/notifications/popover?only=unread").content.decode()
    for word in ("Ana Abel", "Reply", "note-day", f'data-new="{made.pk}"'):
        assert word in text
    assert page.get(f"/notifications/{made.pk}?to=//evil.example")["Location"] == "/"
    assert "Ana Abel" not in page.get("/notifications/popover?only=unread").content.decode()
    assert "Ana Abel" in page.get("/notifications/popover").content.decode()
