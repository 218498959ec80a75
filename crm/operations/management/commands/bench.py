"""Measure the product on a large base, and write docs/performance.md."""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections

from crm.accounts import tokens
from crm.accounts.links import one_time_link
from crm.accounts.models import Role, User
from crm.embedded.postgres import Postgres
from crm.embedded.processes import end_group, spawn
from crm.embedded.valkey import Valkey
from crm.operations.assets import collect
from crm.operations.bench.cases import cases
from crm.operations.bench.measure import Result, at_once, one_at_a_time
from crm.operations.bench.seed import seed
from customers.models import Customer
from sales.models import Deal, Stage

BASE = "rapport_bench"
PAGE = Path("docs/performance.md")


class Command(BaseCommand):
    """``manage.py bench`` makes a base of its own, starts one web process on it, measures, and removes the base."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the sizes."""
        parser.add_argument("--customers", type=int, default=100_000)
        parser.add_argument("--deals", type=int, default=50_000)
        parser.add_argument("--rows", type=int, default=300_000, help="interactions on the timelines")
        parser.add_argument("--requests", type=int, default=60, help="counted requests of each case")
        parser.add_argument("--seconds", type=float, default=5, help="how long eight clients send")
        parser.add_argument("--keep", action="store_true", help="keep the base, and use it again next time")
        parser.add_argument("--no-write", action="store_true", help=f"print only, leave {PAGE} as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the bench."""
        servers: list[Postgres | Valkey] = [] if settings.DATABASE_URL else [Postgres(settings.HOME), Valkey(settings.HOME)]
        processes = []
        try:
            for server in servers:
                if not server.ready():
                    server.prepare()
                    processes.append(server.start())
                    wait_for(server)
            Bench(self).run_on_base(options)
        finally:
            for process in processes:
                end_group(process.pid, stop_signal=signal.SIGINT)


def wait_for(server: Postgres | Valkey) -> None:
    """Wait until an embedded server answers."""
    for _attempt in range(300):
        if server.ready():
            return
        time.sleep(0.1)
    raise CommandError(server.why_not())


class Bench:
    """The measuring itself, on a server that runs."""

    def __init__(self, command: BaseCommand) -> None:
        self.stdout = command.stdout

    def run_on_base(self, options: dict[str, Any]) -> None:
        """Make the base where it is missing, measure, and write the page."""
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [BASE])
            there = cursor.fetchone() is not None
            if there and not options["keep"]:
                cursor.execute(f"DROP DATABASE {BASE} WITH (FORCE)")
                there = False
            if not there:
                cursor.execute(f"CREATE DATABASE {BASE} TEMPLATE template0 ENCODING 'UTF8'")
        use_base(BASE)
        try:
            call_command("migrate", verbosity=0)
            if not there:
                began = time.monotonic()
                seed(customers=options["customers"], deals=options["deals"], rows=options["rows"])
                self.stdout.write(f"Seeded in {time.monotonic() - began:.0f} s.")
            results = self.measure(options)
        finally:
            name = settings.DATABASES["default"]["NAME"]
            use_base(name if name != BASE else "postgres")
            if not options["keep"]:
                with connection.cursor() as cursor:
                    cursor.execute(f"DROP DATABASE IF EXISTS {BASE} WITH (FORCE)")
        text = report(results, options)
        self.stdout.write(text)
        if not options["no_write"]:
            (settings.BASE_DIR / PAGE).write_text(text, encoding="utf-8")

    def measure(self, options: dict[str, Any]) -> list[Result]:
        """Start the web on the base and time every case."""
        admin = User.objects.filter(email="admin@bench.example").first() or User.objects.create_user(
            "admin@bench.example", role=Role.objects.get(code="ADMIN"), first_name="Bench", last_name="Admin"
        )
        ids = {
            "customers": list(Customer.objects.order_by("id").values_list("id", flat=True)[:5000:50]),
            "deals": list(Deal.objects.filter(outcome="open").order_by("id").values_list("id", flat=True)[:5000:50]),
            "stages": list(Stage.objects.filter(pipeline__is_default=True, outcome="open").values_list("id", flat=True)),
        }
        collect()
        with web() as url:
            headers = {"Authorization": f"Bearer {tokens.issue(admin).access}"}
            with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as client:
                sign_in(client, one_time_link(admin, base=url))
                cookies = dict(client.cookies)

            def make(api: bool) -> Any:
                if api:
                    return lambda: httpx.Client(base_url=url, headers=headers, timeout=60)
                return lambda: httpx.Client(base_url=url, cookies=cookies, timeout=60, headers={"Accept-Encoding": "gzip"})

            results = []
            for case in cases(ids):
                of_kind = make(case.name.startswith("API"))
                with of_kind() as client:
                    result = one_at_a_time(case, client, count=options["requests"])
                if case.rate is not None:
                    result.rate = at_once(case, of_kind, seconds=options["seconds"])
                self.stdout.write(line(result))
                results.append(result)
            return results


