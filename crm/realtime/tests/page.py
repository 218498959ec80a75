"""A page's end of the socket, for tests (the one of Channels needs another web server installed)."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator


class Page(ApplicationCommunicator):
    """Opens the socket, says and hears."""

    def __init__(self, application: Any, headers: list[tuple[bytes, bytes]]) -> None:
        scope = {"type": "websocket", "path": "/ws/", "query_string": b"", "headers": headers, "subprotocols": []}
        super().__init__(application, scope)

    async def connect(self) -> bool:
        """Open it, and tell whether it was accepted."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(5)
        return bool(answer["type"] == "websocket.accept")

    async def say(self, message: Any) -> None:
        """Send a message; a text as it is."""
        text = message if isinstance(message, str) else json.dumps(message)
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> Any:
        """Wait for the next message."""
        answer = await self.receive_output(5)
        assert answer["type"] == "websocket.send", answer
        return json.loads(answer["text"])

    async def closed(self) -> int:
        """Wait until it is closed, and return the code."""
        answer = await self.receive_output(5)
        assert answer["type"] == "websocket.close", answer
        return int(answer["code"])

    async def leave(self) -> None:
        """Close it from the page."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(5)
