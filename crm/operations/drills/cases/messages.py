"""Valkey goes away, or comes back empty (FD-07, FD-08)."""

import time
import uuid

import httpx

from crm.accounts.models import LoginFailure
from crm.jobs.models import Job
from crm.operations.drills.cases.killed import compare, import_file, job_of
from crm.operations.drills.clients import Readers, Writers
from crm.operations.drills.files import customers_csv
from crm.operations.drills.outcome import Outcome, p95, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.sockets import Socket
from crm.operations.drills.stand import PASSWORD, SIGN_IN, Stand, post_form

PAGES = ("/", "/customers", "/deals", "/tasks", "/jobs")


def sign_in(stand: Stand, email: str, password: str) -> tuple[int, bool]:
    """Sign in by the form; return the status, and whether it led inside."""
    with httpx.Client(base_url=stand.url, timeout=30, headers={"Referer": stand.url}) as client:
        client.get(SIGN_IN)
        answer = post_form(client, SIGN_IN, {"login": email, "password": password})
        return answer.status_code, answer.status_code == 302


@drill("FD-07", "Valkey down for a minute", without=("resilient-cache",), fails_at="answers with 5xx")
def valkey_down(stand: Stand, sizes: Sizes) -> Outcome:
    """Stop Valkey and use the product: pages, saves, sign-in, guessing; then start it again."""
    found = Outcome()
    LoginFailure.objects.all().delete()
    stand.wait_for_workers() if not sizes.control else None
    token = stand.api()
    writers = Writers(lambda: httpx.Client(base_url=token.base_url, headers=token.headers, timeout=35), 3, pause=0.5)
    cookies = stand.cookies()
    readers = Readers(lambda: httpx.Client(base_url=stand.url, cookies=cookies, timeout=35), PAGES, count=2, pause=0.3)
    heard = None if sizes.control else Socket(stand, "rep")
    stand.kill_valkey()
    began = time.monotonic()
    with writers.at_work(), readers.at_work():
        time.sleep(2)
        inside = sign_in(stand, "rep@drill.example", PASSWORD)
        wrong = [] if sizes.control else [sign_in(stand, "rep2@drill.example", "wrong-password-1")[0] for _n in range(11)]
        locked = (0, False) if sizes.control else sign_in(stand, "rep2@drill.example", PASSWORD)
        asked = time.monotonic()
        queued = job_of(import_file(stand, customers_csv(stand.home.path, 20, uuid.uuid4().hex[:8])))
        queueing = time.monotonic() - asked
        time.sleep(max(0, sizes.pick(60, 25, 6) - (time.monotonic() - began)))
    worst = [c for c in [*wrong, inside[0], locked[0]] if c >= 500]
    found.equal("answers with 5xx", sum(readers.bad.values()) + len(worst) + sum(n for c, n in writers.answers.items() if c.startswith("5")), 0)
    found.true("sign-in works", inside[1], str(inside[0]))
    if sizes.control:
        stand.start_valkey()
        LoginFailure.objects.all().delete()
        return found
    found.at_most("page, p95", p95(readers.times), 3)
    found.at_most("answer to a request that queues a job", queueing, 3)
    found.true("after eleven wrong passwords the right one is refused", not locked[1])
    stand.start_valkey()
    found.at_most("what was queued meanwhile is done", wait_for(lambda: Job.objects.filter(pk=queued.pk, state="succeeded").exists(), 60), 60)
    assert heard is not None
    began = time.monotonic()
    with Socket(stand, "rep") as socket:
        socket.listen("list:company")
        with stand.api("rep") as client:
            told = False
            while not told and time.monotonic() - began < 60:
                client.post("/companies", json={"name": f"heard {uuid.uuid4().hex}"})
                told = socket.hears(2)
    heard.close()
    found.at_most("live pages hear of changes again", time.monotonic() - began if told else None, 60)
    compare(stand, writers, found)
    LoginFailure.objects.all().delete()
    return found


@drill("FD-08", "Valkey killed and empty", without=("sweeper",), fails_at="queued jobs done")
def valkey_empty(stand: Stand, sizes: Sizes) -> Outcome:
    """Kill Valkey, queue jobs while nobody can be told, start it empty."""
    found = Outcome()
    stand.wait_for_workers()
    count = sizes.pick(30, 30, 10)
    cookies = stand.cookies()
    stand.kill_valkey()
    jobs = [stand.job("drill.export") for _n in range(count)]
    time.sleep(2)
    stand.start_valkey()
    ids = [job.pk for job in jobs]
    spent = wait_for(lambda: not Job.objects.filter(pk__in=ids).exclude(state="succeeded").exists(), sizes.pick(60, 60, 30))
    found.equal("queued jobs done", Job.objects.filter(pk__in=ids, state="succeeded").count(), count)
    found.at_most("all of them after", spent, 60)
    with httpx.Client(base_url=stand.url, cookies=cookies, timeout=30) as client:
        found.equal("the session from before still opens pages", client.get("/customers").status_code, 200)
    Job.objects.filter(pk__in=ids).exclude(state="succeeded").update(state="cancelled")
    return found