def sign_in(client: httpx.Client, link: str) -> None:
    """Use a one-time link as a browser does: open it, press its button."""
    page = client.get(link)
    page.raise_for_status()
    answer = client.post(
        link, data={"csrfmiddlewaretoken": client.cookies.get(settings.CSRF_COOKIE_NAME, "")}, headers={"Referer": link}
    )
    if "session" not in " ".join(client.cookies.keys()) or answer.status_code >= 400:
        raise CommandError(f"The bench could not sign in: {answer.status_code}.")


def use_base(name: str) -> None:
    """Point Django's connection at another base of the same server."""
    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]
    connections["default"].settings_dict["NAME"] = name


class web:
    """One web process on the base, on a free port of the loopback."""

    def __enter__(self) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        database = connections["default"].settings_dict
        query = urlencode({"host": database["HOST"]})
        password = f":{database['PASSWORD']}" if database.get("PASSWORD") else ""
        environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://{database['USER']}{password}@localhost:{database['PORT']}/{BASE}?{query}",
            "REDIS_URL": settings.REDIS_URL,
            "SITE_URL": settings.SITE_URL,  # tokens are bound to it
            "PORT": str(port),
            "API_QUOTA_PER_MINUTE": "1000000",
            "SECRET_KEY": settings.SECRET_KEY,
        }
        self.log = (settings.HOME / "log" / "bench.log")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process: subprocess.Popen[bytes] = spawn(
                [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port),
                 "--workers", "1", "--loop", "uvloop", "--no-access-log", "--log-level", "warning", "crm.asgi:application"],
                cwd=settings.BASE_DIR, stdout=log, stderr=log, env=environment,
            )
        url = f"http://127.0.0.1:{port}"
        for _attempt in range(150):
            try:
                if httpx.get(f"{url}/health/live", timeout=2).status_code == 200:
                    return url
            except httpx.TransportError:
                time.sleep(0.2)
        self.__exit__()
        raise CommandError(f"The web process did not start; see {self.log}.")

    def __exit__(self, *args: Any) -> None:
        end_group(self.process.pid)


def line(result: Result) -> str:
    """Return one result as a line."""
    rate = f", {result.rate:.0f}/s at eight" if result.rate is not None else ""
    return f"{result.case.name}: p50 {result.p50:.1f} ms, p95 {result.p95:.1f} ms{rate}, {result.size / 1000:.0f} kB"


def report(results: list[Result], options: dict[str, Any]) -> str:
    """Return the page with the figures."""
    rows = "\n".join(
        f"| {r.case.name} | {r.p50:.1f} | {r.p95:.1f} | {r.case.p50:g} / {r.case.p95:g} | "
        f"{f'{r.rate:.0f}' if r.rate is not None else '–'} | {f'{r.case.rate:g}' if r.case.rate else '–'} | "
        f"{'yes' if r.holds else 'no'} |"
        for r in results
    )
    return f"""# Performance

Measured by `make bench` on {os.cpu_count()} cores, Python {platform.python_version()}, with
{options['customers']:,} customers, {options['deals']:,} deals and {options['rows']:,} interactions: one web process, the database and
the load on the same cores, signed in as an administrator, {options['requests']} requests of each kind one at a time, then eight
clients at once for {options['seconds']:g} seconds. Times are milliseconds at the client.

| Case | p50 | p95 | Budget p50 / p95 | Requests/s at 8 | Budget | Kept |
| --- | --- | --- | --- | --- | --- | --- |
{rows}
"""
