"""Too much at once: bombs, sockets, a long queue (FD-29, FD-31, FD-43)."""

import asyncio
import random
import resource
import statistics
import threading
import time
import uuid
from functools import partial
from typing import Any

import httpx

from crm.jobs.models import Job
from crm.operations.drills.cases.killed import finished, import_file, job_of
from crm.operations.drills.clients import Readers, at_once
from crm.operations.drills.files import customers_csv, large_workbook, sparse_workbook
from crm.operations.drills.outcome import Outcome, p95, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.sockets import opened
from crm.operations.drills.stand import Stand

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@drill("FD-29", "Huge and deep JSON, bombs", without=("strict-json",), fails_at="bodies not refused with 4xx")
def bombs(stand: Stand, sizes: Sizes) -> Outcome:
    """Send bombs in parallel while others read."""
    found = Outcome()
    name = b'{"name":"bomb","description":%s}'
    bodies = {
        "20,000 levels": name % (b"[" * 20_000 + b"]" * 20_000), "a million brackets": b"[" * 1_000_000,
        "5,000 digits": name % (b"9" * 5_000), "1e400": name % b"1e400", "NUL": name % b'"\\u0000"', "lone surrogate": name % b'"\\ud800"',
        "100,000 keys": b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}", "8 MB": name % (b'"' + b"a" * 8_000_000 + b'"'),
        "not UTF-8": name % b'"\xff\xfe"',
    }
    cookies = stand.cookies()
    readers = Readers(lambda: httpx.Client(base_url=stand.url, cookies=cookies, timeout=60), ("/customers", "/deals"), count=2, pause=0.2)
    pids = {program: stand.pid(program) for program in ("web", "worker", "worker-bulk")}
    with readers.at_work():
        time.sleep(4)
        readers.times.clear()
        time.sleep(4)
        before = statistics.median(readers.times)
        readers.times.clear()
        clients = [stand.api("admin", timeout=60) for _n in range(4)]
        headers = {"Content-Type": "application/json"}
        statuses: dict[str, int] = {}
        for _round in range(sizes.pick(3, 2, 1)):
            waiting = list(bodies.items())
            while waiting:
                now, waiting = waiting[:4], waiting[4:]
                answers = at_once([partial(c.post, "/companies", content=body, headers=headers) for c, (_what, body) in zip(clients, now, strict=False)])
                statuses |= {what: getattr(a, "status_code", 0) for (what, _body), a in zip(now, answers, strict=False)}
        if not sizes.control:
            _workbooks(stand, sizes, found)
        during = statistics.median(readers.times)
    bad = {what: status for what, status in statuses.items() if not 400 <= status < 500}
    found.equal("bodies not refused with 4xx", ", ".join(f"{w}: {s}" for w, s in bad.items()) or "none", "none")
    found.at_most("pages of others meanwhile, median", during, max(2 * before, 0.3))
    found.remark(f"before: {before * 1000:.0f} ms")
    found.true("web and workers are the same processes", pids == {program: stand.pid(program) for program in pids})
    found.equal("failed requests of others", sum(readers.bad.values()), 0)
    return found


def _workbooks(stand: Stand, sizes: Sizes, found: Outcome) -> None:
    """Send a sparse workbook and one that unpacks to hundreds of megabytes, as imports."""
    ended = []
    with stand.api("admin", timeout=120) as client:
        for what, content in (("sparse", sparse_workbook()), ("large", large_workbook(sizes.pick(300, 150, 0)))):
            answer = client.post("/customers/import", files={"file": (f"{what}.xlsx", content, XLSX)})
            if answer.status_code == 202:
                job = job_of(answer.json()["data"]["id"])
                wait_for(partial(finished, job.pk), 90)
                job.refresh_from_db()
                ended.append(f"{what}: job {job.state}, attempt {job.attempts}")
            else:
                ended.append(f"{what}: {answer.status_code}")
    fine = all(words.split(": ")[1].startswith("4") or ("attempt 1" in words and ("failed" in words or "succeeded" in words)) for words in ended)
    found.true("workbooks of 2 kB and of hundreds of megabytes are refused in words", fine, "; ".join(ended))
    found.remark("; ".join(ended))


