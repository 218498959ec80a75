"""Panels that list what links to a record: the deals of a customer, the people of a company."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.records.entity import entity
from crm.records.panels import panel
from crm.ui.values import display, record_mark, with_links

SHOWN = 20


def related_panel(
    on: str, of: str, by: str, order: int, *, fields: Iterable[str] = (), title: Any = None, sort: str = "-created_at",
    only: Q | None = None, column: str = "tab", key: str = "", limit: int = SHOWN, new: bool = True,
) -> None:
    """List the records of entity ``of`` whose link ``by`` points to a record of ``on``."""
    names = tuple(fields)

    def rows(obj: Any, user: Any) -> Any:
        declared = entity(of)
        found = visible_to(user, declared.model).filter(**{declared.own_fields[by].source: obj.pk})
        if hasattr(declared.model, "archived_at"):
            found = found.filter(archived_at=None)
        return found.filter(only) if only is not None else found

    def load(obj: Any, user: Any) -> dict[str, Any]:
        declared = entity(of)
        readable = declared.fields_for(user)
        shown = [readable[n] for n in names if n in readable]
        found = list(with_links(rows(obj, user), declared, shown, user, lean=True).order_by(sort, "-pk")[: limit + 1])
        clause = json.dumps([{"field": by, "op": "is", "value": str(obj.pk)}], separators=(",", ":"))
        may_create = new and rights_of(user).may("create", of)
        return {
            "of": declared,
            "items": [
                {"url": declared.url(o), "title": str(o), "mark": record_mark(declared, o), "obj": o,
                 "values": [(f.label, display(o, f, link=False)) for f in shown]}
                for o in found[:limit]
            ],
            "more": len(found) > limit,
            "list_url": f"/{declared.plural}?{urlencode({'filter': clause})}",
            "new_url": f"/{declared.plural}/new?{urlencode({'quick': 1, by: str(obj.pk)})}" if may_create else "",
        }

    panel(
        on, key or f"{entity_plural(of)}", title or entity(of).label_plural,
        "records/panels/related_side.html" if column == "side" else "records/panels/related.html", order, column=column,
        icon=entity(of).icon, load=load, count=lambda obj, user: int(rows(obj, user).count()), needs=("view", of), watches=(of,),
    )


def entity_plural(name: str) -> str:
    """Return the path segment of an entity, which names its panel."""
    return entity(name).plural
