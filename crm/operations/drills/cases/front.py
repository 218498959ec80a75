"""The front door: slow clients, deploys under load, an installation without workers (FD-30, FD-32, FD-47)."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import httpx
import psutil
from django.conf import settings

from crm.embedded.processes import end_group, spawn
from crm.jobs.models import Job, Pulse
from crm.operations.drills.clients import Readers, Writers
from crm.operations.drills.outcome import Outcome, p95, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.stand import SIGN_IN, Stand
from crm.operations.leaving import note_of


@drill("FD-30", "Slow senders and slow readers", without=("bodies-first",), fails_at="everybody else, p95")
def slow_clients(stand: Stand, sizes: Sizes) -> Outcome:
    """Keep hundreds of requests half sent, and hundreds of answers half read."""
    found = Outcome()
    caddy = None if sizes.control else os.environ.get("CADDY") or shutil.which("caddy")
    with proxied(stand, caddy, found) as url:
        if not caddy and not sizes.control:
            found.remark("There is no Caddy here (name it by CADDY=…): drilled at the web server behind it, without its time limits")
        cookies = stand.cookies()
        readers = Readers(lambda: httpx.Client(base_url=url, cookies=cookies, timeout=30), ("/customers", "/health/live"), count=3, pause=0.2, fresh=True)
        count, seconds = sizes.pick((500, 30), (500, 15), (60, 8))
        opened: list[int] = []
        with readers.at_work():
            time.sleep(5)
        found.remark(f"before: {p95(readers.times):.2f} s")
        readers.times.clear()
        readers.stop.clear()
        stop = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(_besiege(url, count, stop, opened)), daemon=True)
        thread.start()
        wait_for(lambda: len(opened) >= 2 * count, 30)
        with readers.at_work():
            time.sleep(seconds)
        stop.set()
        thread.join(30)
    found.at_most("everybody else, p95", p95(readers.times), 1)
    found.equal("failed requests of others", sum(readers.bad.values()), 0)
    found.at_least("half-open and half-read requests held", len(opened), 2 * count)
    return found


@contextmanager
def proxied(stand: Stand, caddy: str | None, found: Outcome) -> Iterator[str]:
    """Put the shipped proxy in front, where there is one; give the address of the front."""
    if not caddy:
        yield stand.url
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = (settings.BASE_DIR / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    text = text.replace("{$SITE_ADDRESS:localhost}", f"http://127.0.0.1:{port}").replace("web:8000", urlsplit(stand.url).netloc)
    text = text.replace("{\n\tservers", "{\n\tadmin off\n\tservers", 1)
    file = stand.home.run / "Caddyfile"
    file.write_text(text, encoding="utf-8")
    command = [caddy, "run", "--adapter", "caddyfile", "--config", str(file)]
    if subprocess.run([caddy, "validate", *command[2:]], capture_output=True, check=False).returncode:
        # Before Caddy 2.8 the two buffers were spelled otherwise, and errors were handled whatever their number.
        older = "\t\tbuffer_requests\n\t\tbuffer_responses\n\t\tmax_buffer_size 1MB"
        text = text.replace("\t\trequest_buffers 1MB\n\t\tresponse_buffers 1MB", older).replace("handle_errors 502 503 504", "handle_errors")
        file.write_text(text, encoding="utf-8")
        found.remark("an older Caddy: its spelling of the buffers")
    version = subprocess.run([caddy, "version"], capture_output=True, text=True, check=False).stdout.split()
    found.remark(f"drilled at the shipped Caddyfile, Caddy {version[0] if version else ''}")
    with (stand.home.logs / "caddy.log").open("ab") as log:
        process = spawn(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(stand.home.run)})
    try:
        url = f"http://127.0.0.1:{port}"
        if wait_for(lambda: _answers(url), 20) is None:
            raise RuntimeError("Caddy did not start; see caddy.log.")
        yield url
    finally:
        end_group(process.pid)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


async def _besiege(url: str, count: int, stop: threading.Event, opened: list[int]) -> None:
    """Hold requests half sent and answers half read, a byte a second, until told to stop."""
    parts = urlsplit(url)
    large = re.findall(r'"(/static/[^"]+\.js)"', httpx.get(url + SIGN_IN, timeout=30).text)[-1]

    async def sender() -> None:
        _reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"POST /api/v1/companies HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{"
        writer.write(head.encode())
        opened.append(1)
        while not stop.is_set():
            await asyncio.sleep(1)
            writer.write(b" ")
            await writer.drain()
        writer.transport.abort()

    async def reader() -> None:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (parts.hostname, parts.port))
        received, writer = await asyncio.open_connection(sock=made, limit=1024)
        # A large file, not a page: five hundred pages at once are work, whoever reads them.
        writer.write(f"GET {large} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        opened.append(1)
        while not stop.is_set():
            await asyncio.sleep(1)
            if not await received.read(1):
                break
        writer.transport.abort()

    async def patiently(make: object) -> None:
        try:
            await make  # type: ignore[misc]
        except OSError:
            return

    tasks = []
    for number in range(count):
        tasks += [asyncio.create_task(patiently(sender())), asyncio.create_task(patiently(reader()))]
        if number % 20 == 19:
            await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)


def deploys(stand: Stand, sizes: Sizes) -> Outcome:
    """Tell the web and the workers to end, again and again, while people read and write and jobs run."""
    return _deploy(stand, sizes, signal.SIGTERM)


def _is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def crashes(stand: Stand, sizes: Sizes) -> Outcome:
    """The same by SIGKILL."""
    return _deploy(stand, sizes, signal.SIGKILL)


def _deploy(stand: Stand, sizes: Sizes, number: int) -> Outcome:
    found = Outcome()
    stand.wait_for_workers()
    cookies, token = stand.cookies(), stand.api()
    readers = Readers(lambda: httpx.Client(base_url=stand.url, cookies=cookies, timeout=40), ("/customers", "/deals", "/tasks"), count=4, pause=0.05)
    writers = Writers(lambda: httpx.Client(base_url=token.base_url, headers=token.headers, timeout=40), 4, pause=0.1)
    rounds, jobs, noted = sizes.pick(6, 2, 1), [], 0
    with readers.at_work(), writers.at_work():
        time.sleep(2)
        for _round in range(rounds):
            jobs += [stand.job("drill.work", seconds=12, saves=True), stand.job("drill.bulk", seconds=12, saves=True)]
            time.sleep(3)
            old = stand.pid("web") or 0
            for name in ("web", "worker", "worker-bulk"):
                stand.send(name, number, group=number == signal.SIGKILL)
            note = note_of(old, stand.home.path)
            noted += wait_for(note.exists, 5, pause=0.02) is not None
            wait_for(partial(_is_gone, old), 60)
            wait_for(stand.is_well, 60)
            time.sleep(2)
    lost = sum(count for code, count in writers.answers.items() if code != "201")
    found.equal("failed requests", sum(readers.bad.values()) + lost, 0)
    if readers.bad or lost:
        found.remark(f"{dict(readers.bad.most_common(4))} {dict(writers.answers)}")
    found.equal("servers that said “not ready” before their end", noted, rounds)
    if sizes.control:
        Job.objects.filter(pk__in=[j.pk for j in jobs]).update(state="cancelled")
        return found
    ids = [j.pk for j in jobs]
    wait_for(lambda: not Job.objects.filter(pk__in=ids).exclude(state__in=Job.FINISHED).exists(), 90)
    found.equal("jobs that ended well", Job.objects.filter(pk__in=ids, state="succeeded").count(), len(jobs))
    found.remark(f"{rounds} deploys, {len(readers.times):,} pages and {len(writers.acknowledged):,} writes; slowest page {max(readers.times):.1f} s")
    return found


drill("FD-32", "Deploy under load", fails_at="failed requests", control=crashes, fault="SIGKILL instead of SIGTERM")(deploys)


@drill("FD-47", "Started without workers and beat", without=("workers", "eyes"), fails_at="/health/ready names the workers and beat")
def absent(stand: Stand, sizes: Sizes) -> Outcome:
    """Start only the web and the relay, and ask the application what is missing."""
    found = Outcome()
    if not sizes.control:
        stand.change(("workers",))
    # As if they had been silent for a minute.
    Pulse.objects.filter(name__startswith="worker:").delete()
    Pulse.objects.filter(name="beat").delete()
    job = stand.job("drill.work")
    Job.objects.filter(pk=job.pk).update(user=stand.people["admin"])
    time.sleep(3)
    health = httpx.get(f"{stand.url}/health/ready", timeout=10).json()
    found.true("/health/ready names the workers and beat", {"worker:default", "beat"} <= set(health["degraded"]), str(health["degraded"]))
    with stand.pages("admin") as client:
        page = client.get("/settings/deliveries").text
        found.true("a page for administrators names them", "worker:import" in page and "beat" in page)
        found.true("the job’s page says that nobody serves its queue", "no worker serves its queue" in client.get(f"/jobs/{job.pk}").text)
    if sizes.control:
        return found
    found.true("/health/ready shows how long the oldest job waits", health["oldest_job_seconds"]["default"] >= 1)
    stand.change()
    done = wait_for(lambda: Job.objects.filter(pk=job.pk, state="succeeded").exists(), 60)
    found.at_most("with workers the job is done after", done, 60)
    return found
