"""Who is acting, from where, and what for: the context every logged row is written under.

The context travels to the database by ``SET LOCAL``, so it ends with the transaction and works behind a
transaction pool. ``intend`` opens a transaction and an intention; inside another one it joins it.
"""

import functools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, TypeVar

from django.db import connection, transaction

from crm.activity.models import ChangeSet
from crm.lib.http import note_commit
from crm.lib.ids import uuid7

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
    """
    outer = _intention.get()
    if outer is not None and not new:
        with transaction.atomic():
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
            _tell_database(intention)
            yield intention
            if outer is not None:
                _tell_database(outer)
        if not connection.in_atomic_block:
            note_commit()
    finally:
        _intention.reset(token)


def relabel(label: str) -> None:
    """Name the open intention, if it has no name yet (the log row shows it)."""
    intention = _intention.get()
    if intention is not None and not intention.label:
        intention.label = str(label)[:200]
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('rapport.label', %s, true)", [intention.label])


def _tell_database(intention: Intention) -> None:
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
    with connection.cursor() as cursor:
        cursor.execute(_SET, [_KEYS, values])


def verb(function: Callable[P, R]) -> Callable[P, R]:
    """Make ``function`` one transaction under one intention of its keyword argument ``actor``."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with intend(actor=kwargs.get("actor")):
            return function(*args, **kwargs)

    return wrapper
