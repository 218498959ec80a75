"""Starting server processes that never outlive the one who started them."""

import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SYSTEM_USER = "rapport"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class CannotStart(Exception):
    """A server that cannot be started, with the remedy in the message."""


@dataclass(frozen=True)
class Owner:
    """The system user a server runs as; None stands for whoever we are."""

    uid: int
    gid: int


def dies_with_parent(signal_number: int) -> Callable[[], None] | None:
    """Return what a child runs before its program, so that Linux ends it together with its parent."""
    libc = _libc
    if libc is None:
        return None
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def spawn(
    command: list[str], *, stop_signal: int = signal.SIGTERM, owner: Owner | None = None, **options: Any
) -> "subprocess.Popen[bytes]":
    """Start a process in a group of its own, so that a Ctrl-C in the terminal reaches only the supervisor."""
    if owner is not None:
        options.update(user=owner.uid, group=owner.gid, extra_groups=[])
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=dies_with_parent(stop_signal),
        **options,
    )


def end_group(pid: int, *, stop_signal: int = signal.SIGTERM, patience: float = 10) -> None:
    """End a process and everything in its group: politely, then for good.

    The wish to end goes to the process alone, which ends its own children in good order; where it does not, to them.
    """
    alone = started_at(pid) is not None
    if not (_signal_process(pid, stop_signal) if alone else _signal_group(pid, stop_signal)):
        return
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if not _group_lives(pid):
            return
        if alone and started_at(pid) is None:
            alone = False
            _signal_group(pid, stop_signal)
        time.sleep(0.05)
    _signal_group(pid, signal.SIGKILL)


def _signal_process(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _signal_group(pid: int, number: int) -> bool:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _group_lives(pid: int) -> bool:
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if os.getpgid(process.pid) == pid and process.info["status"] != psutil.STATUS_ZOMBIE:
                return True
        except OSError:
            continue
    return False


def started_at(pid: int) -> float | None:
    """Return when a living process started (with its id, its identity); None when there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def server_owner(data: Path) -> Owner | None:
    """Return whom a server that refuses to run as root runs as: the owner of its data, or our system user."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        found = data.stat()
        return Owner(found.st_uid, found.st_gid)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_user()
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise CannotStart(
                f"PostgreSQL refuses to run as root, and the system user “{SYSTEM_USER}” could not be made. "
                "Start Rapport as an ordinary user, or set DATABASE_URL."
            ) from None
    return Owner(entry.pw_uid, entry.pw_gid)


def _make_user() -> None:
    for command in (
        ["useradd", "--system", "--no-create-home", "--user-group", "--shell", "/bin/false", SYSTEM_USER],
        ["adduser", "-S", "-H", "-D", SYSTEM_USER],
    ):
        if shutil.which(command[0]):
            subprocess.run(command, check=False, capture_output=True)
            return


def let_through(owner: Owner | None, *paths: Path) -> list[Path]:
    """Let ``owner`` pass the folders above ``paths`` (search only, no listing); return those that were changed."""
    changed: list[Path] = []
    if owner is None:
        return changed
    for path in paths:
        for folder in reversed(path.resolve().parents):
            mode = folder.stat().st_mode
            if mode & stat.S_IXOTH or (folder.stat().st_uid == owner.uid and mode & stat.S_IXUSR):
                continue
            try:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            except OSError as error:
                raise CannotStart(
                    f"PostgreSQL refuses to run as root, and its system user cannot pass {folder} "
                    f"({error.strerror}). Start Rapport as an ordinary user, move RAPPORT_HOME, or set DATABASE_URL."
                ) from None
            changed.append(folder)
    return changed


def let_read(tree: Path) -> None:
    """Let everybody read the files of a package, and run its programs, whatever the umask of its installation was."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def give_to(owner: Owner, tree: Path) -> None:
    """Give a tree that belongs to root to the user who is to work in it."""
    if not tree.exists() or tree.stat().st_uid == owner.uid:
        return
    for path in (*tree.rglob("*"), tree):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
