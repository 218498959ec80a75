"""Batches written side by side, committed one after the other.

PostgreSQL's work on a batch is several times Python's, so two connections write two batches at once. The second
waits with its commit until the first is committed: at every moment what is committed is a beginning of the file,
and the checkpoint stays one number.
"""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, LockNotAvailable

Batch = TypeVar("Batch")


PATIENCE = 4
"""Seconds that a written batch waits for the one before it. That one may wait for a lock of ours, for 8 seconds at most."""


class Abandoned(Exception):
    """The batch before this one was not committed, so this one must not be either."""


class InTheWay(Exception):
    """The batch before this one has not come to its end yet, perhaps because of this one."""


class Turn:
    """A batch's place in the order of commits."""

    def __init__(self, before: "Turn | None" = None) -> None:
        self._before = before
        self._done = threading.Event()
        self._good = False

    def wait(self, patience: float | None = None) -> None:
        """Wait until everything before is committed; raise ``Abandoned`` when it will not be."""
        if self._before is not None:
            if not self._before._done.wait(patience):
                raise InTheWay
            if not self._before._good:
                raise Abandoned
            self._before = None

    def end(self, *, good: bool) -> None:
        """Let the next one commit, or tell it not to."""
        self._good = good
        self._done.set()


def side_by_side(batches: Iterable[Batch], work: Callable[[Batch, Turn], None], lanes: int) -> None:
    """Do ``work`` on every batch; with several lanes in threads that have connections of their own.

    ``work`` calls ``turn.wait(PATIENCE)`` before it commits. The first failure ends all of it.
    """
    given = iter(batches)
    # The first one alone: it may write what all of them share (the row of the change set).
    for batch in given if lanes < 2 else islice(given, 1):
        work(batch, Turn())
    running: deque[Future[None]] = deque()
    last: Turn | None = None
    with ThreadPoolExecutor(lanes, thread_name_prefix="import-lane") as pool:
        for batch in given:
            if len(running) >= lanes:
                running.popleft().result()
            last = Turn(last)
            running.append(pool.submit(contextvars.copy_context().run, _lane, batch, work, last))
        for done in running:
            done.result()


def _lane(batch: Batch, work: Callable[[Batch, Turn], None], turn: Turn) -> None:
    good = False
    try:
        try:
            work(batch, turn)
        except (OperationalError, InTheWay) as error:
            if isinstance(error, OperationalError) and not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                raise
            # It met its neighbour; once that is committed it meets nothing.
            turn.wait()
            work(batch, turn)
        good = True
    finally:
        turn.end(good=good)
        connection.close()
