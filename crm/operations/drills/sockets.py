"""A browser's live socket, as small as it can be: one for a test of hearing, thousands for a storm."""

import asyncio
import base64
import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from crm.operations.drills.stand import Stand


class Socket:
    """One live socket of a signed-in person."""

    def __init__(self, stand: Stand, name: str) -> None:
        cookie = "; ".join(f"{k}={v}" for k, v in stand.cookies(name).items())
        address = stand.url.replace("http", "ws") + "/ws/"
        for _try in range(20):
            try:
                self.connection = connect(address, origin=Origin(stand.url), additional_headers={"Cookie": cookie}, open_timeout=30)
                return
            except (InvalidStatus, OSError):
                time.sleep(1)  # sent away for a moment: it comes back, as a page does
        raise RuntimeError("No live socket was let in.")

    def __enter__(self) -> "Socket":
        return self

    def __exit__(self, *args: Any) -> None:
        self.close()

    def listen(self, *topics: str) -> None:
        """Ask for topics."""
        self.connection.send(json.dumps({"do": "listen", "topics": topics}))

    def hears(self, seconds: float) -> bool:
        """Tell whether anything is said within so many seconds."""
        try:
            self.connection.recv(timeout=seconds)
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


async def opened(url: str, cookies: dict[str, str], patience: float) -> tuple[int, asyncio.StreamWriter | None]:
    """Open one socket by hand; return the status of the handshake (0 for none), and what keeps it open."""
    parts = urlsplit(url)
    writer = None
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            cookie = "; ".join(f"{k}={v}" for k, v in cookies.items())
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write((
                f"GET /ws/ HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                f"Sec-WebSocket-Version: 13\r\nOrigin: {url}\r\nCookie: {cookie}\r\n\r\n"
            ).encode())
            await writer.drain()
            status = int((await reader.readline()).split()[1])
            while (await reader.readline()).strip():
                pass
            return status, writer
    except (OSError, TimeoutError, ValueError, IndexError, asyncio.IncompleteReadError):
        if writer is not None:
            writer.transport.abort()
        return 0, None

