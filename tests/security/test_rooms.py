"""The rooms that are drawn by hand (board, deal, tasks, home) hide what the lists hide (AZ-10, PR-05)."""

import re
import uuid
from typing import Any

import pytest

from crm.records.services import create_record
from sales.models import Deal
from sales.services import move_deal
from tasks.models import Task
from tests.security.conftest import CANARY, content_of

pytestmark = pytest.mark.django_db
# As a figure by itself: the same digits may stand in an identifier or a token.
AMOUNT = re.compile(r"(?<![\w-])(?:6007(?:\.00)?|6,007|6\.0K|6K)(?![\w-])")
ROOMS = ("/deals", "/deals?layout=board", "/deals?view=board", "/deals?list=1", "/deals/columns/{stage}", "/deals/{deal}", "/deals/{deal}/card",
         "/deals/{deal}?peek=1", "/deals/{deal}/move?stage={stage}", "/tasks", "/tasks?layout=board", "/tasks?layout=list", "/tasks/{task}",
         "/tasks/{task}/complete", "/home", "/", "/notifications", "/reports/sales", "/dashboards", "/deals/{deal}/timeline", "/deals?layout=forecast",
         "/deals?layout=board&lanes=owner",
         "/deals?layout=board&lanes=status", "/deals/cells?column={stage}&lane=none&lanes=status", "/deals/{deal}/card?board=lanes%3Downer",
         "/deals/{deal}/close-date", "/tasks?layout=calendar", "/tasks/plan?deal={deal}")


@pytest.fixture
def linked(theirs: dict[str, Any], rep: Any) -> dict[str, Any]:
    """Return a deal and a task of ``rep`` that somebody linked to what he may not see."""
    deal = create_record(of="deal", data={"title": "Own deal", "value": "6007.00"}, actor=rep)
    task = create_record(of="task", data={"title": "Own task"}, actor=rep)
    Deal.objects.filter(pk=deal.pk).update(company=theirs["company"], customer=theirs["customer"])
    Task.objects.filter(pk=task.pk).update(company=theirs["company"], customer=theirs["customer"], deal=theirs["deal"])
    return {"deal": deal.pk, "task": task.pk, "stage": deal.stage_id}


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_names_what_is_hidden(linked: dict[str, Any], rep: Any, client_for: Any, room: str) -> None:
    answer = client_for(rep).get(room.format(**linked))
    assert answer.status_code in (200, 302, 404, 405)
    text = content_of(answer)
    assert CANARY not in text, text[max(0, text.index(CANARY) - 300) : text.index(CANARY) + 60]


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_tells_a_hidden_amount(linked: dict[str, Any], rep: Any, hide: Any, client_for: Any, room: str) -> None:
    hide(rep, "deal", "value")
    text = content_of(client_for(rep).get(room.format(**linked)))
    found = AMOUNT.search(text)
    assert found is None, text[max(0, found.start() - 300) : found.end() + 60]


def test_a_hidden_card_is_no_place_on_the_board(theirs: dict[str, Any], rep: Any) -> None:
    stage = theirs["deal"].stage
    first, moved = (create_record(of="deal", data={"title": t, "value": "1", "stage": str(stage.pk)}, actor=rep) for t in ("first", "moved"))
    places = []
    for anchor in (theirs["deal"].pk, uuid.uuid4()):
        for place in ({"after_id": anchor}, {"before_id": anchor}):
            move_deal(deal=moved, stage=stage, after_id=first.pk, actor=rep)
            move_deal(deal=moved, stage=stage, actor=rep, **place)
            places.append([d.pk for d in Deal.objects.filter(stage=stage).order_by("rank", "pk")])
    assert all(place == [moved.pk, *(p for p in place if p != moved.pk)] for place in places)
