"""How long a moved card takes to the other browsers: sockets that listen to one board, and one person who moves deals."""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 10.0


@dataclass
class Reached:
    """The milliseconds from sending each move to each socket's hearing of it, and to having the card as it now stands."""

    heard: list[float] = field(default_factory=list)
    stands: list[float] = field(default_factory=list)
    missed: int = 0

    def quantiles(self) -> dict[str, tuple[float, float]]:
        """Return p50 and p95 of both."""
        return {name: (statistics.median(times), statistics.quantiles(times, n=20)[-1])
                for name, times in (("heard", self.heard), ("stands", self.stands)) if len(times) > 1}


def moved_cards(
    base: str, cookies: Sequence[dict[str, str]], board: str, deals: Sequence[Any], stages: Sequence[Any], *,
    sockets: int = 50, moves: int = 40, pause: float = 0.5,
) -> Reached:
    """Open ``sockets`` on one board with the sessions of ``cookies`` in turn, move ``deals`` between ``stages``, and time it.

    The first session moves; the last socket fetches the card as a page does when it has it nowhere on the board.
    """
    return asyncio.run(_run(base, cookies, board, deals, stages, sockets, moves, pause))


async def _run(
    base: str, cookies: Sequence[dict[str, str]], board: str, deals: Sequence[Any], stages: Sequence[Any], sockets: int,
    moves: int, pause: float,
) -> Reached:
    found = Reached()
    async with httpx.AsyncClient(base_url=base, cookies=cookies[0], headers={"Referer": base}) as mover, \
            httpx.AsyncClient(base_url=base, cookies=cookies[-1]) as watcher:
        token = mover.cookies.get("csrftoken") or ""
        listening = [await _listen(base, cookies[n % len(cookies)], board) for n in range(sockets)]
        await asyncio.sleep(1)
        try:
            for deal in deals:  # from here on every move goes somewhere else
                await _move(mover, deal, stages[-1], token)
            await asyncio.sleep(1)
            for number in range(moves):
                deal, stage = deals[number % len(deals)], stages[number // len(deals) % len(stages)]
                began = time.perf_counter()
                hearing = [asyncio.create_task(_hear(socket, str(deal), str(stage))) for socket in listening]
                await _move(mover, deal, stage, token)
                for at in await asyncio.gather(*hearing):
                    if at is None:
                        found.missed += 1
                    else:
                        found.heard.append((at - began) * 1000)
                if not found.heard:
                    continue
                asked = time.perf_counter()
                (await watcher.get(f"/deals/{deal}/card")).raise_for_status()
                found.stands.append(found.heard[-1] + (time.perf_counter() - asked) * 1000)
                await asyncio.sleep(pause)
        finally:
            for socket in listening:
                await socket.close()
    return found


async def _move(mover: httpx.AsyncClient, deal: Any, stage: Any, token: str) -> None:
    answer = await mover.post(f"/deals/{deal}/move", data={"stage": str(stage)}, headers={"X-CSRFToken": token})
    answer.raise_for_status()


async def _listen(base: str, cookies: dict[str, str], board: str) -> ClientConnection:
    socket = await connect(
        f"ws://{urlsplit(base).netloc}/ws/", origin=base,  # type: ignore[arg-type]
        additional_headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())},
    )
    await socket.send(json.dumps({"do": "listen", "topics": [board]}))
    return socket


async def _hear(socket: ClientConnection, deal: str, stage: str) -> float | None:
    """Wait until the socket hears that the deal stands in the stage; return when."""
    end = time.perf_counter() + PATIENCE
    while (left := end - time.perf_counter()) > 0:
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), left))
        except TimeoutError:
            break
        if message["event"] == "deal.moved" and message["data"].get("id") == deal and message["data"].get("stage") == stage:
            return time.perf_counter()
    return None
