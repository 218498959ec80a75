"""A worker that is killed loses nothing: another one goes on from the last batch, and poison is given up."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from crm.jobs.models import Checkpoint, Job
from crm.jobs.schedule import sweep
from crm.records.models import Tag

pytestmark = [pytest.mark.django_db(transaction=True)]

WORKER = """
import os, sys, time, django
django.setup()
from datetime import timedelta
from django.db import transaction
from crm.jobs import leases
from crm.jobs.engine import job, run_next
from crm.records.models import Tag

leases.LEASE, leases.BEAT = timedelta(seconds=1), 0.3

@job("test.count")
def count(run):
    for i in range(run.checkpoint.get("next", 0), 6):
        with transaction.atomic():
            Tag.objects.create(name=f"row {i}")
            run.save({"next": i + 1})
        if i == 2 and run.job.attempts == 1:
            os.kill(os.getpid(), 9)
    return {"rows": 6}

@job("test.poison")
def poison(run):
    os.kill(os.getpid(), 9)

@job("test.long")
def long(run):
    for i in range(200):
        run.progress(i, 200)
        time.sleep(0.1)

from django.core.management import call_command
if sys.argv[1] == "loop":
    call_command("work", queue=["default"], once=False)
    sys.exit(0)
ends = []
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        run_next(["default"])
        os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    time.sleep(1.2)
print(*ends)
"""


def start(mode: str) -> subprocess.Popen[bytes]:
    db = connection.settings_dict
    host = quote(str(db["HOST"]), safe="")
    auth = f"{quote(db['USER'])}:{quote(db['PASSWORD'])}@" if db.get("PASSWORD") else f"{quote(db['USER'])}@"
    url = f"postgres://{auth}localhost:{db['PORT'] or 5432}/{db['NAME']}?host={host}"
    env = {
        **os.environ, "DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL, "DJANGO_SETTINGS_MODULE": "crm.settings",
        "RAPPORT_ENV": "test", "PYTHONPATH": str(settings.BASE_DIR),
    }
    command = [sys.executable, "-c", WORKER, mode]
    return subprocess.Popen(command, env=env, cwd=Path(settings.BASE_DIR), stdout=subprocess.PIPE)  # noqa: S603


def run(workers: int) -> list[int]:
    """Let so many worker processes claim one job each, one after the other; return how each of them ended."""
    out, _err = start(str(workers)).communicate(timeout=90)
    return [int(word) for word in out.split()]


def queue(kind: str) -> Job:
    return Job.objects.create(kind=kind, queue="default")


def wait_for(condition: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_job_goes_on_from_its_last_batch() -> None:
    made = queue("test.count")
    assert run(workers=2) == [-signal.SIGKILL, 0]
    made.refresh_from_db()
    assert (made.state, made.attempts, made.result) == ("succeeded", 2, {"rows": 6})
    assert Checkpoint.objects.get(job=made).data == {"next": 6}
    assert Tag.objects.filter(name__startswith="row ").count() == 6


def test_a_job_that_kills_its_process_three_times_is_given_up_and_harms_no_other() -> None:
    poison = queue("test.poison")
    other = queue("test.count")
    Job.objects.filter(pk=other.pk).update(due_at=poison.due_at + timedelta(minutes=-1), attempts=1)
    assert run(workers=4) == [0, *[-signal.SIGKILL] * 3]
    sweep()
    poison.refresh_from_db()
    other.refresh_from_db()
    assert (poison.state, poison.attempts) == ("dead", 3)
    assert other.state == "succeeded"


def test_an_orderly_shutdown_gives_the_job_back_without_counting() -> None:
    made = queue("test.long")
    worker = start("loop")
    try:
        wait_for(lambda: Job.objects.filter(pk=made.pk, state="running", progress_done__gt=0).exists())
        worker.terminate()
        assert worker.wait(30) == 0
    finally:
        worker.kill()
    made.refresh_from_db()
    assert (made.state, made.attempts) == ("queued", 0)
