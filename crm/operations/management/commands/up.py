"""``manage.py up``: the whole of Rapport from one terminal."""

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
from crm.operations import assets, early, welcome
from crm.operations.supervisor import Supervisor

HOPELESS = 4
"""Failures in a row after which a server that has never answered will not do so either."""


class Command(BaseCommand):
    """Start PostgreSQL, Valkey, web, workers, relay and beat, and keep them running until Ctrl-C."""

    help = "Start everything, and keep it running until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what can be chosen besides the settings."""
        parser.add_argument("--no-demo", action="store_true", help="Start empty: no demo team on the first run.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, watch, stop."""
        start = early.begin()
        supervisor = start.supervisor
        if not start.taken:
            found = start.home.read()
            self.say(
                f"Rapport is already running at {found.get('url', settings.SITE_URL)} "
                f"(process {found.get('pid', 'unknown')}). Press Ctrl-C in its terminal to stop it."
            )
            return
        try:
            if start.problem:
                raise CommandError(start.problem)
            self.wait_for_servers(start)
            first = False
            if not supervisor.stopping:
                first = self.prepare(supervisor, demo=not options["no_demo"])
            if not supervisor.stopping:
                self.start_application(start, first=first)
            supervisor.watch()
            self.say("Stopping …")
        except CannotStart as error:
            raise CommandError(str(error)) from None
        finally:
            start.end()
        self.say("Stopped. The data stays in " + str(settings.HOME) + ".")

    def say(self, text: str) -> None:
        """Print a line at once."""
        self.stdout.write(text)
        self.stdout.flush()

    # -- steps ------------------------------------------------------------------------------------

    def wait_for_servers(self, start: early.Start) -> None:
        """Wait for the embedded servers that no URL replaces."""
        supervisor = start.supervisor
        for server in start.servers:
            program = supervisor.of(server.name)
            supervisor.wait_until(lambda s=server, p=program: s.ready() or p.failures >= HOPELESS, server.name, 60)  # type: ignore[misc]
            if not supervisor.stopping and not server.ready():
                raise CannotStart(f"{server.name} did not start:\n{server.why_not()}")
            if isinstance(server, Postgres) and not supervisor.stopping:
                server.make_database()

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
        if pending or first or not assets.are_collected():
            # A web server that was started early has loaded what is about to change.
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

    def start_application(self, start: early.Start, *, first: bool) -> None:
        """Start our own processes: the web first; when it answers, say so, and start the others."""
        supervisor = start.supervisor
        web, *others = start.application()
        if not supervisor.has("web"):
            supervisor.start(web)
        supervisor.of("web").answers = _answers
        # Made while the web server loads, so that it can be printed at once.
        how = welcome.lines(first=first)
        supervisor.wait_until(_answers, "The web server", 60)
        if not supervisor.stopping:
            self.say(f"\nRapport runs at {settings.SITE_URL} (ready after {early.seconds_since_start():.1f} s). Ctrl-C stops it.")
            self.say("\n".join([*how, ""]))
        for program in others:
            if not supervisor.stopping:
                supervisor.start(program)


def _answers() -> bool:
    """Tell whether the web server is ready to work."""
    host = "127.0.0.1" if settings.BIND in ("0.0.0.0", "::", "localhost") else settings.BIND  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    try:
        with urllib.request.urlopen(f"http://{shown}:{settings.PORT}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
