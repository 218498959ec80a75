"""The web server: ``python -m crm.operations.web``. Told to end, it first says so, then finishes what it has begun.

SIGTERM makes ``/health/ready`` answer 503 while requests are still served, for ``WEB_DRAIN_SECONDS``: time for a
proxy to look elsewhere, or for the supervisor to start a successor. SIGINT ends without that pause.

The supervisor owns the listening socket (``LISTEN_FD``), and the old and the new server accept from the same queue, so
that no connection is lost between them, not even after a crash: it waits.
"""

import os
import signal
import threading
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.net import SocketHolder

from crm.operations import figures, leaving

OPEN_REQUESTS = 10_000


class Server(Granian):  # type: ignore[misc, valid-type]
    """Granian, with a pause between the wish to end and the end."""

    def __init__(self, *args: Any, note: Path, pause: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.note = note
        self.pause = pause
        self.hurry = threading.Event()

    def _init_shared_socket(self) -> None:
        """Listen on the socket that was handed down, where there is one."""
        number = os.environ.get(leaving.LISTEN_FD)
        if not number:
            super()._init_shared_socket()
            return
        self._ssp, self._sso = None, None
        self._shd = SocketHolder(int(number), False, self.backlog)  # type: ignore[call-arg]

    def signal_handler_interrupt(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Take the wish to end; the second one, or Ctrl-C, ends the pause."""
        if self.interrupt_signal or number == signal.SIGINT:
            self.hurry.set()
        super().signal_handler_interrupt()

    def shutdown(self, exit_code: int = 0) -> None:
        """Say that we are leaving, wait, and let the workers finish what they have begun."""
        if not exit_code and not self.interrupt_children:
            self.note.touch()
            self.hurry.wait(self.pause)
        try:
            super().shutdown(exit_code)
        finally:
            self.note.unlink(missing_ok=True)


def main() -> None:
    """Serve until told to end."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    note = leaving.note_of(os.getpid(), settings.HOME)
    note.unlink(missing_ok=True)
    os.environ[leaving.VARIABLE] = str(note)
    shared = figures.share(settings.HOME, os.getpid()) if settings.WEB_WORKERS > 1 else None
    try:
        # Loaded once, before the processes part ways: they start at once, and share the memory.
        import_module("crm.asgi")
        serve(note)
    finally:
        figures.forget(shared)


def serve(note: Path) -> None:
    """Run the server and its processes."""
    Server(
        "crm.asgi:application",
        note=note,
        pause=settings.WEB_DRAIN_SECONDS,
        address=settings.BIND,
        port=settings.PORT,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.WEB_WORKERS,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=20,
        # Slow senders and readers cost a connection and no thread; they must not use up what the others come in by.
        backpressure=OPEN_REQUESTS,
    ).serve()


if __name__ == "__main__":
    main()
