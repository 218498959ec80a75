"""The clock: one request at a time for the quantiles, eight clients at once for the rate."""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True)
class Case:
    """One thing to time: a name, a request, and what it may cost (p50 and p95 in milliseconds, requests a second)."""

    name: str
    send: Callable[[httpx.Client, int], httpx.Response]
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

    @property
    def holds(self) -> bool:
        """Tell whether every budget is kept."""
        rate = self.case.rate is None or self.rate is None or self.rate >= self.case.rate
        return self.p50 <= self.case.p50 and self.p95 <= self.case.p95 and rate


def one_at_a_time(case: Case, client: httpx.Client, *, count: int, warm_up: int = 5) -> Result:
    """Send ``count`` requests after a warm-up, one after the other."""
    result = Result(case)
    for number in range(-warm_up, count):
        began = time.perf_counter()
        response = case.send(client, number)
        spent = (time.perf_counter() - began) * 1000
        if response.status_code >= 400:
            raise RuntimeError(f"{case.name}: {response.status_code} {response.text[:300]}")
        if number >= 0:
            result.times.append(spent)
            result.size = len(response.content)
    return result


def at_once(case: Case, make_client: Callable[[], httpx.Client], *, clients: int = 8, seconds: float = 5) -> float:
    """Return how many requests a second ``clients`` get answered together."""
    done = [0] * clients
    failed: list[str] = []
    ends = time.monotonic() + seconds

    def run(index: int) -> None:
        with make_client() as client:
            while time.monotonic() < ends and not failed:
                response = case.send(client, index * 100_000 + done[index])
                if response.status_code >= 400:
                    failed.append(f"{case.name}: {response.status_code} {response.text[:300]}")
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
