"""Measure the product on large bases, and write docs/performance.md."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from psycopg.sql import SQL, Identifier

from crm.accounts import tokens
from crm.accounts.links import one_time_link
from crm.accounts.models import Role, User
from crm.embedded.postgres import Postgres
from crm.embedded.processes import end_group, spawn
from crm.embedded.valkey import Valkey
from crm.operations.assets import collect
from crm.operations.bench import browser
from crm.operations.bench.cases import Known, cases
from crm.operations.bench.extras import Figure, export_time, import_time, live_time
from crm.operations.bench.measure import Client, Result, at_once, one_at_a_time, pace
from crm.operations.bench.report import page
from crm.operations.bench.seed import seed
from customers.models import Customer
from sales.models import Deal, Pipeline, Stage
from sales.totals import fold

PAGE = Path("docs/performance.md")


@dataclass(frozen=True)
class Size:
    """How much a base holds, and by how much its budgets are stretched."""

    customers: int
    deals: int
    rows: int
    stretch: float = 1.0

    @property
    def base(self) -> str:
        """Return the name of its database."""
        return f"rapport_bench_{self.customers}_{self.deals}_{self.rows}"


@dataclass
class Measured:
    """What one size gave."""

    size: Size
    results: list[Result] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    felt: browser.Felt | None = None
    pace: list[float] = field(default_factory=list)
    """How fast the machine was at the start and at the end (``measure.pace``)."""


NORMAL = Size(100_000, 50_000, 300_000)
LARGE = Size(1_000_000, 500_000, 5_000_000, stretch=1.5)


class Command(BaseCommand):
    """``manage.py bench`` makes bases of its own (kept for the next time), starts the product on them, and measures."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the sizes."""
        parser.add_argument("--customers", type=int, default=NORMAL.customers)
        parser.add_argument("--deals", type=int, default=NORMAL.deals)
        parser.add_argument("--rows", type=int, default=NORMAL.rows, help="interactions on the timelines")
        parser.add_argument("--large", action="store_true", help="measure a base of ten times that as well (takes long to make)")
        parser.add_argument("--requests", type=int, default=60, help="counted requests of each case")
        parser.add_argument("--seconds", type=float, default=5, help="how long eight clients send")
        parser.add_argument("--only", default="", help="only the cases whose names contain this")
        parser.add_argument("--drop", action="store_true", help="remove the bases afterwards")
        parser.add_argument("--no-write", action="store_true", help=f"print only, leave {PAGE} as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the bench."""
        logging.getLogger("httpx").setLevel(logging.WARNING)
        servers: list[Postgres | Valkey] = [] if settings.DATABASE_URL else [Postgres(settings.HOME), Valkey(settings.HOME)]
        processes = []
        try:
            for server in servers:
                if not server.ready():
                    server.prepare()
                    processes.append(server.start())
                    wait_for(server)
                if isinstance(server, Postgres):
                    server.make_database()
            sizes = [Size(options["customers"], options["deals"], options["rows"]), *([LARGE] if options["large"] else [])]
            bench = Bench(self, options)
            measured = [bench.run_on(size, extras=at == 0 and not options["only"]) for at, size in enumerate(sizes)]
        finally:
            for process in processes:
                end_group(process.pid, stop_signal=signal.SIGINT)
        text = page(measured, requests=options["requests"], seconds=options["seconds"], workers=settings.WEB_WORKERS)
        self.stdout.write(text)
        if not options["no_write"] and not options["only"]:
            (settings.BASE_DIR / PAGE).write_text(text, encoding="utf-8")


def wait_for(server: Postgres | Valkey) -> None:
    """Wait until an embedded server answers."""
    for _attempt in range(300):
        if server.ready():
            return
        time.sleep(0.1)
    raise CommandError(server.why_not())


class Bench:
    """The measuring itself, on a server that runs."""

    def __init__(self, command: BaseCommand, options: dict[str, Any]) -> None:
        self.stdout = command.stdout
        self.options = options
        self.home = str(settings.DATABASES["default"]["NAME"])

    def run_on(self, size: Size, *, extras: bool) -> Measured:
        """Make the base where it is missing, and measure."""
        there = self._exists(size.base)
        if not there:
            self._sql("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", size.base)
        try:
            use_base(size.base)
            call_command("migrate", verbosity=0)
            if not there:
                began = time.monotonic()
                try:
                    seed(customers=size.customers, deals=size.deals, rows=size.rows)
                except BaseException:
                    self._drop(size.base)
                    raise
                self.stdout.write(f"Seeded {size.customers:,} customers in {time.monotonic() - began:.0f} s.")
            fold()  # as the workers do every other minute; none runs here
            measured = Measured(size, pace=[pace()])
            self._measure(measured, extras=extras)
            if extras:
                measured.figures.append(self._import(size))
            measured.pace.append(pace())
            return measured
        finally:
            use_base(self.home)
            if self.options["drop"]:
                self._drop(size.base)

    def _measure(self, measured: Measured, *, extras: bool) -> None:
        """Start the web on the base and time every case."""
        admin = User.objects.filter(email="admin@bench.example").first() or User.objects.create_user(
            "admin@bench.example", role=Role.objects.get(code="ADMIN"), first_name="Bench", last_name="Admin"
        )
        pipeline = Pipeline.objects.get(is_default=True)
        deals = list(Deal.objects.filter(outcome="open").order_by("id").values_list("id", "stage_id")[:5000:50])
        known = Known(
            customers=list(Customer.objects.order_by("id").values_list("id", flat=True)[:5000:50]),
            deals=[pk for pk, _stage in deals], standing=dict(deals),
            stages=list(Stage.objects.filter(pipeline=pipeline, outcome="open").order_by("position").values_list("id", flat=True)),
        )
        collect()
        base = measured.size.base
        with running(base, ["crm.operations.web"]) as url, running(base, ["django", "relay"]):
            token = tokens.issue(admin).access
            cookies = sign_in(url, one_time_link(admin, base=url))
            rep = User.objects.get(email="bench1@bench.example")
            jar, jar_of_rep = (
                "; ".join(f"{k}={v}" for k, v in some.items()) for some in (cookies, sign_in(url, one_time_link(rep, base=url)))
            )

            def client_for(name: str) -> Client:
                if name.startswith("API"):
                    return Client(url, {"Authorization": f"Bearer {token}"})
                return Client(url, {"Cookie": jar_of_rep if name.startswith("As a rep") else jar})

            for case in cases(known):
                if self.options["only"].lower() not in case.name.lower():
                    continue
                with client_for(case.name) as client:
                    result = one_at_a_time(case, client, count=self.options["requests"])
                if case.rate is not None:
                    result.rate = at_once(case, lambda name=case.name: client_for(name), seconds=self.options["seconds"])  # type: ignore[misc]
                self.stdout.write(line(result))
                measured.results.append(result)
            if extras:
                rows = measured.size.customers
                with client_for("API") as client:
                    measured.figures.append(Figure(f"Export of {rows:,} customers (CSV)", export_time(client, rows), "s", 3))
                live = live_time(url, cookies, token, known, pipeline.pk)
                measured.figures.append(Figure("A move seen in another browser, 50 sockets open, p95", live, "ms", 300))
                measured.felt = browser.measure(url, cookies, known.customers[0])
                for figure in measured.figures:
                    self.stdout.write(f"{figure.name}: {figure.value:.1f} {figure.unit}")

    def _import(self, size: Size) -> Figure:
        """Time an import into a copy of the base, so that the base stays as it is."""
        copy = f"{size.base}_import"
        use_base(self.home)
        self._drop(copy)
        self._sql("CREATE DATABASE {} TEMPLATE {}", copy, size.base)
        try:
            use_base(copy)
            admin = User.objects.get(email="admin@bench.example")
            figure = Figure("Import of 100,000 customers (read, check, write)", import_time(admin, 100_000), "s", 15)
        finally:
            use_base(self.home)
            self._drop(copy)
        self.stdout.write(f"{figure.name}: {figure.value:.1f} {figure.unit}")
        return figure

    def _exists(self, name: str) -> bool:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return cursor.fetchone() is not None

    def _drop(self, name: str) -> None:
        if connection.settings_dict["NAME"] == name:
            use_base(self.home)
        self._sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _sql(self, statement: str, *names: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(SQL(statement).format(*(Identifier(name) for name in names)))  # type: ignore[arg-type]


def sign_in(url: str, link: str) -> dict[str, str]:
    """Use a one-time link as a browser does (open it, press its button), and return the cookies."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as client:
        client.get(link).raise_for_status()
        data = {"csrfmiddlewaretoken": client.cookies.get(settings.CSRF_COOKIE_NAME, "")}
        answer = client.post(link, data=data, headers={"Referer": link})
        if "session" not in " ".join(client.cookies.keys()) or answer.status_code >= 400:
            raise CommandError(f"The bench could not sign in: {answer.status_code}.")
        return dict(client.cookies)


def use_base(name: str) -> None:
    """Point Django's connection at another base of the same server."""
    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]
    connections["default"].settings_dict["NAME"] = name


@contextmanager
def running(base: str, module: list[str]) -> Iterator[str]:
    """Run one of our processes on a base; the web listens on a free port of the loopback, whose address is given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = connections["default"].settings_dict
    query = urlencode({"host": database["HOST"]})
    password = f":{database['PASSWORD']}" if database.get("PASSWORD") else ""
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}{password}@localhost:{database['PORT']}/{base}?{query}",
        "REDIS_URL": settings.REDIS_URL,
        "SITE_URL": settings.SITE_URL,  # tokens are bound to it
        "PORT": str(port),
        "BIND": "127.0.0.1",
        "API_QUOTA_PER_MINUTE": "1000000",
        "SECRET_KEY": settings.SECRET_KEY,
        "LOG_LEVEL": "WARNING",
        "WEB_DRAIN_SECONDS": "0",
        "DJANGO_SETTINGS_MODULE": "crm.settings",
    }
    file = settings.HOME / "log" / f"bench-{module[-1].rpartition('.')[2]}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as log:
        process: subprocess.Popen[bytes] = spawn(
            [sys.executable, "-m", *module], cwd=settings.BASE_DIR, stdout=log, stderr=log, env=environment
        )
    url = f"http://127.0.0.1:{port}"
    try:
        if module[0] != "django":
            wait_for_web(url, file)
        yield url
    finally:
        end_group(process.pid)


def wait_for_web(url: str, log: Path) -> None:
    """Wait until the web answers."""
    for _attempt in range(300):
        try:
            if httpx.get(f"{url}/health/live", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise CommandError(f"The web process did not start; see {log}.")


def line(result: Result) -> str:
    """Return one result as a line."""
    rate = f", {result.rate:.0f}/s at eight" if result.rate is not None else ""
    return f"{result.case.name}: p50 {result.p50:.1f} ms, p95 {result.p95:.1f} ms{rate}, {result.size / 1000:.0f} kB"

