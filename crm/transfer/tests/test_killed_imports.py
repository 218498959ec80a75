"""A worker that is killed in the middle of an import: another one goes on, and one undo takes back all of it."""

import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from crm.activity.facts import fact_name
from crm.activity.intention import Origin, acting_from
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import undo
from crm.jobs.models import Job
from crm.records.events import RecordsBulkChanged
from crm.transfer.jobs import start_import
from crm.transfer.models import ImportRun
from crm.transfer.services import receive, settle, suggest
from customers.models import Company, Customer

pytestmark = [pytest.mark.django_db(transaction=True)]

WORKER = """
import os, sys, django
django.setup()
from datetime import timedelta
from django.conf import settings
from crm.jobs import leases
from crm.jobs.engine import run_next
from crm.transfer.engine import write

settings.MEDIA_ROOT = sys.argv[2]
leases.LEASE, leases.BEAT = timedelta(seconds=1), 0.3
write.BATCH = 50
if sys.argv[1] == "die":
    copy, seen = write.copy_rows, []

    def copy_and_die(table, columns, rows):
        done = copy(table, columns, rows)
        seen.append(table)
        if seen.count("customers_customer") == 3:
            os.kill(os.getpid(), 9)
        return done

    write.copy_rows = copy_and_die
run_next(["import"])
"""


def work(mode: str, media: Path) -> int:
    """Let a worker process claim one job; return how it ended."""
    db = connection.settings_dict
    auth = f"{quote(db['USER'])}:{quote(db['PASSWORD'])}@" if db.get("PASSWORD") else f"{quote(db['USER'])}@"
    env = {
        **os.environ, "DATABASE_URL": f"postgres://{auth}localhost:{db['PORT'] or 5432}/{db['NAME']}?host={quote(str(db['HOST']), safe='')}",
        "REDIS_URL": settings.REDIS_URL, "DJANGO_SETTINGS_MODULE": "crm.settings", "RAPPORT_ENV": "test", "PYTHONPATH": str(settings.BASE_DIR),
    }
    command = [sys.executable, "-c", WORKER, mode, str(media)]
    return subprocess.run(command, env=env, cwd=Path(settings.BASE_DIR), timeout=90, check=False).returncode  # noqa: S603


def test_a_killed_import_is_finished_by_the_next_worker_and_undone_as_one(admin: Any, tmp_path: Path) -> None:
    lines = [f"p{i}@example.com,Person {i},Company {i % 7}" for i in range(240)]
    with acting_from(Origin(user_id=admin.pk, source=ChangeSet.Source.WEB)):
        run = receive(file=BytesIO(("email,last name,company\n" + "\n".join(lines)).encode()), name="people.csv", of="customer", actor=admin)
        settle(run, suggest(run, admin).as_dict(), admin)
        start_import(run, admin, check=True)
    assert work("die", tmp_path / "media") == -signal.SIGKILL
    # Two batches of fifty are committed; the third, which was open, left nothing.
    assert (Customer.objects.count(), Company.objects.count()) == (93, 7)
    assert ImportRun.objects.get().state == "running"
    time.sleep(1.2)
    assert work("live", tmp_path / "media") == 0
    run = ImportRun.objects.get()
    assert (run.state, Job.objects.get(kind="transfer.import").attempts) == ("done", 2)
    assert (run.report["result"]["create"], run.report["result"]["also"]) == (240, {"company": 7})
    assert (Customer.objects.count(), Company.objects.count()) == (240, 7)
    assert set(
        ActivityLog.objects.filter(entity_id__in=Customer.objects.values("pk"), kind="change").values_list("change_set_id", flat=True)
    ) == {run.change_set}
    told = ActivityLog.objects.filter(change_set_id=run.change_set, action=fact_name(RecordsBulkChanged))
    assert [fact.changes["count"] for fact in told] == [240]
    undo(change_set=ChangeSet.objects.get(pk=run.change_set), actor=admin)
    assert (Customer.everything.count(), Company.everything.count()) == (0, 0)
