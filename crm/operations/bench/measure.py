"""The clock: one request at a time for the quantiles, eight clients at once for the rate.

The load comes from the same machine, so that its sender must be light: plain sockets, no session, no cookie jar.
"""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


class Client:
    """One connection that is kept open, with the headers that sign it in."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self.headers = headers
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)

    def __enter__(self) -> "Client":
        self.connection.connect()
        return self

    def __exit__(self, *args: Any) -> None:
        self.connection.close()

    def send(self, method: str, path: str, body: Any = None) -> bytes:
        """Send a request and return the body of its answer; a refusal is an error."""
        headers = self.headers if body is None else {**self.headers, "Content-Type": "application/json"}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300]!r}")
        return content

    def get(self, path: str) -> bytes:
        """Send a GET."""
        return self.send("GET", path)


@dataclass(frozen=True)
class Case:
    """One thing to time: a name, a request, and what it may cost (p50 and p95 in milliseconds, requests a second)."""

    name: str
    send: Callable[[Client, int], bytes]
    p50: float
    p95: float
    rate: float | None = None


@dataclass
class Result:
    """What was measured of a case; ``rate`` is None where only single requests were timed."""

    case: Case
    times: list[float] = field(default_factory=list)
    rate: float | None = None
    size: int = 0

    @property
    def p50(self) -> float:
        """Return the median in milliseconds."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """Return the 95th percentile in milliseconds."""
        return statistics.quantiles(self.times, n=20)[-1] if len(self.times) > 1 else self.times[0]

    def holds(self, factor: float = 1.0) -> bool:
        """Tell whether every budget is kept, ``factor`` times as long allowed."""
        rate = self.case.rate is None or self.rate is None or self.rate >= self.case.rate / factor
        return self.p50 <= self.case.p50 * factor and self.p95 <= self.case.p95 * factor and rate


def one_at_a_time(case: Case, client: Client, *, count: int, warm_up: int = 12) -> Result:
    """Send ``count`` requests after a warm-up (of every web process), one after the other."""
    result = Result(case)
    for number in range(-warm_up, count):
        began = time.perf_counter()
        content = case.send(client, number)
        spent = (time.perf_counter() - began) * 1000
        if number >= 0:
            result.times.append(spent)
            result.size = len(content)
    return result


def at_once(case: Case, make_client: Callable[[], Client], *, clients: int = 8, seconds: float = 5) -> float:
    """Return how many requests a second ``clients`` get answered together."""
    done = [0] * clients
    failed: list[str] = []
    ends = time.monotonic() + seconds

    def run(index: int) -> None:
        with make_client() as client:
            while time.monotonic() < ends and not failed:
                try:
                    case.send(client, index * 100_000 + done[index])
                except (RuntimeError, OSError) as error:
                    failed.append(f"{case.name}: {error}")
                    return
                done[index] += 1

    threads = [threading.Thread(target=run, args=(i,)) for i in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return sum(done) / (time.monotonic() - began)


def pace() -> float:
    """Return how many milliseconds a million turns of an empty loop take: how fast this machine is just now."""
    taken = []
    for _attempt in range(5):
        began = time.perf_counter()
        for _turn in range(1_000_000):
            pass
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
