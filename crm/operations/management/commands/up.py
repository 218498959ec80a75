"""``manage.py up``: the whole of Rapport from one terminal."""

import socket
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crm.embedded.postgres import Postgres
from crm.embedded.processes import CannotStart
from crm.embedded.valkey import Valkey
from crm.operations import assets, programs, welcome
from crm.operations.home import Home
from crm.operations.supervisor import Supervisor, port_problem


class Command(BaseCommand):
    """Start PostgreSQL, Valkey, web, workers, relay and beat, and keep them running until Ctrl-C."""

    help = "Start everything, and keep it running until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what can be chosen besides the settings."""
        parser.add_argument("--no-demo", action="store_true", help="Start empty: no demo team on the first run.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, watch, stop."""
        started = time.monotonic()
        home = Home(settings.HOME)
        if not home.take():
            found = home.read()
            self.say(
                f"Rapport is already running at {found.get('url', settings.SITE_URL)} "
                f"(process {found.get('pid', 'unknown')}). Press Ctrl-C in its terminal to stop it."
            )
            return
        supervisor = Supervisor(home, settings.SITE_URL, self.say)
        try:
            for name in home.end_leftovers():
                self.say(f"Ended {name}, which an earlier run had left behind.")
            problem = port_problem(settings.BIND, settings.PORT, _probe)
            if problem:
                raise CommandError(problem)
            self.listener = _probe()
            self.listener.bind((settings.BIND, settings.PORT))
            self.listener.listen(1024)
            supervisor.listen()
            self.start_servers(supervisor)
            first = False
            if not supervisor.stopping:
                first = self.prepare(supervisor, demo=not options["no_demo"])
            if not supervisor.stopping:
                self.start_application(supervisor, started=started, first=first)
            supervisor.watch()
            self.say("Stopping …")
        except CannotStart as error:
            raise CommandError(str(error)) from None
        finally:
            supervisor.stop_all()
            home.release()
        self.say("Stopped. The data stays in " + str(settings.HOME) + ".")

    def say(self, text: str) -> None:
        """Print a line at once."""
        self.stdout.write(text)
        self.stdout.flush()

    # -- steps ------------------------------------------------------------------------------------

    def start_servers(self, supervisor: Supervisor) -> None:
        """Start the embedded servers that no URL replaces, and wait for them."""
        wanted: list[Postgres | Valkey] = []
        if not settings.DATABASE_URL:
            wanted.append(Postgres(settings.HOME))
        if not settings.REDIS_URL_GIVEN:
            wanted.append(Valkey(settings.HOME))
        for server in wanted:
            server.end_leftover()
            for notice in server.prepare():
                self.say(notice)
            supervisor.start(programs.server(server))
        self.start_web_early(supervisor)
        for server in wanted:
            supervisor.wait_until(server.ready, server.name, 60)
            if not supervisor.stopping and not server.ready():
                raise CannotStart(f"{server.name} did not start:\n{server.why_not()}")
            if isinstance(server, Postgres) and not supervisor.stopping:
                server.make_database()

    def start_web_early(self, supervisor: Supervisor) -> None:
        """Let the web process load beside the servers, where an earlier run has prepared everything."""
        if (supervisor.home.path / "prepared").exists() and assets.are_collected():
            supervisor.start(self.application(supervisor)[0])

    def application(self, supervisor: Supervisor) -> list[programs.Program]:
        """Return our own processes, the web first."""
        found = programs.application(base=settings.BASE_DIR, logs=supervisor.home.logs, listener=self.listener)
        found[0].answers = _answers
        return found

    def prepare(self, supervisor: Supervisor, *, demo: bool) -> bool:
        """Bring the database and the static files up to date; tell whether this is the first run."""
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        prepared = supervisor.home.path / "prepared"
        # A first run that was interrupted is still the first.
        unfinished = supervisor.home.path / "first-run"
        if not executor.loader.applied_migrations:
            unfinished.touch()
        first = unfinished.exists()
        if pending or first:
            prepared.unlink(missing_ok=True)
            supervisor.end("web")
        if pending:
            self.say("Preparing the database …")
            call_command("migrate", interactive=False, verbosity=0)
        if assets.collect():
            self.say("Prepared the static files.")
        if first and demo and not settings.PRODUCTION and not supervisor.stopping:
            self.say("Loading the demo team …")
            call_command("demo", stdout=self.stdout)
        unfinished.unlink(missing_ok=True)
        prepared.touch()
        welcome.close_connections()
        return first

    def start_application(self, supervisor: Supervisor, *, started: float, first: bool) -> None:
        """Start our own processes: the web first; when it answers, say so, and start the others."""
        web, *others = self.application(supervisor)
        if not supervisor.has("web"):
            supervisor.start(web)
        # Made while the web server loads, so that it can be printed at once.
        how = welcome.lines(first=first)
        supervisor.wait_until(_answers, "The web server", 60)
        if not supervisor.stopping:
            seconds = time.monotonic() - started
            self.say(f"\nRapport runs at {settings.SITE_URL} (ready after {seconds:.1f} s). Ctrl-C stops it.")
            self.say("\n".join([*how, ""]))
        for program in others:
            if not supervisor.stopping:
                supervisor.start(program)


def _probe() -> socket.socket:
    """Return a socket to try an address with, as the web server will take it."""
    family = socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe


def _answers() -> bool:
    """Tell whether the web server is ready to work."""
    host = "127.0.0.1" if settings.BIND in ("0.0.0.0", "::", "localhost") else settings.BIND  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    try:
        with urllib.request.urlopen(f"http://{shown}:{settings.PORT}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
