"""PostgreSQL restarts, goes away, locks (FD-10, FD-11, FD-14)."""

import signal
import time
import uuid
from functools import partial
from typing import Any

import httpx
import psycopg
from django.db import connection

from crm.jobs.models import Job, Pulse
from crm.operations.drills.cases.killed import compare
from crm.operations.drills.clients import Writers, at_once
from crm.operations.drills.outcome import Outcome, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.stand import Stand


def _writers(stand: Stand, count: int) -> Writers:
    token = stand.api()
    return Writers(lambda: httpx.Client(base_url=token.base_url, headers=token.headers, timeout=35), count)


def restarted(stand: Stand, sizes: Sizes) -> Outcome:
    """Crash PostgreSQL under writers, and start it again."""
    found = Outcome()
    writers = _writers(stand, sizes.pick(50, 50, 50))
    recoveries = []
    with writers.at_work():
        time.sleep(4)
        for _n in range(sizes.pick(3, 1, 1)):
            stand.stop_postgres(signal.SIGQUIT)
            stand.start_postgres()
            began = time.monotonic()
            spent = wait_for(lambda: stand.status("/health/ready") == 200, 60)
            recoveries.append(None if spent is None else time.monotonic() - began)
            time.sleep(3)
    compare(stand, writers, found)
    found.at_most("service again, at the latest", None if None in recoveries else max(r or 0 for r in recoveries), 60)
    return found