@drill("FD-31", "Storm of sockets", without=("admission",), fails_at="failed requests of the API")
def storm(stand: Stand, sizes: Sizes) -> Outcome:
    """Open many sockets, drop them all, and let them return within five seconds, as the pages do."""
    found = Outcome()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = sizes.pick(5000, 1000, 400)
    count = min(wanted, max(100, (hard - 500) // 2))
    if count < wanted:
        found.remark(f"{count:,} instead of {wanted:,} sockets: the limit of open files is {hard:,}")
    token = stand.api()
    readers = Readers(lambda: httpx.Client(base_url=token.base_url, headers=token.headers, timeout=30), ("/customers", "/deals"), count=2, pause=0.1)
    cookies = stand.cookies()
    kept: list[Any] = []
    returned: list[float] = []
    refused = [0]

    async def one(began: float, spread: float, patience: float) -> None:
        await asyncio.sleep(random.random() * spread)  # noqa: S311
        tries = 0
        while time.monotonic() - began < patience:
            status, writer = await opened(stand.url, cookies, 30)
            if status == 101:
                kept.append(writer)
                returned.append(time.monotonic() - began)
                return
            refused[0] += 1
            tries += 1
            await asyncio.sleep(0.3 + random.random() * min(30, 2.5 * 2 ** (tries - 1)))  # noqa: S311

    async def all_of_them() -> None:
        if not sizes.control:
            await asyncio.gather(*(one(time.monotonic(), sizes.pick(30, 10, 0), 120) for _n in range(count)))
            for writer in kept:
                writer.transport.abort()
            kept.clear()
            returned.clear()
            readers.times.clear()
            readers.bad.clear()
            refused[0] = 0
        await asyncio.gather(*(one(time.monotonic(), sizes.pick(5, 5, 0.5), sizes.pick(60, 60, 15)) for _n in range(count)))
        for writer in kept:
            writer.transport.abort()

    with readers.at_work():
        thread = threading.Thread(target=lambda: asyncio.run(all_of_them()), daemon=True)
        thread.start()
        thread.join(240)
    found.equal("failed requests of the API", sum(readers.bad.values()), 0)
    if sizes.control:
        return found
    found.equal("sockets back", len(returned), count)
    found.at_most("the last of them after", max(returned, default=999.0), 60)
    found.at_most("API meanwhile, p95", p95(readers.times), 2)
    half = statistics.median(returned or [0])
    found.remark(f"{refused[0]:,} were sent away for a moment; half were back after {half:.1f} s; the clients used the same cores")
    return found


@drill("FD-43", "Backlog of 100,000 low jobs", without=("own-queues",), fails_at="an import sent meanwhile is done after")
def backlog(stand: Stand, sizes: Sizes) -> Outcome:
    """Fill the lowest queue, and ask for work on the others."""
    found = Outcome()
    stand.wait_for_workers()
    count = sizes.pick(100_000, 100_000, 30_000)
    stand.sql(
        "INSERT INTO jobs_job (id, kind, queue, label, params, state, attempts, max_attempts, leased_by, progress_done, progress_total,"
        " progress_message, error, trace, change_set, due_at)"
        " SELECT gen_random_uuid(), 'drill.low', 'low', 'backlog', '{\"seconds\": 0.3}', 'queued', 0, 3, '', 0, 0, '', '', '', gen_random_uuid(),"
        " now() - interval '90 seconds' FROM generate_series(1, %s)", count)
    stand.wake("low", 8)
    time.sleep(5)
    try:
        path = customers_csv(stand.home.path, 20, uuid.uuid4().hex[:8])
        began = time.monotonic()
        job = job_of(import_file(stand, path))
        done = wait_for(partial(finished, job.pk), 30)
        found.at_most("an import sent meanwhile is done after", None if done is None else time.monotonic() - began, 30)
        if sizes.control:
            return found
        for kind in ("drill.work", "drill.mail", "drill.export"):
            asked = stand.job(kind)
            found.at_most(f"a job on the queue {asked.queue} is done after", wait_for(partial(finished, asked.pk), 30), 10)
        health = httpx.get(f"{stand.url}/health/ready", timeout=10).json()
        found.at_least("/health/ready: age of the oldest low job", health.get("oldest_job_seconds", {}).get("low", 0), 60, "s")
        found.true("low jobs get on, too", Job.objects.filter(label="backlog", state="succeeded").exists())
        with stand.pages() as client:
            began = time.monotonic()
            found.equal("the page of jobs answers", client.get("/jobs").status_code, 200)
            found.at_most("after", time.monotonic() - began, 3)
    finally:
        stand.sql("DELETE FROM jobs_checkpoint WHERE job_id IN (SELECT id FROM jobs_job WHERE label = 'backlog')")
        stand.sql("DELETE FROM jobs_job WHERE label = 'backlog'")
    return found
