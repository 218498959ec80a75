"""One supervisor per home folder: its lock, and the note that says who runs and where."""

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import IO, Any

from crm.embedded.processes import end_group, started_at


class Home:
    """The folder of an installation: data, logs, sockets, and who is at work in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "log"
        self.run = path / "run"
        self.note = self.run / "up.json"
        self._lock: IO[str] | None = None

    def take(self) -> bool:
        """Take the home for this process; False when another supervisor has it."""
        for folder in (self.path, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)
        lock = (self.run / "up.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def read(self) -> dict[str, Any]:
        """Return the note of the supervisor that has the home, or had it last."""
        try:
            found = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, url: str, children: dict[str, int]) -> None:
        """Note who runs: each process by its id and its time of start, which together are its identity."""
        known = {name: [pid, started_at(pid)] for name, pid in children.items()}
        text = json.dumps({"url": url, "pid": os.getpid(), "children": known})
        made = self.note.with_suffix(".new")
        made.write_text(text, encoding="utf-8")
        made.replace(self.note)

    def end_leftovers(self) -> list[str]:
        """End the children of a supervisor that was killed; return their names."""
        ended = []
        for name, (pid, since) in self.read().get("children", {}).items():
            if since is not None and started_at(pid) == since:
                end_group(pid, stop_signal=signal.SIGINT if name == "postgres" else signal.SIGTERM)
                ended.append(name)
        return ended

    def release(self) -> None:
        """Give the home back."""
        self.note.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
