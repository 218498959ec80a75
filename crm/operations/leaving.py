"""How web servers take turns: one says that it is about to end by a file with its process id in the name."""

import os
import tempfile
from pathlib import Path

LISTEN_FD = "RAPPORT_LISTEN_FD"
"""Names the socket that the supervisor listens on for all its web servers."""
VARIABLE = "RAPPORT_WEB_LEAVING"
"""Names the file to the processes that serve for it."""


def note_of(pid: int, home: Path) -> Path:
    """Return the file by which the server with this process id says that it is about to end."""
    folder = home / "run"
    return (folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())) / f"web-{pid}.leaving"


def is_leaving() -> bool:
    """Tell whether the server that this process works for is about to end."""
    name = os.environ.get(VARIABLE)
    return bool(name) and Path(str(name)).exists()
