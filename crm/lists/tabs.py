"""How one person keeps the saved views of a list: their order, which are tabs, and which one the list opens with."""

import uuid
from typing import Any

from django.db import transaction

from crm.lists.models import SavedView, ViewTab
from crm.records.entity import Entity


def keep_order(of: Entity, user: Any, views: list[SavedView], ids: list[uuid.UUID]) -> None:
    """Put the named views in this order; the others keep theirs behind them."""
    known = {v.pk: v for v in views}
    wanted = [pk for pk in dict.fromkeys(ids) if pk in known]
    ordered = [*wanted, *(v.pk for v in views if v.pk not in wanted)]
    rows = [ViewTab(user=user, view_id=pk, entity=of.name, position=n) for n, pk in enumerate(ordered)]
    ViewTab.objects.bulk_create(rows, update_conflicts=True, unique_fields=["user", "view"], update_fields=["position"])


def move(of: Entity, user: Any, views: list[SavedView], view: SavedView, step: int) -> None:
    """Move a view past its neighbour among the tabs."""
    tabs = [v.pk for v in views if v.shown]  # type: ignore[attr-defined]
    if view.pk not in tabs:
        return
    at = tabs.index(view.pk)
    to = min(max(at + step, 0), len(tabs) - 1)
    tabs.insert(to, tabs.pop(at))
    keep_order(of, user, views, tabs)


def show(of: Entity, user: Any, view: SavedView, shown: bool) -> None:
    """Keep a view as a tab of this person, or take it from the tabs."""
    ViewTab.objects.update_or_create(user=user, view=view, defaults={"entity": of.name, "is_shown": shown})


@transaction.atomic
def prefer(of: Entity, user: Any, view: SavedView | None) -> None:
    """Open the list with this view from now on; with None, with all records."""
    ViewTab.objects.filter(user=user, entity=of.name, is_default=True).update(is_default=False)
    if view is not None:
        ViewTab.objects.update_or_create(user=user, view=view, defaults={"entity": of.name, "is_default": True, "is_shown": True})
