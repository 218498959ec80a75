"""The embedded servers of a test run: started once, shared by its parallel processes, ended with it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.embedded.postgres import Postgres
from crm.embedded.processes import CannotStart
from crm.embedded.valkey import Valkey


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Hold the home's lock, so that two test runs do not start its servers at once."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(home: Path, *, postgres: bool, valkey: bool) -> list[Postgres | Valkey]:
    """Start what does not answer yet; return what was started here and must be stopped here."""
    wanted: list[Postgres | Valkey] = []
    if postgres:
        wanted.append(Postgres(home, durable=False))
    if valkey:
        wanted.append(Valkey(home))
    started: list[Postgres | Valkey] = []
    with one_at_a_time(home):
        for server in wanted:
            if server.ready():
                continue
            server.end_leftover()
            server.prepare()
            server.start()
            started.append(server)
        for server in started:
            wait(server)
        for server in wanted:
            if isinstance(server, Postgres):
                server.make_database()
    return started


def wait(server: Postgres | Valkey, patience: float = 30) -> None:
    """Wait until a server answers; say why when it does not."""
    deadline = time.monotonic() + patience
    while not server.ready():
        if server.process is not None and server.process.poll() is not None:
            raise CannotStart(f"{server.name} did not start:\n{server.why_not()}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{server.name} did not answer within {patience:.0f} s:\n{server.why_not()}")
        time.sleep(0.05)