def hurried(stand: Stand, sizes: Sizes) -> Outcome:
    """The same on a PostgreSQL that says “committed” before it has written it down."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(host=str(stand.postgres.sockets), user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')  # type: ignore[arg-type]
        server.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        server.execute("SELECT pg_reload_conf()")
        # The pools of the application must begin anew to hear of it.
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    try:
        stand.rest()
        time.sleep(2)
        return restarted(stand, sizes)
    finally:
        with psycopg.connect(host=str(stand.postgres.sockets), user="postgres", dbname="postgres", autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{name}" RESET synchronous_commit')  # type: ignore[arg-type]
            server.execute("ALTER SYSTEM RESET wal_writer_delay")
            server.execute("SELECT pg_reload_conf()")
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        stand.rest()


drill(
    "FD-10", "PostgreSQL crashes and restarts under 50 writers", without=(), fails_at="acknowledged and lost", control=hurried,
    fault="a PostgreSQL that acknowledges before it has written (synchronous_commit off)",
)(restarted)


@drill("FD-11", "PostgreSQL gone for a minute", without=("honest-503",), fails_at="answers other than 503 while it is gone")
def gone(stand: Stand, sizes: Sizes) -> Outcome:
    """Stop PostgreSQL, ask for pages and the API, start it again."""
    found = Outcome()
    cookies = stand.cookies()
    token = stand.api()
    pids = {name: stand.pid(name) for name in ("web", "worker", "worker-bulk", "relay", "beat")}
    stand.stop_postgres()
    began = time.monotonic()
    statuses, slowest, ready, live, later = [], 0.0, set(), set(), True
    with httpx.Client(base_url=stand.url, cookies=cookies, timeout=40) as pages, token as api:
        asks = (partial(pages.get, "/customers"), partial(api.get, "/customers"), partial(api.post, "/companies", json={"name": "gone"}))
        while time.monotonic() - began < sizes.pick(60, 20, 8):
            for ask in asks:
                asked = time.monotonic()
                answer = ask()
                slowest = max(slowest, time.monotonic() - asked)
                statuses.append(answer.status_code)
                later = later and "Retry-After" in answer.headers
            ready.add(stand.status("/health/ready", 10))
            live.add(stand.status("/health/live"))
            time.sleep(0.5)
    found.equal("answers other than 503 while it is gone", sum(1 for s in statuses if s != 503), 0)
    stand.start_postgres()
    back = wait_for(lambda: stand.status("/health/ready") == 200, 60)
    if sizes.control:
        return found
    found.at_most("slowest of them", slowest, 5)
    found.true("each says when to come back", later)
    found.equal("/health/ready meanwhile", ", ".join(map(str, sorted(ready))), "503")
    found.equal("/health/live meanwhile", ", ".join(map(str, sorted(live))), "200")
    found.at_most("service again after", back, 60)
    job = stand.job("drill.work", woken=False)
    found.at_most("workers do jobs again after", wait_for(lambda: Job.objects.filter(pk=job.pk, state="succeeded").exists(), 60), 60)
    since = stand.sql("SELECT now()")[0][0]
    alive = wait_for(lambda: Pulse.objects.filter(name__in=("beat", "relay"), seen_at__gt=since).count() == 2, 60)
    found.at_most("beat and relay are at work again after", alive, 60)
    same = [name for name, pid in pids.items() if stand.pid(name) == pid]
    found.remark(f"without a restart of {', '.join(same) or 'none'}")
    return found


@drill("FD-14", "Locks and deadlocks", without=("retries",), fails_at="deadlocked writes that were refused")
def locks(stand: Stand, sizes: Sizes) -> Outcome:
    """Hold a lock for long; let writes cross in opposite order."""
    found = Outcome()
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    shown = {name: stand.sql(f"SELECT setting::int FROM pg_settings WHERE name = '{name}'")[0][0] for name in names}
    found.true("time-outs of the connections are set", all(shown.values()), str(shown))
    found.remark(", ".join(f"{name} {value // 1000} s" for name, value in shown.items()))
    with stand.api() as client:
        ids = [client.post("/companies", json={"name": f"lock {uuid.uuid4().hex}"}).json()["data"]["id"] for _n in range(2)]
        if not sizes.control:
            with psycopg.connect(host=str(stand.postgres.sockets), user="postgres", dbname=connection.settings_dict["NAME"]) as other:
                other.execute("SELECT 1 FROM customers_company WHERE id = %s FOR UPDATE", [ids[0]])
                began = time.monotonic()
                answer = client.patch(f"/companies/{ids[0]}", json={"website": "https://example.com"})
                found.at_most("a write that meets a held lock is answered", time.monotonic() - began, 10)
                found.equal("with", answer.status_code, 503)
            with psycopg.connect(host=str(stand.postgres.sockets), user="postgres", dbname=connection.settings_dict["NAME"]) as idle:
                idle.execute("SET idle_in_transaction_session_timeout = '1s'")
                idle.execute("SELECT 1 FROM customers_company WHERE id = %s FOR UPDATE", [ids[0]])
                time.sleep(2)
                found.equal("a session that sleeps in a transaction is ended, and the write", client.patch(
                    f"/companies/{ids[0]}", json={"website": "https://example.org"}).status_code, 200)
                try:
                    idle.close()
                except psycopg.Error:
                    pass
    _cross(stand, sizes, found, ids)
    return found


def _cross(stand: Stand, sizes: Sizes, found: Outcome, ids: list[str]) -> None:
    """Let another session and a request lock two records in opposite order; the request is the victim.

    Requests among themselves do not cross: they lock what they name in one order, that of the ids.
    """
    first, last = sorted(ids)
    refused, broken, rounds = 0, 0, sizes.pick(10, 5, 3)
    before = _deadlocks(stand)
    with stand.api() as client:
        for _round in range(rounds):
            answer = _victim(stand, client, first, last)
            status = getattr(answer, "status_code", 0)
            refused += status in (409, 503)
            broken += status not in (200, 409, 503)
    wait_for(lambda: _deadlocks(stand) - before >= rounds, 5)
    found.at_least("deadlocks that PostgreSQL broke up", _deadlocks(stand) - before, rounds)
    found.equal("deadlocked writes that were refused", refused, 0)
    found.equal("answers with 500", broken, 0)


def _victim(stand: Stand, client: httpx.Client, first: str, last: str) -> Any:
    """Return the answer to a request that waits for ``last``, while the session that has it waits for ``first``."""
    lock = "SELECT 1 FROM customers_company WHERE id = %s FOR UPDATE"
    with psycopg.connect(host=str(stand.postgres.sockets), user="postgres", dbname=connection.settings_dict["NAME"]) as other:
        # Who waited first looks for a deadlock first, after a second: the request.
        other.execute("SET deadlock_timeout = '20s'")
        other.execute(lock, [last])

        def cross() -> None:
            wait_for(lambda: stand.sql("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0], 5, pause=0.02)
            other.execute(lock, [first])
            other.rollback()

        return at_once([partial(_change_both, client, [first, last]), cross])[0]


def _deadlocks(stand: Stand) -> int:
    return int(stand.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0])


def _change_both(client: httpx.Client, ids: list[str]) -> httpx.Response:
    operations = [{"op": "update", "id": i, "data": {"description": uuid.uuid4().hex}} for i in ids]
    return client.post("/companies/bulk?atomic=true", json={"operations": operations})
