"""The favourites of the side bar: views beside records, their order, their end."""

import uuid
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from crm.access.policy import visible_to
from crm.lib.ids import parse_uuid
from crm.lib.prepared import PreparedTuples
from crm.lists.models import Favourite, SavedView
from crm.records.entity import Entity
from crm.ui.pages import done, page, render

VIEW = "saved_view"


# Asked with every record page.
_KEPT = PreparedTuples(
    lambda user, entity, pk: Favourite.objects.filter(user_id=user, entity=entity, record_id=pk).order_by().values_list("pk")[:1],
    (uuid.UUID(int=1), "no such entity", uuid.UUID(int=2)),
)


def turn(user: Any, entity: str, pk: uuid.UUID) -> bool:
    """Keep something among one's favourites, at their end, or take it out; return whether it is kept now."""
    mine = Favourite.objects.filter(user=user)
    if mine.filter(entity=entity, record_id=pk).delete()[0]:
        return False
    last = mine.order_by("-position").values_list("position", flat=True).first()
    Favourite.objects.get_or_create(user=user, entity=entity, record_id=pk, defaults={"position": (last or 0) + 1})
    return True


def keeps(user: Any, entity: str, pk: Any) -> bool:
    """Tell whether something is among one's favourites."""
    return bool(_KEPT.ask([user.pk, entity, pk]))


def star_answer(request: HttpRequest, url: str, *, starred: bool) -> HttpResponse:
    """Draw the star anew; the side bar hears of it."""
    answer = render(request, "records/star.html", {"url": url, "starred": starred})
    answer["HX-Trigger"] = '{"favourites:changed": {}}'
    return answer


@page("POST")
def star_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Keep a saved view among the favourites, or take it out."""
    found = get_object_or_404(visible_to(request.user, SavedView), pk=pk, entity=entity.name)
    return star_answer(request, f"/{entity.plural}/views/{pk}", starred=turn(request.user, VIEW, found.pk))


@page("POST")
def order(request: HttpRequest) -> HttpResponse:
    """Put the favourites in the order of ``id``."""
    wanted = [i for i in request.POST.getlist("id")[:200] if parse_uuid(i)]
    with transaction.atomic():
        mine = {str(f.pk): f for f in Favourite.objects.select_for_update().filter(user=request.user)}
        rows = [mine[i] for i in wanted if i in mine]
        for position, row in enumerate(rows):
            row.position = position
        Favourite.objects.bulk_update(rows, ["position"])
    return done(request)


@page("POST")
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take something out of the favourites; putting it back is one press on its star."""
    Favourite.objects.filter(user=request.user, pk=pk).delete()
    return done(request, **{"favourites:changed": {}})
