"""Facts: what happened, in the past tense, announced inside the verb's transaction.

    @fact("sales.deal_won", _("won"))
    class DealWon: deal_id: UUID; customer_id: UUID | None

    publish(DealWon(deal_id=deal.pk, customer_id=deal.customer_id), about=deal, subjects=[deal.customer_id])

The name is stored, so it never changes; payloads are ids and plain values. A reaction subscribes with
``@reacts_to(DealWon)`` in its app's ``handlers.py``; the relay delivers at least once, after commit.
"""

import dataclasses
import functools
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar, dataclass_transform, get_args, get_type_hints

from django.db import connection, transaction
from django.utils import timezone

from crm.activity.intention import Intention, current_intention, current_origin, writes_facts
from crm.activity.models import ActivityLog, Delivery
from crm.lib.ids import uuid7
from crm.lib.prepared import prepared_cursor

T = TypeVar("T")

_FACTS: dict[str, type] = {}
_NAMES: dict[type, str] = {}
_WORDS: dict[str, Any] = {}
_REACTIONS: dict[str, list["Reaction"]] = {}


When = Callable[[Any, Any], bool]
"""Tells from a fact and the record that it happened to (or None) whether it concerns a reaction."""


@dataclass(frozen=True)
class Reaction:
    """A function that hears a fact; ``name`` is its stored identity."""

    name: str
    fact: str
    run: Callable[["Heard"], None]
    max_attempts: int = 8
    when: "When | None" = None
    """Asked when the fact is published: no delivery is written of what a reaction has nothing to do with."""


@dataclass(frozen=True)
class Heard:
    """A fact as a reaction receives it: the payload and the log row it was written as."""

    fact: Any
    entry: ActivityLog

    @cached_property
    def tab(self) -> str:
        """Return the browser tab in which it was done; nothing where it was not done on a page."""
        under = self.entry.change_set
        tab, dot, _rest = (under.request_id if under else "").partition(".")
        return tab if dot else ""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fact(name: str, words: Any = "") -> Callable[[type[T]], type[T]]:
    """Declare a fact under its stored name (``app.past_tense``), with what the audit log calls it: “won”."""

    def declare(cls: type[T]) -> type[T]:
        if name in _FACTS:
            raise ValueError(f"The fact {name} is declared twice.")
        made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        _FACTS[name] = made
        _NAMES[made] = name
        _WORDS[name] = words or name
        return made

    return declare


def fact_name(of: type | Any) -> str:
    """Return the stored name of a fact or of its class."""
    return _NAMES[of if isinstance(of, type) else type(of)]


def fact_class(name: str) -> type | None:
    """Return the class of a stored name, or None when it is no longer declared."""
    return _FACTS.get(name)


def words_of_facts() -> dict[str, Any]:
    """Return what the audit log calls each fact."""
    return dict(_WORDS)


def all_facts() -> dict[str, type]:
    """Return every declared fact by name."""
    return dict(_FACTS)


def reacts_to(
    *facts: type, name: str | None = None, max_attempts: int = 8, when: When | None = None
) -> Callable[[Callable[[Heard], None]], Callable[[Heard], None]]:
    """Subscribe a function to one or more facts; ``when`` tells which of them concern it, before it is delivered."""

    def subscribe(function: Callable[[Heard], None]) -> Callable[[Heard], None]:
        stored = name or f"{function.__module__}.{function.__qualname__}"
        for cls in facts:
            heard = fact_name(cls)
            _REACTIONS.setdefault(heard, []).append(
                Reaction(name=stored, fact=heard, run=function, max_attempts=max_attempts, when=when)
            )
        return function

    return subscribe


def reactions_of(fact_name: str) -> list[Reaction]:
    """Return the reactions subscribed to a fact."""
    return _REACTIONS.get(fact_name, [])


_wake: list[Callable[[], None]] = []


def on_facts_committed(function: Callable[[], None]) -> None:
    """Register what is called after a commit that left deliveries (the relay's alarm)."""
    _wake.append(function)


def _alarm() -> None:
    for function in _wake:
        function()


def publish(
    event: Any,
    *,
    about: Any = None,
    entity: str = "",
    subjects: Iterable[uuid.UUID | None] = (),
    quiet: bool = False,
) -> ActivityLog:
    """Write a fact to the log under the open intention (at its end), with a delivery for every reaction.

    ``about`` is the record it happened to; ``subjects`` are the ids of other records whose timelines show
    it. ``quiet`` writes the fact without deliveries (history that must not fire anything).
    """
    if not connection.in_atomic_block:
        raise RuntimeError("publish() belongs inside a verb: open one with @verb or intend().")
    name = fact_name(event)
    intention = current_intention()
    origin = intention.origin if intention else current_origin()
    entry = ActivityLog(
        id=uuid7(),
        created_at=timezone.now(),
        kind=ActivityLog.Kind.FACT,
        action=name,
        entity=entity or (about._meta.model_name if about is not None else ""),
        entity_id=about.pk if about is not None else None,
        changes=_plain(dataclasses.asdict(event)),
        subjects=[str(s) for s in dict.fromkeys(subjects) if s],
        user_id=origin.user_id,
        change_set_id=intention.id if intention else None,
        ip_address=origin.ip_address,
        user_agent=origin.user_agent[:400],
    )
    reactions = [] if quiet else [r.name for r in reactions_of(name) if r.when is None or r.when(event, about)]
    if intention is not None:
        intention.facts.append((entry, reactions))
    else:
        _write([(entry, reactions)], intended=False)
    if reactions and not any(function is _alarm for _savepoints, function, _robust in connection.run_on_commit):
        transaction.on_commit(_alarm, robust=True)
    return entry


