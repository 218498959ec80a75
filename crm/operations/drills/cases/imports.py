"""A million rows (FD-28)."""

import threading
import time
import uuid

import httpx

from crm.jobs.models import Job
from crm.operations.drills.cases.killed import finished, import_file, job_of, written
from crm.operations.drills.clients import Readers
from crm.operations.drills.files import customers_csv
from crm.operations.drills.outcome import Outcome, p95, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.stand import Stand, post_form

BAD = 20
"""Every twentieth row cannot be read."""


@drill("FD-28", "Import of a million rows, product in use", without=("hearing", "haste"), fails_at="cancelled after")
def million(stand: Stand, sizes: Sizes) -> Outcome:
    """Import a large file with five per cent of bad rows, cancel it in the middle, go on with it."""
    found = Outcome()
    rows = sizes.pick(1_000_000, 100_000, 9_000)
    mark = uuid.uuid4().hex[:8]
    path = customers_csv(stand.home.path, rows, mark, bad=BAD)
    cookies = stand.cookies("admin")
    readers = Readers(lambda: httpx.Client(base_url=stand.url, cookies=cookies, timeout=60), ("/customers",), count=1, pause=0.5)
    memory, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            memory.append(stand.memory("worker-bulk"))

    watcher = threading.Thread(target=watch, daemon=True)
    with readers.at_work():
        time.sleep(sizes.pick(15, 10, 0))
        before = p95(readers.times)
        readers.times.clear()
        watcher.start()
        began = time.monotonic()
        run_id = import_file(stand, path)
        path.unlink()
        job = job_of(run_id)
        wait_for(lambda: written(run_id) >= rows * 0.2 or finished(job.pk), 1200, pause=0.1)
        with stand.pages("admin") as client:
            asked = time.monotonic()
            post_form(client, f"/jobs/{job.pk}/cancel")
            done = wait_for(lambda: Job.objects.filter(pk=job.pk, state="cancelled").exists(), 10, pause=0.05)
            found.at_most("cancelled after", None if done is None else time.monotonic() - asked, 5)
            stopped = written(run_id)
            if sizes.control:
                wait_for(lambda: finished(job.pk), 60)
                over.set()
                return found
            post_form(client, f"/jobs/{job.pk}/retry")
        wait_for(lambda: finished(job.pk), 1800, pause=0.5)
        spent = time.monotonic() - began
    over.set()
    job.refresh_from_db()
    found.equal("state, after it went on", job.state, "succeeded")
    good = rows - rows // BAD
    there, once = stand.sql("SELECT count(*), count(DISTINCT email) FROM customers_customer WHERE email LIKE %s", f"%@{mark}.example")[0]
    found.equal("good rows that are there", there, good)
    found.equal("of them different", once, good)
    with stand.api("admin", timeout=120) as api, api.stream("GET", f"/imports/{run_id}/errors") as answer:
        lines = sum(1 for _line in answer.iter_lines()) - 1
    found.equal("rows in the file of errors", lines, rows // BAD)
    found.at_most("memory of the worker", max(memory) / 1_000_000, 512, "MB")
    found.at_most("list of customers meanwhile, p95", p95(readers.times), max(2 * before, 0.5))
    found.equal("failed requests of others", sum(readers.bad.values()), 0)
    dead, live = stand.sql("SELECT n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE relname = 'customers_customer'")[0]
    found.at_most("dead rows left in the table", 100 * dead / max(1, live), 20, "%")
    pace = f"{rows:,} rows in {spent:.0f} s ({rows / spent:,.0f} a second, check and write)"
    found.remark(f"{pace}, cancelled at row {stopped:,}; list before: {before * 1000:.0f} ms")
    return found
