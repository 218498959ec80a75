"""The supervisor: one process that starts everything, keeps it running, and stops it in order."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from crm.operations.home import Home
from crm.operations.programs import Program


class Supervisor:
    """Keeps programs running until it is told to stop. Servers stop last, after everything that uses them."""

    def __init__(self, home: Home, url: str, say: Callable[[str], None]) -> None:
        self.home = home
        self.url = url
        self.say = say
        self.programs: list[Program] = []
        self.stopping = False
        self.impatient = False

    def listen(self) -> None:
        """Take Ctrl-C and SIGTERM as the wish to stop."""
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGHUP, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.impatient = self.stopping
        self.stopping = True
        if self.impatient:
            for program in self.programs:
                program.patience = 0

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        program.start()
        self.programs.append(program)
        self._note()

    def has(self, name: str) -> bool:
        """Tell whether a program of this name is kept running."""
        return any(p.name == name for p in self.programs)

    def of(self, name: str) -> Program:
        """Return the program of this name."""
        return next(p for p in self.programs if p.name == name)

    def end(self, name: str) -> None:
        """Stop one program, and keep it no longer."""
        for program in [p for p in self.programs if p.name == name]:
            program.stop()
            self.programs.remove(program)
        self._note()

    def _note(self) -> None:
        self.home.write(self.url, {p.name: p.process.pid for p in self.programs if p.process is not None})

    def look(self) -> None:
        """Start again what ended by itself, after a pause that grows with every failure."""
        changed = False
        now = time.monotonic()
        for program in self.programs:
            if program.succeed():
                self.say(f"{program.name} was told to end; its successor starts beside it.")
                changed = True
            code = program.ended()
            if code is not None:
                pause = program.plan_restart()
                log = self.home.logs / f"{program.name}.log"
                self.say(f"{program.name} ended ({_why(code)}); it starts again in {pause:.1f} s. {_last_line(log)}({log})")
            elif program.process is None and program.start_at <= now:
                program.start()
                changed = True
        if changed:
            self._note()

    def wait_until(self, ready: Callable[[], bool], what: str, patience: float) -> None:
        """Keep everything running until ``ready``; say so when it takes too long, and go on."""
        deadline = time.monotonic() + patience
        while not self.stopping and not ready():
            if time.monotonic() > deadline:
                self.say(f"{what} is not ready after {patience:.0f} s. The logs are in {self.home.logs}.")
                return
            self.look()
            time.sleep(0.1)

    def watch(self) -> None:
        """Keep everything running until told to stop."""
        while not self.stopping:
            self.look()
            time.sleep(0.2)

    def stop_all(self) -> None:
        """Stop what uses the servers first, all at once, and then the servers one by one."""
        users = [p for p in self.programs if p.name not in ("postgres", "valkey")]
        servers = [p for p in reversed(self.programs) if p.name in ("valkey", "postgres")]
        for program in users:
            program.ask_to_stop()
        for program in [*users, *servers]:
            program.stop()


def _why(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    words = next((line for line in reversed(lines) if line.strip()), "")
    return f"Its last words: {words[:300]} " if words else ""


def port_problem(host: str, port: int, probe: Any) -> str:
    """Return why we cannot listen on a port, with the remedy; an empty text when we can."""
    with probe() as taken:
        try:
            taken.bind((host, port))
        except PermissionError:
            return f"Port {port} needs more rights than this user has. Choose another one: PORT=8000 make run"
        except OSError:
            return (
                f"Port {port} is in use by another program. Stop that one, or choose another port: "
                f"PORT={port + 1 if port < 65535 else 8000} make run"
            )
    return ""
