"""Those who use the product while it is hurt: writers that repeat with the same key, readers that keep their time."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 75.0


@dataclass
class Writers:
    """So many clients that make companies, each under a key of its own, and ask again until they know."""

    client: Callable[[], httpx.Client]
    count: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The key of each write that was answered with 2xx, and the id that it was told."""
    keys: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    deadly: dict[str, str] = field(default_factory=dict)
    """Keys whose first request carries a failpoint."""
    stop: threading.Event = field(default_factory=threading.Event)
    pause: float = 0.05

    def run(self, number: int) -> None:
        """Write until told to stop."""
        client = self.client()
        with client:
            while not self.stop.is_set():
                key = uuid.uuid4().hex
                self.keys.add(key)
                self.write(client, key)
                self.stop.wait(self.pause)

    def write(self, client: httpx.Client, key: str, point: str = "") -> bool:
        """Make one company; repeat with the same key until the outcome is known."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            headers = {"Idempotency-Key": key} | ({"X-Drill": point} if point else {})
            point = ""
            try:
                answer = client.post("/companies", json={"name": f"drill {key}"}, headers=headers)
            except httpx.TransportError:
                self.answers["no answer"] += 1
                time.sleep(0.3)
                continue
            self.answers[str(answer.status_code)] += 1
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["data"]["id"]
                return True
            if answer.status_code not in (503, 502, 409, 429):
                break
            time.sleep(0.5)
        self.unknown.add(key)
        return False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let all of them write while the block runs."""
        threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(self.count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(PATIENCE + 40)

    def failures(self) -> int:
        """Return how many answers were neither a success nor an honest “later”."""
        return sum(n for code, n in self.answers.items() if code not in ("201", "200", "503", "502", "no answer"))


@dataclass
class Readers:
    """Some people who open pages, and how long each took."""

    client: Callable[[], httpx.Client]
    paths: tuple[str, ...]
    count: int = 3
    times: list[float] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)
    pause: float = 0.1
    fresh: bool = False
    """Whether each request opens a connection of its own."""

    def run(self) -> None:
        """Read until told to stop."""
        client = self.client()
        number = 0
        while not self.stop.is_set():
            began = time.monotonic()
            path = self.paths[number % len(self.paths)]
            number += 1
            try:
                answer = client.get(path)
                if answer.status_code >= 400:
                    self.bad[f"{answer.status_code} {path}"] += 1
            except httpx.TransportError as error:
                self.bad[f"{type(error).__name__} {path}"] += 1
            self.times.append(time.monotonic() - began)
            if self.fresh:
                client.close()
                client = self.client()
            self.stop.wait(self.pause)
        client.close()

    @contextmanager
    def at_work(self) -> Iterator["Readers"]:
        """Let them read while the block runs."""
        threads = [threading.Thread(target=self.run, daemon=True) for _n in range(self.count)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run all acts at the same moment, each in a thread; return what each gave or raised."""
    start = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(n: int) -> None:
        try:
            start.wait(30)
            found[n] = acts[n]()
        except Exception as error:
            found[n] = error

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return found
