"""What an open page still hears when rights change, and what of an event it may know."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from crm.access.policy import SYSTEM
from crm.access.services import share_record, unshare_record
from crm.accounts.models import FieldRight, User
from crm.activity.relay import relay_all
from crm.realtime.admission import AT_ONCE, Admission, Full
from crm.realtime.tests.test_socket import opened, opened_loosely
from crm.records.services import update_record
from crm.workspace.services.roles import set_permissions
from customers.tests.factories import CustomerFactory
from sales.services import move_deal
from sales.tests.factories import DealFactory, StageFactory

pytestmark = pytest.mark.django_db(transaction=True)


async def hear_all(page: Any) -> list[dict[str, Any]]:
    """Return everything that arrives until it is quiet."""
    found = []
    while not await page.receive_nothing(0.4):
        found.append(await page.hear())
    return [m for m in found if m["event"] != "presence"]


def told(messages: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [m for m in messages if m["event"] == event]


async def test_a_change_names_its_fields_the_derived_ones_too_and_hidden_ones_to_nobody_who_may_not(
    admin: User, rep: User, manager: User
) -> None:
    def prepare() -> Any:
        FieldRight.objects.create(role=rep.role, entity="deal", field="probability", level="hidden")
        return DealFactory(assigned_user=rep, customer=None)

    deal = await sync_to_async(prepare)()
    topic = f"record:deal:{deal.pk}"
    narrow, wide = await opened(rep, topic), await opened_loosely(manager, topic)
    await wide.hear()

    def act() -> None:
        relay_all()
        move_deal(deal=deal, stage=StageFactory(pipeline=deal.pipeline, code="OFFER", probability=77, position=9), actor=SYSTEM)
        relay_all()

    await sync_to_async(act)()
    seen = told(await hear_all(wide), "record.changed")[-1]["data"]["fields"]
    assert {"stage", "probability", "entered_stage_at"} <= set(seen)
    fields = told(await hear_all(narrow), "record.changed")[-1]["data"]["fields"]
    assert "stage" in fields
    assert "probability" not in fields
    await sync_to_async(lambda: (update_record(obj=deal, data={"probability": 7}, actor=SYSTEM), relay_all()))()
    assert told(await hear_all(narrow), "record.changed") == []
    await narrow.leave()
    await wide.leave()


async def test_a_share_that_is_taken_back_ends_the_news_at_once(admin: User, rep: User, rep2: User) -> None:
    def prepare() -> Any:
        customer = CustomerFactory(assigned_user=rep)
        share_record(obj=customer, user=rep2, actor=SYSTEM)
        relay_all()
        return customer

    customer = await sync_to_async(prepare)()
    page = await opened(rep2, f"record:customer:{customer.pk}")
    await sync_to_async(lambda: (unshare_record(obj=customer, user=rep2, actor=SYSTEM), relay_all()))()
    assert told(await hear_all(page), "access.lost")
    await sync_to_async(lambda: (update_record(obj=customer, data={"job_title": "Secret"}, actor=SYSTEM), relay_all()))()
    assert await hear_all(page) == []
    await page.leave()


async def test_a_role_that_loses_a_right_ends_the_news_of_its_people(admin: User, support: User) -> None:
    customer = await sync_to_async(CustomerFactory)()
    page = await opened(support, f"record:customer:{customer.pk}")

    def act() -> None:
        set_permissions(role=support.role, cells=[{"entity": "customer", "action": "view", "scope": "none"}], actor=SYSTEM)
        relay_all()

    await sync_to_async(act)()
    assert told(await hear_all(page), "access.lost")
    await page.leave()


async def test_a_new_owner_takes_the_record_from_who_saw_it_as_his(admin: User, rep: User, rep2: User) -> None:
    customer = await sync_to_async(CustomerFactory)(assigned_user=rep)
    page = await opened(rep, f"record:customer:{customer.pk}")
    await sync_to_async(lambda: (update_record(obj=customer, data={"assigned_user": str(rep2.pk)}, actor=SYSTEM), relay_all()))()
    assert told(await hear_all(page), "access.lost")
    await page.leave()


async def test_only_some_are_let_in_at_a_time_and_who_is_too_many_comes_later(settings: Any) -> None:
    door = Admission()
    inside, most = 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with door.door():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(enter() for _n in range(5 * AT_ONCE)))
    assert most == AT_ONCE
    settings.MAX_SOCKETS = 3
    door.open = 3
    with pytest.raises(Full):
        await enter()
