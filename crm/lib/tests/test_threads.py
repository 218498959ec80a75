"""Pages in threads, behind an asynchronous server."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import pytest

from crm.lib import threads
from crm.lib.threads import Threaded

Start = Callable[..., None]
left_behind: ContextVar[str] = ContextVar("left_behind", default="")


class Answer:
    """What Django answers with, in short."""

    def __init__(self, *pieces: bytes, streaming: bool = False) -> None:
        self.pieces, self.streaming, self.closed = pieces, streaming, 0

    def __iter__(self) -> Any:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed += 1


async def ask(app: Threaded, *, body: bytes = b"", headers: Iterable[tuple[bytes, bytes]] = (), method: str = "GET") -> list[Any]:
    """Send one request, and return the messages of the answer."""
    scope = {
        "type": "http", "method": method, "path": "/é", "query_string": b"a=1", "http_version": "1.1",
        "headers": list(headers), "client": ("10.0.0.9", 1), "server": ("localhost", 80), "scheme": "http",
    }
    sent: list[Any] = []
    pieces = [body[:3], body[3:]]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_eight_slow_requests_take_as_long_as_one() -> None:
    def slow(environ: dict[str, Any], start: Start) -> Answer:
        time.sleep(0.2)
        start("200 OK", [])
        return Answer(b"done")

    app = Threaded(slow, threads=8, max_body=100)
    started = time.monotonic()
    answers = await asyncio.gather(*(ask(app) for _ in range(8)))
    assert time.monotonic() - started < 0.8
    assert all(a[-1]["body"] == b"done" for a in answers)


async def test_the_request_arrives_whole() -> None:
    seen: dict[str, Any] = {}

    def look(environ: dict[str, Any], start: Start) -> Answer:
        seen.update(environ, read=environ["wsgi.input"].read(), thread=threading.current_thread().name)
        start("201 Created", [("X-A", "1")])
        return Answer(b"x")

    headers = [
        (b"content-type", b"text/plain"), (b"content-length", b"999"), (b"cookie", b"a=1"), (b"cookie", b"b=2"),
        (b"x_forwarded_for", b"6.6.6.6"), (b"x-b", b"1"), (b"x-b", b"2"),
    ]
    sent = await ask(Threaded(look, threads=1, max_body=100), body=b"hello", headers=headers, method="POST")
    assert seen["read"] == b"hello"
    assert seen["CONTENT_LENGTH"] == "5"
    assert seen["CONTENT_TYPE"] == "text/plain"
    assert seen["HTTP_COOKIE"] == "a=1; b=2"
    assert seen["HTTP_X_B"] == "1,2"
    assert "HTTP_X_FORWARDED_FOR" not in seen
    assert seen["PATH_INFO"] == "/é".encode().decode("latin-1")
    assert seen["REMOTE_ADDR"] == "10.0.0.9"
    assert seen["thread"].startswith("request")
    assert sent[0] == {"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"1")]}


async def test_answers_are_closed_once_before_they_are_sent() -> None:
    answer = Answer(b"a", b"b")

    def app(environ: dict[str, Any], start: Start) -> Answer:
        start("200 OK", [])
        return answer

    sent = await ask(Threaded(app, threads=1, max_body=100))
    assert answer.closed == 1
    assert sent[1] == {"type": "http.response.body", "body": b"ab"}


async def test_streams_go_out_piece_by_piece_in_one_thread() -> None:
    answer = Answer(b"a", b"", b"b", streaming=True)

    def app(environ: dict[str, Any], start: Start) -> Answer:
        start("200 OK", [])
        return answer

    sent = await ask(Threaded(app, threads=1, max_body=100))
    assert [m.get("body") for m in sent[1:]] == [b"a", b"b", b""]
    assert answer.closed == 1


async def test_a_body_over_the_limit_is_marked_and_not_kept() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start: Start) -> Answer:
        seen.update(environ)
        start("413 Too large", [])
        return Answer()

    await ask(Threaded(app, threads=1, max_body=4), body=b"too much", method="POST")
    assert seen["rapport.too_large"] is True


async def test_nothing_of_one_request_reaches_the_next() -> None:
    found = []

    def app(environ: dict[str, Any], start: Start) -> Answer:
        found.append(left_behind.get())
        left_behind.set("secret")
        start("200 OK", [])
        return Answer()

    threaded = Threaded(app, threads=1, max_body=100)
    await ask(threaded)
    await ask(threaded)
    assert found == ["", ""]


def test_who_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "SLOW_SENDER", 0.05)
    sent: list[Any] = []

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    app = Threaded(lambda environ, start: pytest.fail("Nothing came."), threads=1, max_body=10)
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "http_version": "1.1", "headers": []}
    asyncio.run(app(scope, never, send))
    assert sent[0]["status"] == 408
