"""The relay: hands every published fact to every reaction, after commit, at least once.

A claim counts the attempt and hides the delivery for a while, in a transaction of its own; then the reaction
runs in another, together with the mark that it is done. A relay that dies in between leaves a delivery that
comes back by itself, with its attempt counted.
"""

import random
import time
import traceback
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import models, transaction
from django.utils import timezone

from crm.activity.facts import Heard, reactions_of, revive
from crm.activity.intention import Origin, acting_from, intend
from crm.activity.models import ActivityLog, ChangeSet, Delivery
from crm.jobs.alive import is_alive as _is_alive
from crm.lib.prepared import PreparedMany, prepared_cursor

log = structlog.get_logger(__name__)

BATCH = 25
HIDDEN = timedelta(seconds=120)
LONGEST_PAUSE = 3600
PATIENT = 3
"""So many attempts of an earlier delivery hold up the later ones of the same record; then they overtake it."""

# Those tried before are claimed one by one: if one of them ends the process, no other loses an attempt by it.
_CLAIM = """
UPDATE activity_delivery SET attempts = attempts + 1, due_at = clock_timestamp() + %(hidden)s
 WHERE id IN (
    SELECT d.id FROM activity_delivery d
     WHERE d.state = 'waiting' AND d.due_at <= clock_timestamp() AND d.attempts {which}
       AND (d.about_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM activity_delivery e
             WHERE e.state = 'waiting' AND e.reaction = d.reaction AND e.about_id = d.about_id
               AND (e.log_created_at, e.id) < (d.log_created_at, d.id) AND e.attempts <= %(patient)s))
     ORDER BY d.log_created_at, d.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, log_id, log_created_at, reaction, attempts
"""

# It begins as crm.activity.intention knows it, so that nobody is told who acts for a reaction that writes nothing.
_DONE = (
    "UPDATE \"activity_delivery\" SET state = 'done', done_at = clock_timestamp(), error = '' "
    "WHERE id = %s AND state = 'waiting' AND attempts = %s"
)

# Their months are those of the partitions: the moments let the database look in these alone.
_ENTRIES = PreparedMany(
    lambda ids, moments: ActivityLog.objects.filter(id__among=ids, created_at__among=moments).order_by().select_related("change_set"),
    ([uuid.UUID(int=1)], [datetime(2000, 1, 1, tzinfo=UTC)]),
)


@dataclass(frozen=True)
class Claimed:
    """A delivery that this relay may try now."""

    id: uuid.UUID
    log_id: uuid.UUID
    log_created_at: datetime
    reaction: str
    attempts: int


class _TakenOver(Exception):
    """The delivery was hidden for too long and another relay has it; what the reaction did is rolled back."""


def relay_once(limit: int = BATCH) -> int:
    """Deliver what is due, up to ``limit``; return how many deliveries were tried."""
    return relay_new(limit) or relay_again()


def relay_new(limit: int = BATCH) -> int:
    """Deliver what has not been tried yet, up to ``limit``; return how many deliveries were tried."""
    return _deliver_all(_claim("= 0", limit))


def relay_again() -> int:
    """Try one delivery again that is due; return how many were tried (1 or 0)."""
    return _deliver_all(_claim("> 0", 1))


def relay_all(rounds: int = 1000) -> int:
    """Deliver until nothing is due any more (tests, commands); return how many deliveries were tried."""
    tried = 0
    for _round in range(rounds):
        count = relay_once()
        tried += count
        if not count:
            break
    return tried


def _deliver_all(claimed: list[Claimed]) -> int:
    entries = _entries(claimed)
    started = time.monotonic()
    for delivery in claimed:
        if time.monotonic() - started > HIDDEN.total_seconds() / 2:
            _put_back(delivery)
        else:
            deliver(delivery, entries.get(delivery.log_id))
    return len(claimed)


def deliver(claimed: Claimed, entry: ActivityLog | None) -> None:
    """Run one reaction to an entry of the log in a transaction of its own."""
    if entry is None:
        _bury(claimed, "The fact is not in the log any more.")
        return
    reaction = next((r for r in reactions_of(entry.action) if r.name == claimed.reaction), None)
    if reaction is None:
        _bury(claimed, f"This version knows no reaction {claimed.reaction} to {entry.action}.")
        return
    if claimed.attempts > reaction.max_attempts:
        _bury(claimed, "Its process ended during every attempt.")
        return
    try:
        fact = revive(entry.action, entry.changes)
    except (LookupError, TypeError, ValueError) as error:
        _bury(claimed, f"The fact cannot be read: {error}")
        return
    try:
        with acting_from(Origin(source=ChangeSet.Source.SYSTEM)), intend(new=True):
            reaction.run(Heard(fact=fact, entry=entry))
            if not _done(claimed):
                raise _TakenOver
    except _TakenOver:
        log.warning("relay.taken_over", delivery=str(claimed.id))
    except Exception as error:
        log.warning("relay.reaction_failed", reaction=reaction.name, attempt=claimed.attempts, error=repr(error))
        trace = "".join(traceback.format_exception(error))[-4000:].replace("\x00", "")
        if claimed.attempts >= reaction.max_attempts:
            _bury(claimed, trace)
        else:
            _mine(claimed).update(due_at=timezone.now() + pause(claimed.attempts), error=trace)


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: doubling from two seconds to an hour, with jitter."""
    longest = min(LONGEST_PAUSE, 2.0**attempts)
    return timedelta(seconds=longest * random.uniform(0.75, 1.25))  # noqa: S311


def lag() -> float:
    """Return the age in seconds of the oldest fact that still waits for its first delivery (0 for none)."""
    oldest = (
        Delivery.objects.filter(state=Delivery.State.WAITING, due_at__lte=timezone.now())
        .order_by("due_at").values_list("due_at", flat=True).first()
    )
    return max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0


def is_alive() -> bool:
    """Tell whether a relay was seen at work within the last minute."""
    return _is_alive("relay")


def _claim(which: str, limit: int) -> list[Claimed]:
    values = {"hidden": HIDDEN, "limit": limit, "patient": PATIENT}
    with transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute(_CLAIM.format(which=which), values)
        claimed = [Claimed(*row) for row in cursor.fetchall()]
    return sorted(claimed, key=lambda c: (c.log_created_at, c.id))


def _entries(claimed: list[Claimed]) -> dict[uuid.UUID, ActivityLog]:
    """Return the entries of the log that are to be delivered, by id, with their change sets."""
    if not claimed:
        return {}
    rows = _ENTRIES.all([c.log_id for c in claimed], [c.log_created_at for c in claimed])
    return {entry.id: entry for entry in rows}


def _done(claimed: Claimed) -> bool:
    """Mark a delivery as done, in the transaction of its reaction; tell whether it was still ours."""
    with prepared_cursor() as cursor:
        cursor.execute(_DONE, [claimed.id, claimed.attempts])
        return bool(cursor.rowcount)


def _mine(claimed: Claimed) -> models.QuerySet[Delivery]:
    return Delivery.objects.filter(pk=claimed.id, state=Delivery.State.WAITING, attempts=claimed.attempts)


def _put_back(claimed: Claimed) -> None:
    _mine(claimed).update(due_at=timezone.now(), attempts=claimed.attempts - 1)


def _bury(claimed: Claimed, reason: str) -> None:
    _mine(claimed).update(state=Delivery.State.DEAD, error=reason)
    log.error("relay.dead_letter", delivery=str(claimed.id), reaction=claimed.reaction, reason=reason[-300:])
