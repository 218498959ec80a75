"""Failpoints, and the protections that a control takes away. Nothing in the product knows of them.

They are put in from outside, by replacing a function of the product, in an installation that was started with
``RAPPORT_ENV=drill``; which ones, ``RAPPORT_FAULTS`` names. Every other environment refuses that variable.
"""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from crm.api import concurrency, entity, parsers, views
from crm.jobs import alive, engine, leases, schedule
from crm.lib import cache, http, threads
from crm.operations import health, programs
from crm.realtime import admission as realtime
from crm.realtime import consumer
from crm.records.services import records
from crm.transfer.engine import write
from crm.workspace.views import deliveries
from crm.workspace.views import jobs as job_pages
from sales.services import deals

FAULTS: dict[str, Callable[[], None]] = {}
HEADER = "HTTP_X_DRILL"
_here = threading.local()


def fault(function: Callable[[], None]) -> Callable[[], None]:
    """Register what takes one protection away, under its name."""
    FAULTS[function.__name__.replace("_", "-")] = function
    return function


def arm() -> None:
    """Set the failpoints, and take away what this installation is to do without."""
    _set_failpoints()
    for name in settings.FAULTS:
        FAULTS[name]()


def die() -> None:
    """End the whole server at once, as a power cut would."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _set_failpoints() -> None:
    """A request with ``X-Drill: die-after-commit`` kills its server before it is answered; ``die-at-wake`` before workers are told."""
    answer, wake = threads._answer, engine.wake

    def answering(application: Any, environ: dict[str, Any], send: Any, loop: Any) -> None:
        _here.point = environ.get(HEADER, "")

        def dying(*args: Any) -> Any:
            result = application(*args)
            if _here.point == "die-after-commit":
                die()
            return result

        answer(dying, environ, send, loop)

    def waking(queue: str, count: int = 1) -> bool:
        if getattr(_here, "point", "") == "die-at-wake":
            die()
        return wake(queue, count)

    threads._answer = answering
    engine.wake = waking


# -- jobs -------------------------------------------------------------------------------------------


@fault
def checkpoints() -> None:
    """An import starts again from its first row."""
    writing = write.Writer.write

    def forgetful(self: Any, progress: Any) -> None:
        self.run.written_to = -1
        self.counts.clear()
        writing(self, progress)

    write.Writer.write = forgetful  # type: ignore[method-assign]


@fault
def haste() -> None:
    """No protection: small, slow batches, so that a control has something to kill in a small file."""
    write.BATCH = 300
    one_batch = write.Writer._batch

    def slow(self: Any, rows: Any, *others: Any) -> None:
        if len(rows) > 100:
            time.sleep(0.5)
        one_batch(self, rows, *others)

    write.Writer._batch = slow  # type: ignore[method-assign, assignment]


@fault
def short_leases() -> None:
    """A lease of an hour, as a broker's visibility time-out has it, and nobody who looks for dead processes."""
    leases.LEASE = timedelta(hours=1)
    leases.release_dead = lambda: 0  # type: ignore[assignment]
    schedule.leases.release_dead = lambda: 0  # type: ignore[assignment]


@fault
def heartbeat() -> None:
    """Leases of six seconds, that nobody renews."""
    leases.LEASE = timedelta(seconds=6)
    leases.renew = lambda job, **progress: (True, False, False)  # type: ignore[assignment]


@fault
def counting() -> None:
    """Attempts are not counted when a job is claimed."""
    leases._CLAIM = leases._CLAIM.replace("attempts = attempts + 1", "attempts = attempts").replace("fruitless + 1", "fruitless")


@fault
def sweeper() -> None:
    """Nobody wakes the queues again: a wake-up that is lost is lost."""
    schedule.sweep = dict  # type: ignore[assignment]


@fault
def own_queues() -> None:
    """Every job waits in one line, served by as many workers as that line has."""
    kind_of = engine.kind_of

    def one_line(name: str) -> Any:
        found = kind_of(name)
        return replace(found, queue="low") if found else found

    engine.kind_of = one_line


@fault
def hearing() -> None:
    """A running job hears of no cancellation."""
    engine.Run.check = lambda self: None  # type: ignore[method-assign]


# -- requests ---------------------------------------------------------------------------------------


@fault
def idempotency() -> None:
    """A key is not looked at."""
    views.once = lambda request, act: act()  # type: ignore[assignment]


@fault
def row_locks() -> None:
    """A record is read without a lock before it is changed."""


    def unlocked(obj: Any, *, trashed: bool = False) -> Any:
        return type(obj)._default_manager.get(pk=obj.pk)

    entity.locked = lambda rows: rows  # what the API reads to change it
    records.lock = unlocked
    deals.lock = unlocked  # type: ignore[attr-defined]
    deals.lock_column = lambda stage: None  # type: ignore[attr-defined]


@fault
def versions() -> None:
    """The last writer wins."""


    def all_of_it(declared: Any, obj: Any, version: int, changed: set[str], cleaned: Any, *, whole: bool) -> set[str]:
        return changed

    records.settle = all_of_it
    # It is imported by name in many modules: its body is replaced.
    concurrency.check_match.__code__ = (lambda request, obj, data, actor: None).__code__


@fault
def strict_json() -> None:
    """Any JSON is read, however deep."""

    def anything(text: str, name: str = "") -> Any:
        return json.loads(text)

    parsers.strict_loads = anything


@fault
def retries() -> None:
    """A deadlock is not tried again, and no lock is waited for with a limit."""
    http.TRIES = 1
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = options["options"].replace("lock_timeout=8000", "lock_timeout=0")


@fault
def honest_503() -> None:
    """Failures of the database come out as they are."""


    def plain(self: Any, request: Any) -> Any:
        return self.get_response(request)

    http.UnavailableMiddleware.__call__ = plain  # type: ignore[method-assign]


@fault
def resilient_cache() -> None:
    """The cache raises when its server is away, as Django's own does."""


    def raising(self: Any, call: str, action: Any, otherwise: Any, *, writes: bool = False) -> Any:
        return action()

    cache.ResilientCache._try = raising  # type: ignore[method-assign]


@fault
def bodies_first() -> None:
    """A request has its thread from its first byte to its last, as in a plain threaded server."""
    whole, gate = threads.Threaded.__call__, []

    async def holding(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if not gate:
            gate.append(asyncio.Semaphore(settings.WEB_THREADS))
        async with gate[0]:
            await whole(self, scope, receive, send)

    threads.Threaded.__call__ = holding  # type: ignore[method-assign]


# -- processes --------------------------------------------------------------------------------------


@fault
def eyes() -> None:
    """Nobody looks whether workers are there."""
    for module in (alive, health, deliveries):
        module.missing = lambda **options: []  # type: ignore[attr-defined]
    for module in (alive, job_pages, deliveries):
        module.is_alive = lambda *args: True  # type: ignore[attr-defined]


@fault
def workers() -> None:
    """No protection: an installation in which somebody forgot the workers and beat."""
    application = programs.application
    programs.application = lambda **options: [p for p in application(**options) if p.name in ("web", "relay")]  # type: ignore[assignment]


@fault
def admission() -> None:
    """Every socket is set up at once, in a thread of its own that keeps its connection to the database."""
    realtime.AT_ONCE = 100_000
    realtime.WAITING = 100_000
    consumer.ASKING = ThreadPoolExecutor(200)
    consumer.database_sync_to_async = sync_to_async  # type: ignore[assignment]
