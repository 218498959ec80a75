"""Kinds of jobs that only drills run."""

import os
import signal
import time
from typing import Any

from crm.jobs.engine import Run, job


@job("drill.poison", queue="default", label="Poison")
def poison(run: Run) -> None:
    """Kill the process that runs it."""
    run.progress(0, 1, f"attempt {run.job.attempts}")
    os.kill(os.getpid(), signal.SIGKILL)


@job("drill.work", queue="default", label="Work")
def work(run: Run) -> dict[str, Any]:
    """Be at work for so many seconds, and note every start by a line in a file."""
    return _work(run)


@job("drill.bulk", queue="import", label="Bulk work")
def bulk(run: Run) -> dict[str, Any]:
    """Be at work on the queue of imports."""
    return _work(run)


@job("drill.export", queue="export", label="Export")
def export(run: Run) -> dict[str, Any]:
    """Be at work on the queue of exports."""
    return _work(run)


@job("drill.mail", queue="mail", label="Mail")
def mail(run: Run) -> dict[str, Any]:
    """Be at work on the queue of mails."""
    return _work(run)


@job("drill.low", queue="low", label="Low work")
def low(run: Run) -> dict[str, Any]:
    """Be at work on the lowest queue."""
    return _work(run)


def _work(run: Run) -> dict[str, Any]:
    seconds, done = float(run.params.get("seconds", 0)), float(run.checkpoint.get("seconds", 0))
    if "note" in run.params:
        with open(run.params["note"], "a", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    while done < seconds:
        time.sleep(min(0.5, seconds - done))
        done += 0.5
        run.save({"seconds": done}) if run.params.get("saves") else None
        run.progress(int(done), int(seconds) or 1)
    return {"seconds": done}
