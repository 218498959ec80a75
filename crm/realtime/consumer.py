"""The one socket of an open page: it subscribes, hears events, and says who is there.

From the page: ``{"do": "listen", "topics": […], "last": "<event id>"}`` names all topics shown;
``{"do": "here", "topic": …, "editing": "<what>"}`` is repeated every 15 seconds.
To the page: ``{"id", "topic", "event", "data", "tab"}``.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from crm.access.preview import look_as
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.accounts.sign_in import session_holds
from crm.realtime.admission import Admission, Full
from crm.realtime.store import SocketStore, new_socket_id
from crm.realtime.topics import EVERYBODY, edits_elsewhere, group_of, heard_by

MAX_BYTES = 65_536
MAX_TOPICS = 20
MAX_MESSAGES, IN_SECONDS = 60, 10.0
CHECK_SECONDS = 30.0
BREATH = 0.1
TOPIC = re.compile(r"[a-z][a-z0-9_]{0,40}(:[A-Za-z0-9_-]{1,64}){1,3}")
EVENT_ID = re.compile(r"\d{1,16}-\d{1,9}")

POLICY_VIOLATION, TOO_BIG, AGAIN_LATER, SIGNED_OUT = 1008, 1009, 1013, 4401
ASKING = ThreadPoolExecutor(4, thread_name_prefix="socket")
"""The threads, and so the connections of the database, in which all sockets of a process ask for rights."""


class LiveConsumer(AsyncWebsocketConsumer):
    """One page's socket. Without a sign-in it is refused before it opens."""

    user: User
    store: SocketStore

    async def connect(self) -> None:
        """Open for a signed-in user on a page of ours only."""
        self.topics: set[str] = set()
        self.shown: dict[str, str] = {}
        self.looks: dict[str, asyncio.TimerHandle] = {}
        self.edits: dict[str, str] = {}
        self.elsewhere: dict[str, list[tuple[str, str]]] = {}
        self.told_at: list[float] = []
        self.watch: asyncio.Task[None] | None = None
        self.socket = new_socket_id()
        session = self.scope.get("session")
        self.session_key = getattr(session, "session_key", None)
        self.admission = Admission.here()
        try:
            async with self.admission.door():
                user = await self._signed_in() if same_site(self.scope) else None
        except Full:
            await self.close(AGAIN_LATER)
            return
        if user is None:
            await self.close()
            return
        self.user, self.epoch = user, user.auth_epoch
        self.store = SocketStore.take()
        self.admission.open += 1
        for group in (f"person.{user.pk}", EVERYBODY):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        self.watch = asyncio.create_task(self._keep_checking())

    async def disconnect(self, code: int) -> None:
        """Leave every topic and say so."""
        if self.watch is not None:
            self.watch.cancel()
        if not hasattr(self, "store"):
            return
        self.admission.open -= 1
        with contextlib.suppress(Exception):
            for group in (f"person.{self.user.pk}", EVERYBODY):
                await self.channel_layer.group_discard(group, self.channel_name)
            for name in list(self.topics):
                await self._leave(name)
        await self.store.close()

    # -- from the page ----------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Read one message; what is too big, too often or not understood closes the socket."""
        if text_data is None or len(text_data) > MAX_BYTES or len(text_data.encode()) > MAX_BYTES:
            await self.close(TOO_BIG if text_data or len(bytes_data or b"") > MAX_BYTES else POLICY_VIOLATION)
            return
        now = time.monotonic()
        self.told_at = [t for t in self.told_at if now - t < IN_SECONDS] + [now]
        if len(self.told_at) > MAX_MESSAGES:
            await self.close(POLICY_VIOLATION)
            return
        try:
            message = json.loads(text_data)
            do = {"listen": self._listen, "here": self._here}[message["do"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            await self.close(POLICY_VIOLATION)
            return
        await do(message)

    async def _listen(self, message: dict[str, Any]) -> None:
        """Hear exactly the topics named, as far as the user may; catch up on what was missed."""
        wanted, last = message.get("topics"), message.get("last")
        if not isinstance(wanted, list) or not all(isinstance(t, str) and TOPIC.fullmatch(t) for t in wanted):
            await self.close(POLICY_VIOLATION)
            return
        names = set(wanted[:MAX_TOPICS])
        for name in self.topics - names:
            await self._leave(name)
        for name in sorted(names - self.topics):
            if not await self._may(name):
                continue
            await self.channel_layer.group_add(group_of(name), self.channel_name)
            self.topics.add(name)
            if isinstance(last, str) and EVENT_ID.fullmatch(last):
                await self._catch_up(name, last)
            if name.startswith(("record:", "board:")):
                await self._say_here(name, "")

    async def _catch_up(self, name: str, last: str) -> None:
        missed = await self.store.since(name, last)
        if missed is None:
            await self._send({"id": last, "topic": name, "event": "list.dirty", "data": {}})
            return
        for event_id, message in missed:
            await self._pass_on({"id": event_id, **message})

    async def _here(self, message: dict[str, Any]) -> None:
        """Note that the page is still open, and what is being edited on it."""
        name, editing = message.get("topic"), message.get("editing") or ""
        if name not in self.topics or not isinstance(editing, str):
            return
        await self._say_here(name, editing[:120])

    async def _say_here(self, name: str, editing: str) -> None:
        if getattr(self.user, "previewing", ""):
            return  # who looks as a role is seen by nobody
        came = await self.store.here(name, self.socket, self._as_person(editing))
        # A beat that says nothing new is heard by nobody: the others look when somebody's time is over.
        if came or self.edits.get(name, "") != editing:
            self.edits[name] = editing
            await self._people_changed(name)
        await self._say_elsewhere(name, editing)

    async def _say_elsewhere(self, name: str, editing: str) -> None:
        """Tell other pages that this one edits something they show (a board marks the card), as long as it does."""
        if not editing:
            await self._edits_no_more(name)
            return
        if name not in self.elsewhere:
            self.elsewhere[name] = await _asked(edits_elsewhere, name)
        for other, what in self.elsewhere[name]:
            if await self.store.here(other, f"{self.socket}.{what}", {**self._as_person(what), "away": True}):
                await self._people_changed(other)

    async def _edits_no_more(self, name: str) -> None:
        for other, what in self.elsewhere.pop(name, []):
            await self.store.gone(other, f"{self.socket}.{what}")
            await self._people_changed(other)

    def _as_person(self, editing: str) -> dict[str, Any]:
        return {"id": str(self.user.pk), "name": self.user.name, "editing": editing}

    async def _people_changed(self, name: str) -> None:
        await self.channel_layer.group_send(group_of(name), {"type": "topic.people", "topic": name})

    # -- to the page ------------------------------------------------------------------------------

    async def topic_event(self, event: dict[str, Any]) -> None:
        """Pass an event on, as far as this user may hear it now."""
        if event["message"]["topic"] in self.topics:
            await self._pass_on(event["message"])

    async def _pass_on(self, message: dict[str, Any]) -> None:
        data = await self._heard(message["topic"], message["data"], message["id"])
        if data is not None:
            await self._send({**message, "data": data})

    async def topic_check(self, event: dict[str, Any]) -> None:
        """Something about what the topic shows changed hands: stay only if still allowed."""
        if event["topic"] in self.topics and not await self._may(event["topic"]):
            await self._lose(event["topic"])

    async def topic_people(self, event: dict[str, Any]) -> None:
        """Tell who is there, when that changed and the user may still look."""
        name = event["topic"]
        if name in self.topics:
            # Many who come in one breath are told of once.
            self._look(name, BREATH)

    def _look(self, name: str, seconds: float) -> None:
        if name in self.looks:
            self.looks.pop(name).cancel()
        self.looks[name] = asyncio.get_running_loop().call_later(seconds, partial(self._look_again, name))

    async def _tell_people(self, name: str) -> None:
        everyone, left = await self.store.people(name)
        people = [p for p in everyone if p["id"] != str(self.user.pk)]
        if people and name not in self.looks:
            # Nobody says that he has gone silent: it is looked for when his time is over.
            self._look(name, left + 0.1)
        if self.shown.get(name, "[]") == json.dumps(people) or not await self._may(name):
            return
        self.shown[name] = json.dumps(people)
        for person in people:
            kind, _sep, what = person["editing"].partition(":")
            asked = {"fields": [what]} if kind == "field" else {"id": what} if kind == "deal" else None
            if asked and await self._heard(name, asked) is None:
                person["editing"] = ""
        people = [p for p in people if p["editing"] or not p.get("away")]
        await self._send({"id": "", "topic": name, "event": "presence", "data": {"people": people}})

    def _look_again(self, name: str) -> None:
        self.looks.pop(name, None)
        if name in self.topics:
            self.looking = asyncio.ensure_future(self._tell_people(name))

    async def person_check(self, event: dict[str, Any]) -> None:
        """Something about this user changed: stay only if still allowed."""
        await self._check()

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message))

    # -- whether it may stay ----------------------------------------------------------------------

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self._check()

    async def _check(self) -> None:
        user = await self._signed_in()
        if user is None or user.auth_epoch != self.epoch:
            await self.close(SIGNED_OUT)
            return
        self.user = user
        for name in list(self.topics):
            if not await self._may(name):
                await self._lose(name)

    async def _lose(self, name: str) -> None:
        """Leave a topic that may not be heard any more, and tell the page."""
        await self._leave(name)
        await self._send({"id": "", "topic": name, "event": "access.lost", "data": {}})

    async def _leave(self, name: str) -> None:
        self.topics.discard(name)
        self.edits.pop(name, None)
        await self._edits_no_more(name)
        if name in self.looks:
            self.looks.pop(name).cancel()
        self.shown.pop(name, None)
        await self.channel_layer.group_discard(group_of(name), self.channel_name)
        if name.startswith(("record:", "board:")):
            await self.store.gone(name, self.socket)
            await self._people_changed(name)

    async def _may(self, name: str) -> bool:
        return await self._heard(name, None) is not None

    async def _heard(self, name: str, data: dict[str, Any] | None, event_id: str = "") -> dict[str, Any] | None:
        found: dict[str, Any] | None = await _asked(heard_once, self.user, name, data, event_id)
        return found

    async def _signed_in(self) -> User | None:
        user: User | None = await _asked(signed_in_user, self.session_key)
        return user


