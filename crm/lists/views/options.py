"""Records to choose from, for selects with search."""

from typing import Any

from django.http import Http404, HttpRequest, JsonResponse

from crm.access.policy import field_rights, visible_to
from crm.access.rights import rights_of
from crm.lists.query import find
from crm.records.entity import Entity, all_entities
from crm.records.folded import sort_path
from crm.ui.pages import page
from crm.ui.values import veil

LIMIT = 20


@page("GET")
def options(request: HttpRequest, name: str) -> JsonResponse:
    """Return up to twenty records whose title contains the words, as the user may see them."""
    entity = all_entities().get(name)
    if entity is None:
        raise Http404
    user: Any = request.user
    found = [
        {"value": str(o.pk), "text": str(o), "subtitle": _subtitle(o, user), "hue": str(getattr(o, "hue", "") or "")}
        for o in to_choose(entity, user, request.GET.get("q", ""), left=request.GET.get("left") == "1")
    ]
    return JsonResponse({"options": found, "may_create": rights_of(user).may("create", name)})


def to_choose(entity: Entity, user: Any, words: str, *, left: bool = False) -> list[Any]:
    """Return up to twenty records that may be linked to, whose title contains the words; with ``left`` also people who have left."""
    model: Any = entity.model
    rows = visible_to(user, model)
    if hasattr(model, "archived_at"):
        rows = rows.filter(archived_at=None)
    if entity.name == "user" and not left:
        rows = rows.filter(is_active=True)
    if words:
        rows = rows.filter(find(entity, words[:200], entity.fields_for(user)))
    order = entity.own_fields.get(entity.sort[0].lstrip("-"))
    rows = rows.order_by(sort_path(entity, order) if order is not None else "pk", "pk")
    if entity.name == "stage":
        rows = rows.select_related("pipeline")
    found = list(rows[:LIMIT])
    veil(found, entity, user)
    return found


def _subtitle(obj: Any, user: Any) -> str:
    """Return what tells two records of the same name apart, where it is no secret."""
    if obj._meta.model_name == "user":
        return str(obj.email) if field_rights(user, obj).can_read("email") else ""
    return str(getattr(obj, "pipeline", "") or "") if obj._meta.model_name == "stage" else ""
