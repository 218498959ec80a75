"""The processes of an installation: what each runs, how it is started again, and how it is stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crm.embedded.postgres import Postgres
from crm.embedded.processes import end_group, spawn
from crm.embedded.valkey import Valkey

LONGEST_PAUSE = 30.0
SETTLED = 60.0
"""Seconds after which a process counts as healthy again."""
LARGEST_LOG = 10_000_000


@dataclass
class Program:
    """One child of the supervisor."""

    name: str
    launch: Callable[[], "subprocess.Popen[bytes]"]
    stop_signal: int = signal.SIGTERM
    patience: float = 25.0
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    start_at: float = field(default=0.0)

    def start(self) -> None:
        """Start the process."""
        self.process = self.launch()
        self.started = time.monotonic()
        self.start_at = 0.0

    def ended(self) -> int | None:
        """Return the exit code of a process that ended by itself; None while it runs (or waits for its turn)."""
        return self.process.poll() if self.process is not None else None

    def plan_restart(self) -> float:
        """Sweep up what the dead process left, and return the pause before the next start."""
        assert self.process is not None
        if time.monotonic() - self.started > SETTLED:
            self.failures = 0
        pause = min(LONGEST_PAUSE, 0.25 * 2**self.failures)
        self.failures += 1
        # Its own children would keep its port and its queue.
        end_group(self.process.pid, stop_signal=signal.SIGKILL, patience=2)
        self.process = None
        self.start_at = time.monotonic() + pause
        return pause

    def ask_to_stop(self) -> None:
        """Send the signal that ends the process politely."""
        if self.process is not None and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, self.stop_signal)
            except ProcessLookupError:
                pass

    def stop(self) -> None:
        """Wait for the end of the process, and enforce it when patience ends."""
        if self.process is None:
            return
        end_group(self.process.pid, stop_signal=self.stop_signal, patience=self.patience)
        self.process = None


def server(of: Postgres | Valkey) -> Program:
    """Return an embedded server as a program."""
    stop_signal = signal.SIGINT if isinstance(of, Postgres) else signal.SIGTERM
    return Program(of.name, of.start, stop_signal, patience=30)


def ours(name: str, arguments: list[str], logs: Path, base: Path, *, patience: float = 25) -> Program:
    """Return one of our own processes: ``python -m …``, with its output in ``<home>/log/<name>.log``."""

    def launch() -> "subprocess.Popen[bytes]":
        file = logs / f"{name}.log"
        if file.exists() and file.stat().st_size > LARGEST_LOG:
            file.replace(file.with_suffix(".1.log"))
        with file.open("ab") as log:
            return spawn([sys.executable, "-m", *arguments], cwd=base, stdout=log, stderr=log)

    return Program(name, launch, patience=patience)


def application(*, base: Path, logs: Path, host: str, port: int, workers: int) -> list[Program]:
    """Return our own processes, in the order in which they start."""
    celery = ["celery", "--app", "crm.celery", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    return [
        ours("web", [
            "granian", "--interface", "asgi", "--host", host, "--port", str(port), "--workers", str(workers),
            "--loop", "uvloop", "--no-access-log", "--log-level", "warning", "--respawn-failed-workers",
            "--respawn-interval", "0.2", "--workers-kill-timeout", "20",
            "crm.asgi:application",
        ], logs, base),
        # Two workers, so that imports and exports never keep reminders and mail waiting.
        ours("worker", [*celery, "worker", *quiet, "--concurrency", "2", "--queues", "default,mail",
                        "--hostname", "worker@%h"], logs, base),
        ours("worker-bulk", [*celery, "worker", *quiet, "--concurrency", "2", "--queues", "import,export,low",
                             "--hostname", "bulk@%h"], logs, base),
        ours("relay", ["django", "relay"], logs, base),
        ours("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile=",
                      "--schedule", str(logs.parent / "run" / "beat")], logs, base),
    ]
