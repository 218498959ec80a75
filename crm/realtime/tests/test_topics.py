"""Topics and pushes without a socket."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction

from crm.accounts.models import User
from crm.realtime.push import push
from crm.realtime.topics import may_hear

pytestmark = pytest.mark.django_db


def test_unknown_topics_are_silent(rep: User) -> None:
    for name in ("planet:1", "record:planet:1", "record:deal:x", "record:deal", "list:planet", f"user:{User().pk}", "board:1:2"):
        assert not may_hear(rep, name), name


def test_a_push_without_valkey_fails_nobody(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(*args: Any) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr("crm.realtime.push.send_to_groups", broken)
    with django_capture_on_commit_callbacks(execute=True) as called:
        push("list:deal", "list.dirty", {})
    assert len(called) == 1


def test_what_one_act_tells_goes_in_one_message_and_a_savepoint_calls_off_its_own(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[list[str]] = []
    monkeypatch.setattr("crm.realtime.push._send", lambda messages: sent.append([m["topic"] for m in messages]))
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        push("list:deal", "list.dirty")
        push("list:customer", "list.dirty")
        with suppress(ZeroDivisionError), transaction.atomic():
            push("list:task", "list.dirty")
            1 / 0  # noqa: B018
        push("list:company", "list.dirty")
    assert sent == [["list:deal", "list:customer", "list:company"]]
