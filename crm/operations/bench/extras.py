"""What is timed beside single requests: a file in and out, and a move seen by others."""

import asyncio
import csv
import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from crm.accounts.models import User
from crm.activity.intention import Origin, acting_from
from crm.operations.bench.cases import Known
from crm.operations.bench.measure import Client
from crm.transfer.services import carry_out, check, receive, settle, suggest

SOCKETS = 50
MOVES = 40


@dataclass(frozen=True)
class Figure:
    """One measured number, and what it may be."""

    name: str
    value: float
    unit: str
    budget: float

    @property
    def holds(self) -> bool:
        """Tell whether the budget is kept."""
        return self.value <= self.budget


@contextmanager
def clock() -> Iterator[Callable[[], float]]:
    """Give a function that tells the seconds since the beginning."""
    began = time.perf_counter()
    yield lambda: time.perf_counter() - began


# -- files ------------------------------------------------------------------------------------------


def a_file(rows: int) -> bytes:
    """Return a CSV of people as another program writes it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["First name", "Last name", "Email", "Phone", "Company", "Job title", "Status"])
    for i in range(rows):
        writer.writerow([f"Given{i % 977}", f"Family{i}", f"import{i}@import{i % 5000}.example", f"+1555{i % 10_000_000:07}",
                         f"Imported company {i % 5000}", ("Buyer", "Engineer", "CFO")[i % 3], ("LEAD", "CUSTOMER")[i % 2]])
    return text.getvalue().encode()


def import_time(user: User, rows: int) -> float:
    """Return the seconds that an import takes from the file to the last row: read, check, write."""
    content = a_file(rows)
    with acting_from(Origin(user_id=user.pk, source="import")), clock() as passed:
        run = receive(file=io.BytesIO(content), name="bench.csv", of="customer", actor=user, options=None)
        settle(run, suggest(run, user).as_dict(), user)
        check(run, user)
        carry_out(run, user)
        return passed()


def export_time(client: Client, rows: int) -> float:
    """Return the seconds that an export takes until its last byte has arrived."""
    with clock() as passed:
        content = client.get("/api/v1/customers/export?format=csv")
        spent = passed()
    if content.count(b"\n") < rows:
        raise RuntimeError("The export is not complete.")
    return spent


# -- live -------------------------------------------------------------------------------------------


def live_time(url: str, cookies: dict[str, str], token: str, known: Known, pipeline: Any) -> float:
    """Return the 95th percentile, in milliseconds, from a move to its card in another browser."""
    return asyncio.run(_live(url, cookies, token, known, f"board:{pipeline}"))


async def _live(url: str, cookies: dict[str, str], token: str, known: Known, topic: str) -> float:
    address = f"ws{url.removeprefix('http')}/ws/"
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    sockets: list[ClientConnection] = []
    try:
        for _number in range(SOCKETS):
            socket = await connect(address, additional_headers=headers, origin=url)  # type: ignore[arg-type]
            await socket.send(json.dumps({"do": "listen", "topics": [topic]}))
            sockets.append(socket)
        await asyncio.sleep(2)
        others = [asyncio.create_task(_swallow(socket)) for socket in sockets[1:]]
        async with (
            httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as mover,
            httpx.AsyncClient(base_url=url, cookies=cookies, timeout=30) as watcher,
        ):
            times = [await _seen(sockets[0], mover, watcher, known, n) for n in range(-3, MOVES)]
        for task in others:
            task.cancel()
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)
    return statistics.quantiles(times[3:], n=20)[-1]


async def _swallow(socket: ClientConnection) -> None:
    async for _message in socket:
        pass


async def _seen(socket: ClientConnection, mover: httpx.AsyncClient, watcher: httpx.AsyncClient, known: Known, n: int) -> float:
    """Return the milliseconds from sending a move until the watching page has the new card."""
    deal = known.deals[n % len(known.deals)]
    began = time.perf_counter()
    moving = asyncio.create_task(mover.put(f"/api/v1/deals/{deal}/stage", json={"stage": str(known.next_stage(deal))}))
    async with asyncio.timeout(20):
        while True:
            heard = json.loads(await socket.recv())
            if heard.get("event") == "deal.moved" and heard["data"].get("id") == str(deal):
                break
    card = await watcher.get(f"/deals/{deal}/card")
    spent = (time.perf_counter() - began) * 1000
    card.raise_for_status()
    (await moving).raise_for_status()
    await asyncio.sleep(0.1)
    return spent
