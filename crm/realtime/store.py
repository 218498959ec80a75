"""What the sockets share through Valkey: the last events of a topic, and who is there.

Nothing here is needed for a write to succeed; when Valkey is away, pages are merely not told.
"""

import asyncio
import json
import logging
import time
import uuid
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from channels.layers import get_channel_layer
from django.conf import settings

log = logging.getLogger(__name__)

KEPT_EVENTS = 200
KEPT_SECONDS = 600
PRESENT_SECONDS = 25
TROUBLE = (redis.RedisError, OSError)


def _events(topic: str) -> str:
    return f"rapport:live:{topic}"


def _people(topic: str) -> str:
    return f"rapport:present:{topic}"


_sync: list[redis.Redis] = []


def _client() -> redis.Redis:
    if not _sync:
        _sync.append(redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1))
    return _sync[0]


def send_to_groups(told: list[tuple[str, dict[str, Any]]]) -> None:
    """Send messages, each to a group of the channel layer, over a connection that stays open.

    Channels does the same by an event loop and a connection of their own for every message, which takes ten times as long.
    """
    layer: Any = get_channel_layer()
    config: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    pipe = _client().pipeline(transaction=False)
    for group, message in told:
        pipe.publish(f"{config['prefix']}__group__{group}", layer.serialize(message))
    pipe.execute()


def keep_events(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Store the events of topics for those who reconnect and return their ids; own ones when Valkey is away."""
    try:
        pipe = _client().pipeline(transaction=False)
        for topic, message in events:
            pipe.xadd(_events(topic), {"m": json.dumps(message)}, maxlen=KEPT_EVENTS, approximate=True)
            pipe.expire(_events(topic), KEPT_SECONDS)
        return [stored.decode() for stored in pipe.execute()[::2]]
    except TROUBLE:
        return [f"{int(time.time() * 1000)}-0"] * len(events)


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, "SocketStore"] = WeakKeyDictionary()


class SocketStore:
    """The asynchronous side: one for all sockets of a process, which take and give it back."""

    @classmethod
    def take(cls) -> "SocketStore":
        """Return the store of the running loop."""
        loop = asyncio.get_running_loop()
        found = _shared.get(loop)
        if found is None:
            found = _shared[loop] = cls()
        found.users += 1
        return found

    def __init__(self) -> None:
        self.users = 0
        self.valkey = redis.asyncio.from_url(
            settings.REDIS_URL, decode_responses=True, socket_timeout=2, socket_connect_timeout=1
        )

    async def since(self, topic: str, last: str) -> list[tuple[str, dict[str, Any]]] | None:
        """Return the events after ``last``; None when they are no longer all there."""
        try:
            oldest = await self.valkey.xrange(_events(topic), count=1)
            rows = await self.valkey.xrange(_events(topic), min=f"({last}")
        except TROUBLE:
            return None
        if not oldest:
            return [] if time.time() * 1000 - _moment(last) < KEPT_SECONDS * 500 else None
        if len(rows) >= KEPT_EVENTS and _moment(oldest[0][0]) > _moment(last):
            return None
        return [(row_id, json.loads((fields or {})["m"])) for row_id, fields in rows]

    async def here(self, topic: str, socket: str, person: dict[str, Any]) -> bool:
        """Say that someone is looking at a topic, which holds for 25 seconds; tell whether he was not there before."""
        try:
            pipe = self.valkey.pipeline(transaction=False)
            pipe.hset(_people(topic), socket, json.dumps({**person, "until": time.time() + PRESENT_SECONDS}))
            pipe.expire(_people(topic), PRESENT_SECONDS * 2)
            return bool((await pipe.execute())[0])
        except TROUBLE:
            log.debug("Presence was not stored.")
            return False

    async def gone(self, topic: str, socket: str) -> None:
        """Say that a socket looks at a topic no longer."""
        try:
            await self.valkey.hdel(_people(topic), socket)
        except TROUBLE:
            log.debug("Presence was not removed.")

    async def people(self, topic: str) -> tuple[list[dict[str, Any]], float]:
        """Return who is looking at a topic now, one entry a person, and in how many seconds the first of them is silent for too long."""
        try:
            rows = await self.valkey.hgetall(_people(topic))
        except TROUBLE:
            return [], PRESENT_SECONDS
        now = time.time()
        found: dict[str, dict[str, Any]] = {}
        left = float(PRESENT_SECONDS)
        for socket, text in rows.items():
            person = json.loads(text)
            until = person.pop("until")
            if until < now:
                await self.gone(topic, socket)
                continue
            left = min(left, until - now)
            known = found.get(person["id"])
            if known is None or person.get("editing"):
                found[person["id"]] = person
            if known is not None:
                # Who looks on in one page and edits in another is here all the same.
                found[person["id"]]["away"] = bool(known.get("away") and person.get("away"))
        return sorted(found.values(), key=lambda p: (p["name"].casefold(), p["id"])), left

    async def close(self) -> None:
        """Give it back; the last one closes the connections."""
        self.users -= 1
        if self.users:
            return
        _shared.pop(asyncio.get_running_loop(), None)
        try:
            await self.valkey.aclose()
        except TROUBLE:
            log.debug("The connection to Valkey was gone already.")


def _moment(event_id: str) -> int:
    return int(event_id.partition("-")[0])


def new_socket_id() -> str:
    """Return an id for one open page."""
    return uuid.uuid4().hex
