"""A synchronous (WSGI) application behind an asynchronous (ASGI) server.

Views and middleware are synchronous. A request is handed to one thread once, from its first middleware to its
last byte, which costs a fraction of Django's asynchronous handler (that changes threads at every second
middleware), and gives at most as many requests at a time as there are database connections.
"""

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any

Send = Callable[[dict[str, Any]], Awaitable[None]]

IN_MEMORY = 262_144
SLOW_READER = 60.0
"""Seconds after which a client that does not take the next piece of a stream is given up."""


SLOW_SENDER = 30.0
"""Seconds after which a client that does not send the next piece of its request is given up."""


class TooLarge(Exception):
    """The body is longer than this installation accepts."""


class Gone(Exception):
    """The client hung up, or fell silent, before its request was complete."""


class Threaded:
    """Runs a WSGI application in ``threads`` threads; bodies over ``max_body`` bytes are refused with 413."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, threads: int, max_body: int) -> None:
        self.application = application
        self.max_body = max_body
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """Answer one request: its body is read first, so that slow senders hold no thread."""
        with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            try:
                length = await self._read(receive, send, body)
            except Gone:
                return
            except TooLarge:
                length = -1
            environ = self._environ(scope, body, length)
            loop = asyncio.get_running_loop()
            # An empty context: nothing that one request left in its thread reaches the next.
            context = contextvars.Context()
            await loop.run_in_executor(self.pool, context.run, _answer, self.application, environ, send, loop)

    async def _read(self, receive: Callable[[], Awaitable[Any]], send: Send, body: IO[bytes]) -> int:
        length = 0
        while True:
            try:
                async with asyncio.timeout(SLOW_SENDER):
                    message = await receive()
            except TimeoutError:
                await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
                await send({"type": "http.response.body", "body": b""})
                raise Gone from None
            if message["type"] == "http.disconnect":
                raise Gone
            piece = message.get("body", b"")
            length += len(piece)
            if length > self.max_body:
                raise TooLarge
            body.write(piece)
            if not message.get("more_body"):
                body.seek(0)
                return length

    def _environ(self, scope: dict[str, Any], body: IO[bytes], length: int) -> dict[str, Any]:
        """Return the request as WSGI names it."""
        server = scope.get("server") or ("localhost", 80)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": scope["method"],
            "SCRIPT_NAME": "",
            "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1] or 0),
            "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope.get("scheme", "http"),
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        for raw_name, raw_value in scope["headers"]:
            # A name with an underscore could pose as another one: X_Forwarded_For as X-Forwarded-For.
            if b"_" in raw_name:
                continue
            name = raw_name.decode("latin-1").upper().replace("-", "_")
            value = raw_value.decode("latin-1")
            if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                name = f"HTTP_{name}"
            if name in environ:
                value = f"{environ[name]}{'; ' if name == 'HTTP_COOKIE' else ','}{value}"
            environ[name] = value
        if length < 0:
            environ["CONTENT_LENGTH"] = str(self.max_body + 1)
            environ["rapport.too_large"] = True
        else:
            # What was counted, whatever the client claimed.
            environ["CONTENT_LENGTH"] = str(length)
        return environ


def _answer(
    application: Callable[..., Iterable[bytes]],
    environ: dict[str, Any],
    send: Send,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Run the application in this thread, and send what it says piece by piece."""
    start: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        start.update(
            type="http.response.start",
            status=int(status.split(" ", 1)[0]),
            headers=[(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        )

    def tell(*messages: dict[str, Any]) -> None:
        async def all_of_them() -> None:
            for message in messages:
                await send(message)

        asyncio.run_coroutine_threadsafe(all_of_them(), loop).result(SLOW_READER)

    result: Any = application(environ, start_response)
    try:
        if getattr(result, "streaming", True):
            tell(start)
            for piece in result:
                if piece:
                    tell({"type": "http.response.body", "body": piece, "more_body": True})
            tell({"type": "http.response.body", "body": b""})
        else:
            content = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"".join(result)
            # Ended before it is sent: the connection goes back to the pool while a slow client still reads.
            result.close()
            result = None
            tell(start, {"type": "http.response.body", "body": content})
    finally:
        if hasattr(result, "close"):
            result.close()
