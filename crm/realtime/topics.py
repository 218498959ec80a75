"""Topics: what a page may listen to, and who may.

    @topic("board")
    def board(user, parts, data): …

Each domain declares its topics in ``topics.py``. The function is asked when a page subscribes (``data`` is
None) and again before every event that is sent to that page, with the event's data. It answers whether the
user may hear it, or with what of the data he may hear.
"""

from collections.abc import Callable
from typing import Any

Rule = Callable[[Any, list[str], dict[str, Any] | None], bool | dict[str, Any]]

Elsewhere = Callable[[str], list[tuple[str, str]]]
"""From the id of a record to the other topics on which its editing is told, and what is told there."""

EVERYBODY = "everybody"
"""The channel-layer group of every socket."""

_TOPICS: dict[str, Rule] = {}
_ELSEWHERE: dict[str, Elsewhere] = {}


def topic(prefix: str) -> Callable[[Rule], Rule]:
    """Declare the topics that begin with ``prefix:`` by the rule that says who may hear them."""

    def declare(rule: Rule) -> Rule:
        if prefix in _TOPICS:
            raise ValueError(f"The topic {prefix} is declared twice.")
        _TOPICS[prefix] = rule
        return rule

    return declare


def topics() -> dict[str, Rule]:
    """Return every declared topic by its prefix."""
    return dict(_TOPICS)


def may_hear(user: Any, name: str, data: dict[str, Any] | None = None) -> bool:
    """Tell whether ``user`` may hear a topic, or this one event of it. What nobody declared is silent."""
    return heard_by(user, name, data) is not None


def heard_by(user: Any, name: str, data: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """Return what of an event's data ``user`` may hear; None when he hears nothing of it."""
    prefix, *parts = name.split(":")
    rule = _TOPICS.get(prefix)
    answer = rule(user, parts, data) if rule else False
    if isinstance(answer, dict):
        return answer
    return (data or {}) if answer else None


def group_of(name: str) -> str:
    """Return the channel-layer group of a topic."""
    return "topic." + name.replace(":", ".")


def edits_shown_on(prefix: str) -> Callable[[Elsewhere], Elsewhere]:
    """Declare where it is told, beside the record's own topic, that somebody edits a record (``record:deal``)."""

    def declare(function: Elsewhere) -> Elsewhere:
        if prefix in _ELSEWHERE:
            raise ValueError(f"Where edits of {prefix} are shown is declared twice.")
        _ELSEWHERE[prefix] = function
        return function

    return declare


def edits_elsewhere(name: str) -> list[tuple[str, str]]:
    """Return the other topics on which editing under this one is told, each with what is told there."""
    prefix, _sep, record_id = name.rpartition(":")
    found = _ELSEWHERE.get(prefix)
    return found(record_id) if found else []
