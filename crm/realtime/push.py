"""Telling open pages that something happened. A hint, never the data: the page asks for that over HTTP."""

import logging
from typing import Any

from django.db import transaction

from crm.realtime.store import keep_event, send_to_group
from crm.realtime.topics import EVERYBODY, group_of

log = logging.getLogger(__name__)


def push(topic: str, event: str, data: dict[str, Any] | None = None, *, tab: str = "") -> None:
    """Send an event to every page that listens to ``topic``, after the commit. Never fails the caller.

    ``tab`` names the tab that did it, which then drops its own echo.
    """
    transaction.on_commit(lambda: _send({"topic": topic, "event": event, "data": data or {}, "tab": tab}), robust=True)


def push_now(topic: str, event: str, data: dict[str, Any] | None = None) -> None:
    """Send at once, inside a transaction too: for progress, which is no change that could be taken back."""
    _send({"topic": topic, "event": event, "data": data or {}, "tab": ""})


def end_sockets(user_id: Any) -> None:
    """Make the open sockets of a user ask at once whether they may stay."""
    transaction.on_commit(lambda: _tell(f"person.{user_id}", {"type": "person.check"}), robust=True)


def check_everybody() -> None:
    """Make every open socket ask at once whether it may stay, and what it may hear."""
    transaction.on_commit(lambda: _tell(EVERYBODY, {"type": "person.check"}), robust=True)


def check_topic(topic: str) -> None:
    """Make every page that listens to ``topic`` ask at once whether it still may."""
    transaction.on_commit(lambda: _tell(group_of(topic), {"type": "topic.check", "topic": topic}), robust=True)


def _send(message: dict[str, Any]) -> None:
    topic = message["topic"]
    _tell(group_of(topic), {"type": "topic.event", "message": {"id": keep_event(topic, message), **message}})


def _tell(group: str, message: dict[str, Any]) -> None:
    try:
        send_to_group(group, message)
    except Exception as error:  # the pages are told when they next ask; a write must not fail for it
        log.warning("Open pages were not told: %s", error)