# One statement for all facts of an intention, however many: every write of the product ends with it.
_WRITE = """
WITH entry AS (
    INSERT INTO activity_log (id, created_at, kind, action, entity, entity_id, table_name, changes, subjects, user_id,
                              change_set_id, ip_address, user_agent)
    SELECT id, at, %(kind)s, action, entity, about, '', changes::jsonb, subjects::jsonb, %(user)s::uuid,
           (SELECT CASE WHEN %(intended)s::boolean THEN rapport_change_set() END), %(ip)s::inet, %(agent)s
      FROM unnest(%(ids)s::uuid[], %(ats)s::timestamptz[], %(actions)s::text[], %(entities)s::text[], %(abouts)s::uuid[],
                  %(changes)s::text[], %(subjects)s::text[]) AS given(id, at, action, entity, about, changes, subjects)
)
INSERT INTO activity_delivery (id, log_id, log_created_at, about_id, reaction, state, attempts, due_at, error, created_at)
SELECT id, entry, at, about, reaction, %(waiting)s, 0, now(), '', now()
  FROM unnest(%(deliveries)s::uuid[], %(entries)s::uuid[], %(delivered)s::timestamptz[], %(subject)s::uuid[],
              %(reactions)s::text[]) AS given(id, entry, at, about, reaction)
"""


def _write(facts: list[tuple[ActivityLog, list[str]]], *, intended: bool) -> None:
    """Write entries of one origin, their change set if they are the first of it, and a delivery for each reaction."""
    entries = [entry for entry, _reactions in facts]
    deliveries = [(uuid7(), entry, reaction) for entry, reactions in facts for reaction in reactions]
    with prepared_cursor() as cursor:
        cursor.execute(_WRITE, {
            "kind": str(ActivityLog.Kind.FACT), "user": entries[0].user_id, "intended": intended,
            "ip": entries[0].ip_address, "agent": entries[0].user_agent, "waiting": str(Delivery.State.WAITING),
            "ids": [e.id for e in entries], "ats": [e.created_at for e in entries],
            "actions": [e.action for e in entries], "entities": [e.entity for e in entries],
            "abouts": [e.entity_id for e in entries], "changes": [json.dumps(e.changes) for e in entries],
            "subjects": [json.dumps(e.subjects) for e in entries],
            "deliveries": [key for key, _entry, _reaction in deliveries],
            "entries": [entry.id for _key, entry, _reaction in deliveries],
            "delivered": [entry.created_at for _key, entry, _reaction in deliveries],
            "subject": [entry.entity_id for _key, entry, _reaction in deliveries],
            "reactions": [reaction for _key, _entry, reaction in deliveries],
        })
    for entry in entries:
        entry._state.adding = False


@writes_facts
def _write_facts(intention: Intention) -> None:
    facts, intention.facts = intention.facts, []
    _write(facts, intended=True)


def record_access(
    action: str, *, user: Any = None, entity: str = "", entity_id: uuid.UUID | None = None, **details: Any
) -> ActivityLog:
    """Write an access that matters (an export, a sign-in, a sensitive view) to the log."""
    intention = current_intention()
    origin = intention.origin if intention else current_origin()
    entry = ActivityLog(
        id=uuid7(),
        created_at=timezone.now(),
        kind=ActivityLog.Kind.ACCESS,
        action=action,
        entity=entity,
        entity_id=entity_id,
        changes=_plain(details),
        subjects=[],
        user_id=getattr(user, "pk", None) or origin.user_id,
        change_set_id=intention.id if intention else None,
        ip_address=origin.ip_address,
        user_agent=origin.user_agent[:400],
    )
    entry.save(force_insert=True)
    return entry


def revive(name: str, payload: dict[str, Any]) -> Any:
    """Return a stored fact as its class; what the class does not know any more is left out.

    Raises LookupError for an undeclared name and TypeError for a payload that does not fit.
    """
    cls = fact_class(name)
    if cls is None:
        raise LookupError(f"This version declares no fact {name}.")
    hints = _hints(cls)
    return cls(**{k: _typed(v, hints[k]) for k, v in payload.items() if k in hints})


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


_FROM_TEXT: dict[Any, Callable[[str], Any]] = {
    uuid.UUID: uuid.UUID,
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}


def _typed(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        inner = get_args(hint)
        return [_typed(v, inner[0]) for v in value] if inner else value
    if not isinstance(value, str):
        return value
    for candidate in (hint, *get_args(hint)):
        if candidate in _FROM_TEXT:
            return _FROM_TEXT[candidate](value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if isinstance(value, str):
        # JSON in PostgreSQL holds every character but this one.
        return value.replace("\x00", "\ufffd")
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
