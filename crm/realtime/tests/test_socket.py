"""The live socket: who gets in, what they hear, and when it closes."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from crm.accounts.models import User
from crm.activity.intention import intend
from crm.realtime.consumer import SIGNED_OUT
from crm.realtime.push import end_sockets, push
from crm.realtime.routing import websocket
from crm.realtime.tests.page import Page
from crm.realtime.topics import may_hear
from customers.tests.factories import CustomerFactory
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = [(b"origin", b"http://testserver"), (b"host", b"testserver")]


def socket(user: User | None, headers: list[tuple[bytes, bytes]] | None = None) -> Page:
    """Return a connection with the browser session of a user."""
    sent = list(ORIGIN if headers is None else headers)
    if user is not None:
        client = Client()
        client.force_login(user)
        sent.append((b"cookie", f"session={client.cookies['session'].value}".encode()))
    return Page(websocket, sent)


async def opened(user: User, *topics: str) -> Page:
    """Return an open connection that listens to topics."""
    connection = await sync_to_async(socket)(user)
    assert await connection.connect()
    await connection.say({"do": "listen", "topics": list(topics)})
    assert await connection.receive_nothing(0.4)
    return connection


async def test_strangers_and_foreign_pages_are_refused(rep: User) -> None:
    for user, headers in (
        (None, None), (rep, []), (rep, [(b"origin", b"https://evil.example"), (b"host", b"testserver")]),
        (rep, [(b"origin", b"null"), (b"host", b"testserver")]),
        (rep, [(b"origin", b"http://testserver:9999"), (b"host", b"testserver")]),
    ):
        connection = await sync_to_async(socket)(user, headers)
        assert not await connection.connect()


BAD = (
    ("{", 1008), ("[]", 1008), ('{"do": "dance"}', 1008), ('{"do": "listen", "topics": ["x"]}', 1008),
    ('{"do": "listen", "topics": "record:deal:1"}', 1008), ("[" * 60_000, 1008), ("x" * 70_000, 1009),
)


async def test_what_is_not_understood_and_a_flood_close_it(rep: User) -> None:
    for text, code in BAD:
        connection = await opened(rep)
        await connection.say(text)
        assert await connection.closed() == code, text[:40]
    connection = await opened(rep)
    for _n in range(70):
        await connection.say({"do": "here", "topic": "record:deal:1"})
    assert await connection.closed() == 1008


async def test_only_who_sees_the_record_hears_of_it(rep: User, rep2: User) -> None:
    deal = await sync_to_async(DealFactory)(assigned_user=rep2, customer=None)
    topics = (f"record:deal:{deal.pk}", "list:deal")
    stranger, owner = await opened(rep, *topics), await opened(rep2, *topics)
    data = {"entity": "deal", "id": str(deal.pk)}
    board = f"board:{deal.pipeline_id}"
    assert await sync_to_async(may_hear)(rep2, board, data)
    assert not await sync_to_async(may_hear)(rep, board, data)
    for name in topics:
        await sync_to_async(push)(name, "record.changed", data)
    heard = [(await owner.hear())["topic"] for _n in topics]
    assert set(heard) == set(topics)
    assert await stranger.receive_nothing(0.5)
    # A right that is lost ends the news at once.
    deal.assigned_user = rep
    await sync_to_async(deal.save)()
    await sync_to_async(push)("list:deal", "list.dirty", data)
    assert (await stranger.hear())["topic"] == "list:deal"
    assert await owner.receive_nothing(0.5)
    await stranger.leave()
    await owner.leave()


async def test_what_was_missed_is_told_again_as_far_as_allowed(rep: User, rep2: User) -> None:
    mine = await sync_to_async(CustomerFactory)(assigned_user=rep)
    theirs = await sync_to_async(CustomerFactory)(assigned_user=rep2)
    for pk in (mine.pk, theirs.pk, mine.pk):
        await sync_to_async(push)("list:customer", "list.dirty", {"entity": "customer", "id": str(pk)})
    connection = await sync_to_async(socket)(rep)
    assert await connection.connect()
    await connection.say({"do": "listen", "topics": ["list:customer"], "last": "1-0"})
    heard = [(await connection.hear()) for _n in range(2)]
    assert {m["data"]["id"] for m in heard} == {str(mine.pk)}
    assert await connection.receive_nothing(0.3)
    await connection.leave()


async def test_deactivation_closes_it_at_once(admin: User, rep: User) -> None:
    connection = await opened(rep, f"user:{rep.pk}")

    def deactivate() -> None:
        with intend():
            User.objects.filter(pk=rep.pk).update(is_active=False)
            end_sockets(rep.pk)

    await sync_to_async(deactivate)()
    assert await connection.closed() == SIGNED_OUT


async def test_presence_is_told_to_the_others(manager: User, rep: User) -> None:
    deal = await sync_to_async(DealFactory)(assigned_user=rep, customer=None)
    topic = f"record:deal:{deal.pk}"
    first = await opened(manager, topic)
    second = await opened_loosely(rep, topic)
    told = (await first.hear())
    assert [p["name"] for p in told["data"]["people"]] == [rep.name]
    await second.say({"do": "here", "topic": topic, "editing": "value"})
    told = (await first.hear())
    assert told["data"]["people"][0]["editing"] == "value"
    await second.leave()
    told = (await first.hear())
    assert told["data"]["people"] == []
    await first.leave()


async def test_a_board_hears_who_edits_a_deal_elsewhere(manager: User, rep: User, rep2: User) -> None:
    deal = await sync_to_async(DealFactory)(assigned_user=rep, customer=None)
    board, topic = f"board:{deal.pipeline_id}", f"record:deal:{deal.pk}"
    looks_on, blind, page = await opened(manager, board), await opened_loosely(rep2, board), await opened_loosely(rep, topic)
    await page.say({"do": "here", "topic": topic, "editing": "field:value"})
    told = await looks_on.hear()
    while not any(p["editing"] for p in told["data"]["people"]):
        told = await looks_on.hear()
    assert [(p["name"], p["editing"]) for p in told["data"]["people"] if p.get("away")] == [(rep.name, f"deal:{deal.pk}")]
    # Who may not see the deal is not told that anybody edits it.
    assert str(deal.pk) not in str(await everything(blind))
    await page.say({"do": "here", "topic": topic, "editing": ""})
    told = await looks_on.hear()
    assert not [p for p in told["data"]["people"] if p.get("away")]
    await page.say({"do": "here", "topic": topic, "editing": "form"})
    assert [p["editing"] for p in (await looks_on.hear())["data"]["people"] if p.get("away")] == [f"deal:{deal.pk}"]
    await page.leave()
    assert not [p for p in (await looks_on.hear())["data"]["people"] if p.get("away")]
    for connection in (looks_on, blind):
        await connection.leave()


async def everything(connection: Page) -> list[Any]:
    """Return what a page hears until it is silent."""
    heard = []
    while not await connection.receive_nothing(0.3):
        heard.append(await connection.hear())
    return heard


async def opened_loosely(user: User, topic: str) -> Page:
    """Return an open connection without waiting for silence."""
    connection = await sync_to_async(socket)(user)
    assert await connection.connect()
    await connection.say({"do": "listen", "topics": [topic]})
    return connection
