"""The processes of an installation: what each runs, how it is started again, and how it is stopped."""

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crm.embedded.postgres import Postgres
from crm.embedded.processes import end_group, spawn
from crm.embedded.valkey import Valkey
from crm.operations.leaving import LISTEN_FD, note_of

LONGEST_PAUSE = 30.0
SETTLED = 60.0
"""Seconds after which a process counts as healthy again."""
COME_OVER = 2.0
"""Seconds for which a web server still serves after its successor has answered."""
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
    leaves: Callable[[int], bool] | None = None
    """Tells whether the process with this id has been told to end and still finishes its work."""
    answers: Callable[[], bool] | None = None
    """Tells whether the successor does the work already."""
    leaving: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    ask_at: float = 0.0
    answered: bool = False
    arguments: "tuple[str, ...]" = ()
    """What Python runs, for a process of our own (docker-compose.yml says the same)."""

    def start(self) -> None:
        """Start the process."""
        self.process = self.launch()
        self.started = time.monotonic()
        self.start_at = 0.0

    def ended(self) -> int | None:
        """Return the exit code of a process that ended by itself; None while it runs (or waits for its turn)."""
        return self.process.poll() if self.process is not None else None

    def succeed(self) -> bool:
        """Start a successor beside a process that is about to end, and let that one go when the other answers.

        Tells whether a successor was started.
        """
        self.leaving = [p for p in self.leaving if p.poll() is None]
        if self.leaving and self.answers is not None and time.monotonic() >= self.ask_at:
            self.ask_at = time.monotonic() + 0.5
            if self.answered:
                self.ask_at = math.inf
                for process in self.leaving:
                    process.send_signal(signal.SIGINT)
            elif self.answers():
                # Connections that stayed open are closed with their next answer: most have come over by then.
                self.answered, self.ask_at = True, time.monotonic() + COME_OVER
        if self.leaves is None or self.process is None or not self.leaves(self.process.pid):
            return False
        self.leaving.append(self.process)
        self.ask_at, self.answered = 0.0, False
        self.start()
        return True

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
        for process in (*self.leaving, *((self.process,) if self.process is not None else ())):
            if process.poll() is None:
                process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Wait for the end of the process, and enforce it when patience ends."""
        for process in self.leaving:
            end_group(process.pid, stop_signal=self.stop_signal, patience=self.patience)
        self.leaving.clear()
        if self.process is None:
            return
        end_group(self.process.pid, stop_signal=self.stop_signal, patience=self.patience)
        self.process = None


def server(of: Postgres | Valkey) -> Program:
    """Return an embedded server as a program."""
    stop_signal = signal.SIGINT if isinstance(of, Postgres) else signal.SIGTERM
    return Program(of.name, of.start, stop_signal, patience=30)


def ours(
    name: str, arguments: list[str], logs: Path, base: Path, *, patience: float = 25, extra: dict[str, str] | None = None,
    files: tuple[int, ...] = (), stop_signal: int = signal.SIGTERM,
) -> Program:
    """Return one of our own processes: ``python -m …``, with its output in ``<home>/log/<name>.log``.

    ``files`` are open files that it inherits. It gets ``stop_signal`` also when the supervisor dies.
    """

    def launch() -> "subprocess.Popen[bytes]":
        file = logs / f"{name}.log"
        if file.exists() and file.stat().st_size > LARGEST_LOG:
            file.replace(file.with_suffix(".1.log"))
        with file.open("ab") as log:
            return spawn(
                [sys.executable, "-m", *arguments], cwd=base, stdout=log, stderr=log, env={**(extra or {}), **os.environ},
                pass_fds=files, stop_signal=stop_signal,
            )

    return Program(name, launch, stop_signal, patience, arguments=tuple(arguments))


def application(*, base: Path, logs: Path, listener: socket.socket | None = None) -> list[Program]:
    """Return our own processes, in the order in which they start; the web serves ``listener``."""
    # It is let go as soon as its successor answers; the pause is only how long that may take.
    extra = {"WEB_DRAIN_SECONDS": "60"}
    files: tuple[int, ...] = ()
    if listener is not None:
        extra[LISTEN_FD], files = str(listener.fileno()), (listener.fileno(),)
    # We stop it with all the rest, or are dead: nobody needs the pause that SIGTERM would begin.
    web = ours("web", ["crm.operations.web"], logs, base, extra=extra, files=files, stop_signal=signal.SIGINT)
    web.leaves = lambda pid: note_of(pid, logs.parent).exists()
    celery = ["celery", "--app", "crm.celery", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    return [
        web,
        # Two workers, so that imports and exports never keep reminders and mail waiting.
        ours("worker", [*celery, "worker", *quiet, "--concurrency", "2", "--queues", "default,mail",
                        "--hostname", "worker@%h"], logs, base),
        ours("worker-bulk", [*celery, "worker", *quiet, "--concurrency", "4", "--queues", "import,export,low",
                             "--hostname", "bulk@%h"], logs, base),
        ours("relay", ["django", "relay"], logs, base),
        ours("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile=",
                      "--schedule", str(logs.parent / "run" / "beat")], logs, base),
    ]
