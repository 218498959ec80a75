"""What every list and record view starts with: the entity, the record, and the rights to it."""

import json
import uuid
from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.lib.errors import Invalid
from crm.lib.ids import parse_uuid
from crm.lib.prepared import PreparedMany, PreparedOne, Shelf
from crm.lists.models import SavedView
from crm.lists.state import ALL, ListState, read
from crm.records.entity import Entity
from crm.records.services.records import visible_trash
from crm.ui.pages import local_url, wants_part
from crm.ui.values import veil, with_sight

_SOME = uuid.UUID(int=1)
# What every page of a list or a record begins with, by rights and entity.
_records: Shelf[PreparedOne[Any]] = Shelf()
_views: Shelf[PreparedMany[SavedView]] = Shelf()


def _key(user: Any, entity: Entity) -> tuple[bytes, str] | None:
    fingerprint = rights_of(user).fingerprint
    return (fingerprint, entity.name) if fingerprint else None


def record_or_404(request: HttpRequest, entity: Entity, pk: uuid.UUID, *, trashed: bool = False) -> Any:
    """Return a record that the user may see; with ``trashed`` also one in the trash that he may restore."""
    user: Any = request.user
    query = _records.get(_key(user, entity), lambda: PreparedOne(
        lambda some: with_sight(visible_to(user, entity.model), entity, user).filter(pk=some), (_SOME,)
    ))
    found = query.first(pk)
    if found is None and trashed and hasattr(entity.model, "everything"):
        found = with_sight(visible_trash(request.user, entity.model), entity, request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    veil([found], entity, request.user, [f for f in entity.own_fields.values() if not f.computed])
    return found


def views_of(entity: Entity, user: Any) -> list[SavedView]:
    """Return the saved views that a user sees, in the order in which he keeps them: ``shown`` and ``preferred`` are his."""

    def build() -> Any:
        rows = visible_to(user, SavedView).filter(entity=entity.name).select_related("owner")
        mine = rows.annotate(mine=FilteredRelation("tabs", condition=Q(tabs__user=user)))
        return mine.annotate(
            shown=Coalesce("mine__is_shown", "is_pinned"), preferred=Coalesce("mine__is_default", False), place=F("mine__position")
        ).order_by(F("place").asc(nulls_last=True), "position", "created_at")

    return _views.get(_key(user, entity), lambda: PreparedMany(build, ())).all()


def state_of(request: HttpRequest, entity: Entity, views: list[SavedView] | None = None) -> ListState:
    """Return the state of the list that the address (or a form) says; a bare address opens the view that one prefers."""
    params = request.POST if request.method == "POST" else request.GET
    view = None
    wanted = params.get("view", "")
    if wanted and wanted != ALL:
        try:
            key = uuid.UUID(wanted)
        except ValueError:
            raise Http404 from None
        if views is None:
            view = visible_to(request.user, SavedView).filter(entity=entity.name, pk=key).first()
        else:
            view = next((v for v in views if v.pk == key), None)
        if view is None:
            raise Http404
    preferred = next((v for v in views or () if v.preferred), None)  # type: ignore[attr-defined]
    if preferred is not None and not set(params) - {"peek", "layout", "after"}:
        view = preferred
    return read(entity, params, request.user, view).with_(overridden=(preferred is not None and view is None) or wanted == ALL)


def state_in(entity: Entity, params: QueryDict, user: Any) -> ListState:
    """Return the state of the list that a record was opened from; without a view that is not there any more."""
    wanted = params.get("view", "")
    view = visible_to(user, SavedView).filter(entity=entity.name, pk=wanted).first() if parse_uuid(wanted) else None
    return read(entity, params, user, view)


def state_for_act(request: HttpRequest, entity: Entity) -> ListState:
    """Return the state whose rows are acted on; a filter that cannot be read is refused, for without it everything matches."""
    state = state_of(request, entity)
    if state.problem:
        raise Invalid.field("filter", state.problem)
    return state


def address_of(request: HttpRequest, entity: Entity) -> str:
    """Return the address of the list that a POST came from."""
    return state_of(request, entity).url


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Go to another state of a list; where it stands already, only what differs is drawn anew."""
    url = local_url(request, url)
    if wants_part(request):
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"list:go": {"url": url}})})
    return HttpResponseRedirect(url)
