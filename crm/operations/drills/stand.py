"""The stand: a whole installation in a folder of its own, whose every process can be stopped, killed and started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from crm.accounts import tokens
from crm.accounts.models import Role, Team, User
from crm.embedded.postgres import Postgres
from crm.embedded.processes import end_group, spawn
from crm.embedded.valkey import Valkey
from crm.jobs.models import Job, Pulse
from crm.jobs.registry import QUEUES, discover, kind_of
from crm.jobs.wake import wake
from crm.operations.drills.outcome import wait_for
from crm.operations.home import Home

PASSWORD = "wide-open-steppe-42"  # noqa: S105
CAST = {"admin": "ADMIN", "manager": "SALES_MANAGER", "rep": "SALES_REP", "rep2": "SALES_REP"}
SIGN_IN = "/account/sign-in"
PROGRAMS = ("web", "worker", "worker-bulk", "relay", "beat")


class Stand:
    """PostgreSQL and Valkey belong to the stand, so that it can take them away; the supervisor runs the rest."""

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        self.home = Home(home)
        self.say = say
        self.url = f"http://127.0.0.1:{settings.PORT}"
        self.postgres = Postgres(home)
        self.valkey = Valkey(home)
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.without: tuple[str, ...] = ()
        self.strays: list[subprocess.Popen[bytes]] = []
        self.people: dict[str, Any] = {}
        self.started = timezone.now()
        discover()

    # -- the whole ----------------------------------------------------------------------------------

    def open(self) -> None:
        """Start the servers and the application, and make the people."""
        for folder in (self.home.path, self.home.logs, self.home.run):
            folder.mkdir(parents=True, exist_ok=True)
        for server in (self.postgres, self.valkey):
            server.prepare()
            server.start()
            if wait_for(server.ready, 60) is None:
                raise RuntimeError(f"{server.name} did not start: {server.why_not()}")
        self.postgres.make_database()
        self.up()
        self._make_people()

    def close(self) -> None:
        """End everything that was started here."""
        self.down()
        for process in self.strays:
            end_group(process.pid, stop_signal=signal.SIGKILL)
        self.rest()
        self.valkey.stop()
        self.postgres.stop()

    def up(self, without: tuple[str, ...] = (), *, wait: bool = True, extra: dict[str, str] | None = None) -> None:
        """Start the application, with some protections taken away."""
        self.without = without
        self.rest()
        self.started = timezone.now()
        database = settings.DATABASES["default"]
        environment = {
            **os.environ,
            "RAPPORT_FAULTS": ",".join(without),
            "DATABASE_URL": f"postgres://{database['USER']}@localhost/{database['NAME']}?host={database['HOST']}",
            "REDIS_URL": settings.REDIS_URL,
            **(extra or {}),
        }
        with (self.home.logs / "up.log").open("ab") as log:
            self.supervisor = spawn(
                [sys.executable, "manage.py", "up", "--no-demo"], cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log
            )
        if wait and wait_for(self.is_well, 400) is None:
            raise RuntimeError(f"The application did not start; the logs are in {self.home.logs}.")

    def down(self) -> None:
        """Stop the application in good order."""
        if self.supervisor is not None:
            end_group(self.supervisor.pid, stop_signal=signal.SIGINT, patience=60)
            self.supervisor = None

    def change(self, without: tuple[str, ...] = ()) -> None:
        """Start the application again with other protections taken away, if that makes a difference."""
        running = self.supervisor is not None and self.supervisor.poll() is None
        if not running or without != self.without:
            self.down()
            self.forget()
            self.up(without)

    def forget(self) -> None:
        """Empty Valkey: no wake-up of an earlier drill helps a later one."""
        with redis.Redis(unix_socket_path=str(self.valkey.socket), socket_timeout=5) as client:
            client.flushall()

    def is_well(self) -> bool:
        """Tell whether every process runs and the web is ready."""
        alive = all(self.pid(name) for name in (("web", "relay") if "workers" in self.without else PROGRAMS))
        return alive and self.status("/health/ready") == 200

    def status(self, path: str, patience: float = 3) -> int:
        """Return the status of an address; 0 when nobody answers."""
        try:
            return httpx.get(self.url + path, timeout=patience).status_code
        except httpx.TransportError:
            return 0

    # -- its parts ----------------------------------------------------------------------------------

    def pid(self, name: str) -> int | None:
        """Return the process id of a program, if it runs."""
        pid, _since = self.home.read().get("children", {}).get(name, (None, None))
        return pid if pid and psutil.pid_exists(pid) else None

    def send(self, name: str, number: int, *, group: bool = False) -> int:
        """Send a signal to a program (or to it and all its children); return its process id."""
        pid = self.pid(name)
        if pid is None:
            raise RuntimeError(f"{name} does not run.")
        os.killpg(pid, number) if group else os.kill(pid, number)
        return pid

    def memory(self, name: str) -> int:
        """Return the bytes of memory that the largest process of a program holds by itself."""
        pid = self.pid(name)
        found = [0]
        try:
            main = psutil.Process(pid or 0)
            for process in (main, *main.children(recursive=True)):
                found.append(process.memory_info().rss)
        except psutil.Error:
            pass
        return max(found)

    def stop_postgres(self, number: int = signal.SIGINT) -> None:
        """Stop PostgreSQL: SIGINT is its fast shutdown, SIGQUIT the immediate one that leaves a crash to recover from."""
        self.rest()
        process = self.postgres.process
        assert process is not None
        process.send_signal(number)
        process.wait(60)

    def start_postgres(self) -> None:
        """Start PostgreSQL again, and wait until it answers."""
        self.postgres.start()
        if wait_for(self.postgres.ready, 60) is None:
            raise RuntimeError(f"PostgreSQL did not come back: {self.postgres.why_not()}")
        self.rest()

    def kill_valkey(self) -> None:
        """Kill Valkey: what it knew is gone."""
        assert self.valkey.process is not None
        self.valkey.process.kill()
        self.valkey.process.wait(10)
        self.valkey.socket.unlink(missing_ok=True)

    def start_valkey(self) -> None:
        """Start an empty Valkey."""
        self.valkey.start()
        if wait_for(self.valkey.ready, 20) is None:
            raise RuntimeError("Valkey did not come back.")

    def spawn(self, *arguments: str, without: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        """Start a management command beside the application; it is ended with the stand."""
        with (self.home.logs / "stray.log").open("ab") as log:
            process = spawn(
                [sys.executable, "manage.py", *arguments], cwd=settings.BASE_DIR, stdout=log, stderr=log,
                env={**os.environ, "RAPPORT_FAULTS": ",".join(without)},
            )
        self.strays.append(process)
        return process

    def wait_for_workers(self, patience: float = 60) -> None:
        """Wait until every worker has taken messages since the application was started."""
        since = self.started
        wait_for(lambda: Pulse.objects.filter(name__startswith="worker:", seen_at__gt=since).count() == len(QUEUES), patience)

    def job(self, kind: str, *, woken: bool = True, **params: Any) -> Job:
        """Queue a job of the drills."""
        found = kind_of(kind)
        assert found is not None
        made = Job.objects.create(kind=kind, queue=found.queue, params=params, label=kind)
        if woken:
            wake(made.queue)
        return made

    @staticmethod
    def wake(queue: str, count: int = 1) -> None:
        """Tell the workers of a queue that there is work, as the product does after a commit."""
        wake(queue, count)

    # -- asking -------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Give up the drill's own connections, before the server under them goes away."""
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database directly."""
        with connection.cursor() as cursor:
            cursor.execute(statement, list(values))
            return list(cursor.fetchall()) if cursor.description else []

    def _make_people(self) -> None:
        team, _made = Team.objects.get_or_create(name="Drill")
        for name, code in CAST.items():
            email = f"{name}@drill.example"
            self.people[name] = User.objects.filter(email=email).first() or User.objects.create_user(
                email, PASSWORD, role=Role.objects.get(code=code), first_name=name.title(), last_name="Drill",
                team=None if name == "admin" else team,
            )

    def api(self, name: str = "manager", *, timeout: float = 35, **options: Any) -> httpx.Client:
        """Return a client of the API, signed in as one of the people."""
        token = tokens.issue(self.people[name]).access
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=timeout, **options)

    def cookies(self, name: str = "manager") -> dict[str, str]:
        """Return the cookies of a browser in which one of the people is signed in."""
        client = Client()
        client.force_login(self.people[name])
        return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}

    def pages(self, name: str = "manager", *, timeout: float = 35) -> httpx.Client:
        """Return a client of the pages; its forms are sent with ``token_of``."""
        return httpx.Client(base_url=self.url, cookies=self.cookies(name), timeout=timeout, headers={"Referer": self.url})


def post_form(client: httpx.Client, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
    """Send a form as a browser does: with the token that the cookie holds."""
    name = settings.CSRF_COOKIE_NAME
    if name not in client.cookies:
        client.get(SIGN_IN)
    if name not in client.cookies:
        client.get("/customers/new")
    return client.post(path, data={"csrfmiddlewaretoken": client.cookies.get(name, ""), **(data or {})}, **options)