async def _asked(question: Callable[..., Any], *arguments: Any) -> Any:
    return await database_sync_to_async(question, thread_sensitive=False, executor=ASKING)(*arguments)


_answers: dict[tuple[str, str, bytes], dict[str, Any] | None] = {}
MOST_ANSWERS = 2000


def heard_once(user: User, name: str, data: dict[str, Any] | None, event_id: str) -> dict[str, Any] | None:
    """Return what ``user`` may hear of an event; asked once for all open pages of people with the very same rights."""
    rights = rights_of(user).fingerprint if event_id else b""
    if not rights:
        return heard_by(user, name, data)
    key = (name, event_id, rights)
    if key in _answers:
        return _answers[key]
    if len(_answers) >= MOST_ANSWERS:
        _answers.clear()
    found = _answers[key] = heard_by(user, name, data)
    return found


def same_site(scope: dict[str, Any]) -> bool:
    """Tell whether the socket is opened from one of our own pages: same host and port, or a trusted origin."""
    headers = dict(scope.get("headers", []))
    origin = headers.get(b"origin", b"").decode("latin1")
    if not origin or origin == "null":
        return False
    host = headers.get(b"host", b"").decode("latin1")
    return urlsplit(origin).netloc == host or origin in settings.CSRF_TRUSTED_ORIGINS


def signed_in_user(session_key: str | None) -> User | None:
    """Return the active user of a session as the database has it now; None when it has ended."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user_id, backend = session.get(SESSION_KEY), session.get(BACKEND_SESSION_KEY)
    if user_id is None or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.select_related("role").filter(pk=user_id, is_active=True).first()
    if user is None or not session_holds(session, user):
        return None
    known = session.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(known, each) for each in hashes):
        return None
    look_as(user, session)
    return user
