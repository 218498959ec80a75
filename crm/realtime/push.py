"""Telling open pages that something happened. A hint, never the data: the page asks for that over HTTP."""

import logging
from typing import Any

from django.db import connection, transaction

from crm.realtime.store import keep_events, send_to_groups
from crm.realtime.topics import EVERYBODY, group_of

log = logging.getLogger(__name__)


def push(topic: str, event: str, data: dict[str, Any] | None = None, *, tab: str = "") -> None:
    """Send an event to every page that listens to ``topic``, after the commit. Never fails the caller.

    ``tab`` names the tab that did it, which then drops its own echo.
    """
    waiting = connection.run_on_commit
    last = waiting[-1] if waiting else None
    # Those of one act go together; what is called off with a savepoint must not take the earlier ones along.
    if last is not None and isinstance(last[1], _Outbox) and last[0] == set(connection.savepoint_ids):
        outbox = last[1]
    else:
        outbox = _Outbox()
    outbox.messages.append({"topic": topic, "event": event, "data": data or {}, "tab": tab})
    if last is None or outbox is not last[1]:
        transaction.on_commit(outbox, robust=True)


def push_now(topic: str, event: str, data: dict[str, Any] | None = None) -> None:
    """Send at once, inside a transaction too: for progress, which is no change that could be taken back."""
    _send([{"topic": topic, "event": event, "data": data or {}, "tab": ""}])


def end_sockets(user_id: Any) -> None:
    """Make the open sockets of a user ask at once whether they may stay."""
    transaction.on_commit(lambda: _tell([(f"person.{user_id}", {"type": "person.check"})]), robust=True)


def check_everybody() -> None:
    """Make every open socket ask at once whether it may stay, and what it may hear."""
    transaction.on_commit(lambda: _tell([(EVERYBODY, {"type": "person.check"})]), robust=True)


def check_topic(topic: str) -> None:
    """Make every page that listens to ``topic`` ask at once whether it still may."""
    transaction.on_commit(lambda: _tell([(group_of(topic), {"type": "topic.check", "topic": topic})]), robust=True)


class _Outbox:
    """What one act has to tell."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def __call__(self) -> None:
        _send(self.messages)


def _send(messages: list[dict[str, Any]]) -> None:
    kept = keep_events([(m["topic"], m) for m in messages])
    _tell([
        (group_of(m["topic"]), {"type": "topic.event", "message": {"id": key, **m}}) for key, m in zip(kept, messages, strict=True)
    ])


def _tell(told: list[tuple[str, dict[str, Any]]]) -> None:
    try:
        send_to_groups(told)
    except Exception as error:  # the pages are told when they next ask; a write must not fail for it
        log.warning("Open pages were not told: %s", error)
