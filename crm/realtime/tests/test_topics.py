"""Topics and pushes without a socket."""

from typing import Any

import pytest

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
