"""Who is acting, from where, and what for: the context every logged row is written under.

The context travels to the database by ``SET LOCAL``, so it ends with the transaction and works behind a
transaction pool; it is told when the first thing is written, so that what only reads costs nothing. ``intend`` opens a
transaction and an intention; inside another one it joins it.
"""

import functools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, TypeVar

from django.db import connection, transaction

from crm.activity.models import ChangeSet
from crm.lib.http import note_commit
from crm.lib.ids import uuid7
from crm.lib.prepared import prepared_cursor

P = ParamSpec("P")
R = TypeVar("R")

_SET = "SELECT set_config('rapport.' || k, v, true) FROM unnest(%s::text[], %s::text[]) AS s(k, v)"
_KEYS = ["change_set", "user", "source", "label", "request_id", "ip", "agent", "undoes"]


@dataclass(frozen=True)
class Origin:
    """Where an act comes from, before it is known whether anything will be written."""

    user_id: uuid.UUID | None = None
    source: str = ChangeSet.Source.SYSTEM
    request_id: str = ""
    ip_address: str | None = None
    user_agent: str = ""
    change_set: uuid.UUID | None = None
    """The change set that everything from here belongs to, over several transactions (a job)."""
    label: str = ""


@dataclass
class Intention:
    """One act: its change set and its origin."""

    origin: Origin
    label: str = ""
    undoes: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=uuid7)
    facts: list[Any] = field(default_factory=list)
    """What was published under it so far: written together, at its end (``crm.activity.facts``)."""
    told: bool = False
    """Whether the database knows of it."""
    marks: dict[str, int] = field(default_factory=dict)
    """By savepoint, how many facts there were: going back to it takes the later ones back."""


_write_facts: list[Callable[[Intention], None]] = []


def writes_facts(function: Callable[[Intention], None]) -> Callable[[Intention], None]:
    """Register what writes the facts of an intention before it ends."""
    _write_facts[:] = [function]
    return function


_origin: ContextVar[Origin] = ContextVar("rapport_origin", default=Origin())
_intention: ContextVar[Intention | None] = ContextVar("rapport_intention", default=None)


def current_origin() -> Origin:
    """Return where the running code acts from (set by middleware, command or job)."""
    return _origin.get()


def current_intention() -> Intention | None:
    """Return the open intention, if there is one."""
    return _intention.get()


@contextmanager
def acting_from(origin: Origin) -> Iterator[None]:
    """Make ``origin`` the place that the block acts from."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


@contextmanager
def intend(
    *,
    actor: Any = None,
    source: str | None = None,
    label: str = "",
    undoes: uuid.UUID | None = None,
    new: bool = False,
    change_set_id: uuid.UUID | None = None,
) -> Iterator[Intention]:
    """Open a transaction under one intention; inside another one, join it unless ``new`` is asked for.

    ``actor`` is a user (or None for the system). The first of nested intentions names the act. With
    ``change_set_id`` several transactions (the batches of an import) are written under one intention.

    What joins has no savepoint of its own: a refusal takes all of the act back. Whoever catches one and goes on puts a
    ``transaction.atomic()`` around what may be refused.
    """
    outer = _intention.get()
    if outer is not None and not new:
        with transaction.atomic(savepoint=False):
            yield outer
        return
    origin = _origin.get()
    if actor is not None and getattr(actor, "pk", None) is not None:
        origin = replace(origin, user_id=actor.pk)
    if source is not None:
        origin = replace(origin, source=source)
    intention = Intention(origin=origin, label=str(label or ("" if new else origin.label))[:200], undoes=undoes)
    standing = change_set_id or (None if new else origin.change_set)
    if standing is not None:
        intention.id = standing
    token = _intention.set(intention)
    try:
        with transaction.atomic():
            # Another thread may have the outer intention, and a connection of its own.
            watched = _watch in connection.execute_wrappers
            with nullcontext() if watched else connection.execute_wrapper(_watch):
                yield intention
                if intention.facts:
                    _write_facts[0](intention)
            if outer is not None:
                outer.told = False
        if not connection.in_atomic_block:
            note_commit()
    finally:
        _intention.reset(token)


def relabel(label: str) -> None:
    """Name the open intention, if it has no name yet (the log row shows it)."""
    intention = _intention.get()
    if intention is not None and not intention.label:
        intention.label = str(label)[:200]
        intention.told = False


def tell_database() -> None:
    """Tell the database of the open intention, unless it knows (for what writes past Django's cursors)."""
    intention = _intention.get()
    if intention is not None and not intention.told:
        _tell(intention)


# Statements that write nothing that is logged.
_READS = ("SELECT", "SAVEPOINT", "RELEASE", 'UPDATE "activity_delivery"', 'INSERT INTO "activity_delivery"')


def _watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Tell the database who acts before the first statement that writes; forget with a savepoint what came after it."""
    intention = _intention.get()
    if intention is None:
        return execute(sql, params, many, context)
    if not isinstance(sql, str):  # put together by the driver (crm.transfer): taken for one that writes
        tell_database()
    elif sql.startswith("SAVEPOINT"):
        intention.marks[sql.removeprefix("SAVEPOINT ")] = len(intention.facts)
    elif sql.startswith("ROLLBACK TO"):
        del intention.facts[intention.marks.get(sql.removeprefix("ROLLBACK TO SAVEPOINT "), 0) :]
        intention.told = False
    elif not intention.told and not sql.startswith(_READS):
        _tell(intention)
    return execute(sql, params, many, context)


def _tell(intention: Intention) -> None:
    intention.told = True
    origin = intention.origin
    values = [
        str(intention.id),
        str(origin.user_id or ""),
        origin.source,
        intention.label,
        origin.request_id[:64],
        origin.ip_address or "",
        origin.user_agent[:400],
        str(intention.undoes or ""),
    ]
    with prepared_cursor() as cursor:
        cursor.execute(_SET, [_KEYS, values])


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """Make ``function`` one transaction under one intention of its keyword argument ``actor``."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with intend(actor=kwargs.get("actor")):
            return function(*args, **kwargs)

    return wrapper
