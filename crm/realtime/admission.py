"""Letting many sockets in at once: some at a time, the others wait in line, and who is too many comes back later.

After a restart every open page returns within seconds. Each asks the database who it is; this keeps them from
asking all at the same time. The pages wait for a random while before they come back.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from django.conf import settings

AT_ONCE = 16
"""So many sockets of a process are let in at the same time."""
WAITING = 1000
"""So many wait in line."""
PATIENCE = 8.0
"""Seconds after which one that waits is sent away."""


class Full(Exception):
    """There is no room now; the page comes back by itself."""


class Admission:
    """The door of one process."""

    def __init__(self) -> None:
        self.open = 0
        self.waiting = 0
        self._doors = asyncio.Semaphore(AT_ONCE)

    @classmethod
    def here(cls) -> "Admission":
        """Return the door of the running loop."""
        loop = asyncio.get_running_loop()
        found = _doors.get(loop)
        if found is None:
            found = _doors[loop] = cls()
        return found

    @asynccontextmanager
    async def door(self) -> AsyncIterator[None]:
        """Wait for one of the doors; raise ``Full`` where there is no room or it takes too long."""
        if self.open >= settings.MAX_SOCKETS or self.waiting >= WAITING:
            raise Full
        self.waiting += 1
        try:
            await asyncio.wait_for(self._doors.acquire(), PATIENCE)
        except TimeoutError:
            raise Full from None
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._doors.release()


_doors: WeakKeyDictionary[asyncio.AbstractEventLoop, Admission] = WeakKeyDictionary()
