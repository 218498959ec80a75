"""The favourites of the side bar."""

import uuid
from typing import Any

from django.http import HttpRequest

from crm.access.policy import visible_to
from crm.lists.models import Favourite, SavedView
from crm.records.entity import all_entities
from crm.ui.context import shell_part
from crm.ui.nav import create_item, nav_item

SHOWN = 20


@shell_part("favourites")
def favourites(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the records and views that the user keeps, as far as he still sees them: one statement for each kind."""
    user: Any = request.user
    kept = list(Favourite.objects.filter(user=user).order_by("position", "created_at")[:SHOWN])
    ids: dict[str, list[uuid.UUID]] = {}
    for one in kept:
        ids.setdefault(one.entity, []).append(one.record_id)
    known = all_entities()
    found: dict[tuple[str, uuid.UUID], dict[str, Any]] = {}
    for name, keys in ids.items():
        if name == "saved_view":
            for view in visible_to(user, SavedView).filter(pk__in=keys):
                listed = known.get(view.entity)
                if listed is not None:
                    found[name, view.pk] = {"label": view.name, "url": f"/{listed.plural}?view={view.pk}", "icon": listed.icon, "view": True}
        elif name in known:
            declared = known[name]
            for obj in visible_to(user, declared.model).filter(pk__in=keys):
                found[name, obj.pk] = {"label": str(obj), "url": declared.url(obj), "hue": declared.hue}
    places = [(one.pk, found.get((one.entity, one.record_id))) for one in kept]
    return [{"id": pk, **place} for pk, place in places if place is not None]


_ORDER = {"customer": (10, "c"), "company": (20, "o"), "deal": (30, "p"), "product": (50, ""), "task": (60, "t"), "interaction": (70, "")}
_MAKE = {"customer": "c", "company": "o", "deal": "d", "task": "t"}

# Every noun with pages has its place; an app that wants another one registers the same address again.
for name, declared in all_entities().items():
    if "pages" in declared.abilities:
        order, key = _ORDER.get(name, (90, ""))
        nav_item("sell", declared.label_plural, f"/{declared.plural}", declared.icon, order, needs=("view", name), key=key)
        create_item(
            declared.label, f"/{declared.plural}/new", declared.icon, order, needs=("create", name), key=_MAKE.get(name, ""),
        )
