"""Figures of several web processes told as one: each keeps its own in files, ``/metrics`` adds them up.

The folder is named by the environment before anything counts (``prometheus_client`` looks there when it is imported).
"""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share(home: Path, pid: int) -> Path | None:
    """Make a folder for the figures of the server with this process id; None where somebody else named one."""
    if VARIABLE in os.environ:
        return None
    folder = home / "run"
    place = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    for left in place.glob("figures-*"):
        owner = left.name.removeprefix("figures-")
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    made = place / f"figures-{pid}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    os.environ[VARIABLE] = str(made)
    return made


def forget(folder: Path | None) -> None:
    """Remove the folder when the server has ended."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
