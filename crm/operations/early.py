"""What of a start needs no Django: the servers and the web process are under way while the apps are being imported.

``manage.py`` calls ``begin`` before Django loads anything; ``manage.py up`` goes on with what it finds.
"""

import atexit
import socket
import sys
import time
from dataclasses import dataclass, field

import psutil
from django.conf import settings

from crm.embedded.postgres import Postgres
from crm.embedded.processes import CannotStart
from crm.embedded.valkey import Valkey
from crm.operations import programs
from crm.operations.home import Home
from crm.operations.supervisor import Supervisor, port_problem


@dataclass
class Start:
    """A start that is under way, or the reason why it cannot be."""

    home: Home
    supervisor: Supervisor
    taken: bool = True
    problem: str = ""
    listener: socket.socket | None = None
    servers: list[Postgres | Valkey] = field(default_factory=list)

    def application(self) -> list[programs.Program]:
        """Return our own processes, the web first."""
        return programs.application(base=settings.BASE_DIR, logs=self.home.logs, listener=self.listener)

    @property
    def prepared(self) -> bool:
        """Tell whether an earlier run has prepared everything."""
        return (self.home.path / "prepared").exists()

    def end(self) -> None:
        """Stop everything, and give the home back."""
        if self.taken:
            self.supervisor.stop_all()
            self.home.release()
            self.taken = False


_begun: list[Start] = []


def begin() -> Start:
    """Take the home and start the servers, and the web where nothing has to be prepared; the second call finds the first."""
    if _begun:
        return _begun[0]
    home = Home(settings.HOME)
    start = Start(home, Supervisor(home, settings.SITE_URL, say))
    _begun.append(start)
    start.taken = home.take()
    if not start.taken:
        return start
    # Whatever goes wrong while Django loads, nothing stays behind.
    atexit.register(start.end)
    try:
        _begin(start)
    except CannotStart as error:
        start.problem = str(error)
    return start


def _begin(start: Start) -> None:
    for name in start.home.end_leftovers():
        say(f"Ended {name}, which an earlier run had left behind.")
    start.problem = port_problem(settings.BIND, settings.PORT, _socket)
    if start.problem:
        return
    start.listener = _socket()
    start.listener.bind((settings.BIND, settings.PORT))
    start.listener.listen(1024)
    start.supervisor.listen()
    if start.prepared:
        start.supervisor.start(start.application()[0])
    if not settings.DATABASE_URL:
        start.servers.append(Postgres(settings.HOME))
    if not settings.REDIS_URL_GIVEN:
        start.servers.append(Valkey(settings.HOME))
    for server in start.servers:
        server.end_leftover()
        for notice in server.prepare():
            say(notice)
        start.supervisor.start(programs.server(server))


def seconds_since_start() -> float:
    """Return how long this process has been running."""
    return time.time() - psutil.Process().create_time()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _socket() -> socket.socket:
    """Return a socket for the address that the web serves."""
    made = socket.socket(socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
