"""Processes that are killed: workers in the middle of jobs, the web in the middle of writes (FD-01 to FD-06, FD-17, FD-47)."""

import os
import signal
import time
import uuid
from functools import partial
from pathlib import Path

import httpx

from crm.jobs.models import Job
from crm.operations.drills.clients import Writers, at_once
from crm.operations.drills.files import customers_csv
from crm.operations.drills.outcome import Outcome, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.stand import Stand, post_form
from crm.transfer.models import ImportRun


def import_file(stand: Stand, path: Path) -> str:
    """Send a file of customers to be imported; return the id of the import."""
    with stand.api("admin", timeout=120) as client, path.open("rb") as file:
        answer = client.post("/customers/import", files={"file": (path.name, file, "text/csv")})
    if answer.status_code != 202:
        raise RuntimeError(f"The import was not taken: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["data"]["id"])


def written(run_id: str) -> int:
    """Return the number of the last row that an import has committed."""
    found = ImportRun.objects.filter(pk=run_id).values_list("written_to", flat=True).first()
    return -1 if found is None else int(found)


def job_of(run_id: str) -> Job:
    """Return the job of an import."""
    return Job.objects.get(pk=ImportRun.objects.get(pk=run_id).job_id or "")


def finished(job_id: uuid.UUID | str) -> bool:
    """Tell whether a job has ended."""
    return Job.objects.filter(pk=job_id, state__in=Job.FINISHED).exists()


def _is_at(run_id: str, job: Job, row: int) -> bool:
    return written(run_id) >= row or finished(job.pk)


def runner(job: Job) -> int | None:
    """Return the process that holds a job."""
    job.refresh_from_db()
    parts = job.leased_by.split(":")
    return int(parts[2]) if job.state == Job.State.RUNNING and len(parts) > 2 else None


@drill("FD-01", "Worker child killed in the middle of an import", without=("checkpoints", "haste"), fails_at="rows of the file that are there once")
def child_killed(stand: Stand, sizes: Sizes) -> Outcome:
    """Kill the child process at 30 %, and again each time a further batch is there."""
    found = Outcome()
    rows, kills = sizes.pick(50_000, 20_000, 3_000), sizes.pick(3, 1, 1)
    mark = uuid.uuid4().hex[:8]
    run_id = import_file(stand, customers_csv(stand.home.path, rows, mark))
    job = job_of(run_id)
    seen, killed = int(rows * 0.3), 0
    while killed < kills and wait_for(partial(_is_at, run_id, job, seen), 240, pause=0.05) is not None:
        pid = runner(job)
        if pid is None:
            break
        os.kill(pid, signal.SIGKILL)
        killed += 1
        seen = written(run_id) + 1
    wait_for(lambda: finished(job.pk), 240)
    job.refresh_from_db()
    there, once = stand.sql("SELECT count(*), count(DISTINCT email) FROM customers_customer WHERE email LIKE %s", f"%@{mark}.example")[0]
    run = ImportRun.objects.get(pk=run_id)
    result = run.report.get("result", {})
    found.equal("kills", killed, kills)
    found.equal("state of the job", job.state, "succeeded")
    found.equal("attempts that the job names", job.attempts, kills + 1)
    good = rows if result.get("error", 0) == 0 and there == once else min(there, rows - result.get("error", rows))
    found.equal("rows of the file that are there once", good, rows)
    found.equal("change sets they belong to", stand.sql(
        "SELECT count(DISTINCT change_set_id) FROM activity_log WHERE kind = 'change' AND table_name = 'customers_customer'"
        " AND entity_id IN (SELECT id FROM customers_customer WHERE email LIKE %s)", f"%@{mark}.example")[0][0], 1)
    return found


@drill("FD-02", "Whole worker killed in the middle of an import", without=("short-leases",), fails_at="taken up after the kill")
def worker_killed(stand: Stand, sizes: Sizes) -> Outcome:
    """Kill the worker with all its children; the supervisor starts another."""
    found = Outcome()
    job = stand.job("drill.bulk", seconds=15, saves=True)
    wait_for(lambda: runner(job), 30)
    before = job.leased_by
    stand.send("worker-bulk", signal.SIGKILL, group=True)

    def taken() -> bool:
        job.refresh_from_db()
        return bool(job.leased_by) and job.leased_by != before

    found.at_most("taken up after the kill", wait_for(taken, sizes.pick(60, 60, 45)), 60)
    if not sizes.control:
        wait_for(lambda: finished(job.pk), 60)
        job.refresh_from_db()
        found.equal("state", job.state, "succeeded")
        found.equal("attempts", job.attempts, 2)
        found.true("went on at its checkpoint", (job.result or {}).get("seconds", 99) <= 16)
    return found


@drill("FD-03", "Job longer than its lease and than a frozen worker", without=("heartbeat",), fails_at="processes that ran it")
def longer_than_lease(stand: Stand, sizes: Sizes) -> Outcome:
    """Run a job beyond its lease while the queue is woken again and again; then freeze a worker beyond its lease."""
    found = Outcome()
    note = stand.home.path / f"starts-{uuid.uuid4().hex}"
    job = stand.job("drill.bulk", seconds=sizes.pick(60, 40, 25), note=str(note))
    began = time.monotonic()
    while not finished(job.pk) and time.monotonic() - began < 120:
        stand.wake("import", 2)
        time.sleep(3)
    found.equal("processes that ran it", len(note.read_text().split()), 1)
    if sizes.control:
        return found
    note = stand.home.path / f"frozen-{uuid.uuid4().hex}"
    job = stand.job("drill.bulk", seconds=12, saves=True, note=str(note))
    wait_for(lambda: runner(job), 30)
    frozen = runner(job) or 0
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    wait_for(lambda: runner(job) not in (frozen, None), 60)
    found.at_most("a frozen worker’s job is taken over", time.monotonic() - began, 60)
    os.kill(frozen, signal.SIGCONT)
    wait_for(lambda: finished(job.pk), 60)
    job.refresh_from_db()
    found.equal("state, after the frozen one woke up", job.state, "succeeded")
    found.equal("attempts", job.attempts, 2)
    return found


@drill("FD-04", "Poison message", without=("counting",), fails_at="attempts, counted by its victims")
def poison(stand: Stand, sizes: Sizes) -> Outcome:
    """Queue a job that kills its worker each time, among others that do not."""
    found = Outcome()
    job = stand.job("drill.poison")
    others = [stand.job("drill.work") for _n in range(10)]
    victims: set[str] = set()

    def over() -> bool:
        job.refresh_from_db()
        if job.leased_by:
            victims.add(job.leased_by)
        return job.is_finished or len(victims) > 3

    wait_for(over, 180, pause=0.05)
    job.refresh_from_db()
    found.at_most("attempts, counted by its victims", len(victims), 3, "")
    if sizes.control:
        Job.objects.filter(pk=job.pk).update(state="dead", leased_by="")
        return found
    found.equal("state", job.state, "dead")
    found.equal("other jobs done", Job.objects.filter(pk__in=[o.pk for o in others], state="succeeded").count(), 10)
    Job.objects.filter(pk=job.pk).update(user=stand.people["manager"])
    with stand.pages() as client:
        page = client.get(f"/jobs/{job.pk}")
        found.true("its page says so, with a button", "Given up" in page.text and f"/jobs/{job.pk}/retry" in page.text)
        post_form(client, f"/jobs/{job.pk}/retry")
    found.true("the button queues it again", wait_for(lambda: Job.objects.filter(pk=job.pk, attempts__gte=1).exclude(state="dead").exists(), 20) is not None)
    Job.objects.filter(pk=job.pk).update(state="dead", leased_by="", lease_until=None)
    return found


@drill("FD-05", "Web killed while clients write", without=("idempotency",), fails_at="written twice")
def web_killed(stand: Stand, sizes: Sizes) -> Outcome:
    """Kill the whole web server among writers, twice at random and once between COMMIT and answer."""
    found = Outcome()
    token = stand.api()
    writers = Writers(lambda: httpx.Client(base_url=token.base_url, headers=token.headers, timeout=35), sizes.pick(50, 50, 12))
    recoveries = []
    with writers.at_work():
        time.sleep(3)
        for number in range(sizes.pick(3, 2, 1)):
            last = number == sizes.pick(3, 2, 1) - 1
            if last:
                with stand.api() as client:
                    key = uuid.uuid4().hex
                    writers.keys.add(key)
                    began = time.monotonic()
                    writers.write(client, key, point="die-after-commit")
            else:
                began = time.monotonic()
                stand.send("web", signal.SIGKILL, group=True)
            time.sleep(0.5)
            back = wait_for(lambda: stand.status("/health/ready") == 200, 60)
            recoveries.append(999.0 if back is None else time.monotonic() - began)
            time.sleep(3)
    compare(stand, writers, found)
    found.at_most("service again after a kill, at the latest", max(recoveries), 60)
    return found


def compare(stand: Stand, writers: Writers, found: Outcome) -> None:
    """Compare what the writers were told with what is there."""
    rows = dict(stand.sql("SELECT id::text, name FROM customers_company WHERE name LIKE 'drill %%'"))
    keys = [key for key in (name.removeprefix("drill ") for name in rows.values()) if key in writers.keys]
    found.equal("acknowledged and lost", sum(1 for row in writers.acknowledged.values() if row not in rows), 0)
    found.equal("written twice", len(keys) - len(set(keys)), 0)
    found.equal("writes whose outcome stayed unknown", len(writers.unknown), 0)
    found.equal("answers that were neither success nor “later”", writers.failures(), 0)
    lost, later = writers.answers["no answer"], writers.answers["503"]
    found.remark(f"{len(writers.acknowledged):,} writes by {writers.count} clients; {lost} answers lost, {later} × 503")


@drill("FD-06", "Killed between commit and wake-up", without=("sweeper",), fails_at="the job is done all the same")
def killed_at_wake(stand: Stand, sizes: Sizes) -> Outcome:
    """Kill the web right after the COMMIT that queued a job, before anybody is told."""
    found = Outcome()
    stand.wait_for_workers()
    path = customers_csv(stand.home.path, 50, uuid.uuid4().hex[:8])
    before = ImportRun.objects.count()
    try:
        with stand.api("admin") as client, path.open("rb") as file:
            answer = client.post("/customers/import", files={"file": (path.name, file, "text/csv")}, headers={"X-Drill": "die-at-wake"})
        found.true("the server died before it answered", False, str(answer.status_code))
    except httpx.TransportError:
        found.true("the server died before it answered", True)
    wait_for(lambda: ImportRun.objects.count() > before, 30)
    run = ImportRun.objects.order_by("-created_at").first()
    assert run is not None
    found.true("the job is in the database", run.job_id is not None)
    found.at_most("the job is done all the same", wait_for(lambda: finished(run.job_id or ""), sizes.pick(60, 60, 30)), 60)
    wait_for(stand.is_well, 60)
    return found


@drill("FD-17", "The same message ten times at once", without=("idempotency",), fails_at="effects")
def doubled(stand: Stand, sizes: Sizes) -> Outcome:
    """Send one write ten times in parallel under one key, then once more after a kill between COMMIT and answer."""
    found = Outcome()
    found.remark("There is no inbound webhook yet: drilled at the nearest door, Idempotency-Key on a POST of the API")
    key = uuid.uuid4().hex
    body, headers = {"name": f"drill {key}"}, {"Idempotency-Key": key}
    clients = [stand.api() for _n in range(10)]
    answers = at_once([partial(c.post, "/companies", json=body, headers=headers) for c in clients])
    codes = sorted({getattr(a, "status_code", 0) for a in answers})
    found.equal("effects", stand.sql("SELECT count(*) FROM customers_company WHERE name = %s", body["name"])[0][0], 1)
    found.equal("answers", ", ".join(map(str, codes)), "201")
    if sizes.control:
        return found
    key = uuid.uuid4().hex
    body, headers = {"name": f"drill {key}"}, {"Idempotency-Key": key}
    try:
        clients[0].post("/companies", json=body, headers=headers | {"X-Drill": "die-after-commit"})
    except httpx.TransportError:
        pass
    wait_for(stand.is_well, 60)
    again = clients[1].post("/companies", json=body, headers=headers)
    found.equal("after a kill before the answer, the repeat gets", again.status_code, 201)
    found.equal("effects after it", stand.sql("SELECT count(*) FROM customers_company WHERE name = %s", body["name"])[0][0], 1)
    return found


