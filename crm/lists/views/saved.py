"""Saved views: a name for the state of a list."""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Refusal
from crm.lib.ids import parse_uuid
from crm.lists import tabs
from crm.lists.entities import sharings
from crm.lists.models import SavedView
from crm.lists.state import ALL, ListState
from crm.lists.views.base import state_for_act, state_of, views_of
from crm.records.entity import Entity
from crm.records.services import create_record, delete_record, update_record
from crm.ui.pages import page, problems_of, redirect_to, render, toast


def _content(state: ListState) -> dict[str, Any]:
    """Return what a view keeps of a state."""
    return {
        "criteria": state.tree, "sort": list(state.sort), "columns": list(state.columns), "group_by": state.group,
        "widths": dict(state.widths), "calculations": dict(state.calculations), "frozen": list(state.frozen), "density": state.density,
    }


def _view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> SavedView:
    found = visible_to(request.user, SavedView).filter(entity=entity.name, pk=pk).first()
    if found is None:
        raise Http404
    return found


def may_change(view: SavedView | None, user: Any) -> bool:
    """Tell whether a person who sees a view may change it, without a query."""
    return view is not None and (view.owner_id == user.pk or (user.is_admin and view.sharing != SavedView.Sharing.PRIVATE))


def view_url(entity: Entity, view: SavedView) -> str:
    """Return the address of a view: the table, or the layout of the room that it remembers."""
    if not view.layout:
        return f"/{entity.plural}?view={view.pk}"
    clauses = view.criteria.get("all", []) if isinstance(view.criteria, dict) else []
    return f"/{entity.plural}?{urlencode({'layout': view.layout, 'filter': json.dumps(clauses, separators=(',', ':'))})}"


def _form(request: HttpRequest, entity: Entity, context: dict[str, Any], status: int = 200) -> HttpResponse:
    user: Any = request.user
    open_to = {*sharings(user), context.get("sharing")} - ({"team"} if not user.team_id else set())
    context = {
        "entity": entity, "sharings": [(v, label) for v, label in SavedView.Sharing.choices if v in open_to],
        "layouts": entity.layouts, "pinned": True, **context,
    }
    return render(request, "lists/view_form.html", context, status=status)


@page("GET POST")
def new_view(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Ask for the name of a new view, or save it."""
    state = state_of(request, entity)
    context: dict[str, Any] = {"state": state, "action": f"{state.path}/views/new"}
    if request.method != "POST":
        return _form(request, entity, context)
    state = state_for_act(request, entity)
    data = {
        "name": request.POST.get("name", ""), "entity": entity.name, "sharing": request.POST.get("sharing", SavedView.Sharing.PRIVATE),
        "layout": request.POST.get("layout", ""), "is_pinned": "pinned" in request.POST, **_content(state),
    }
    try:
        made = create_record(of="saved_view", data=data, actor=request.user)
    except Refusal as error:
        context |= {"name": data["name"], "sharing": data["sharing"], "layout": data["layout"], "problems": problems_of(error)}
        return _form(request, entity, context, 422)
    if "preferred" in request.POST:
        tabs.prefer(entity, request.user, made)
    toast(request, _("View saved"))
    return redirect_to(request, view_url(entity, made))


@page("GET POST")
def edit_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Rename or share a view, or delete it."""
    found = _view(request, entity, pk)
    path = f"/{entity.plural}"
    context: dict[str, Any] = {
        "view": found, "name": found.name, "sharing": found.sharing, "action": f"{path}/views/{found.pk}",
        "pinned": found.is_pinned, "layout": found.layout,
    }
    if request.method != "POST":
        return _form(request, entity, context)
    try:
        if "delete" in request.POST:
            with intend(actor=request.user) as intention:
                delete_record(obj=found, actor=request.user)
            toast(request, _("View “%(name)s” deleted") % {"name": found.name}, undo=intention.id)
            return redirect_to(request, path, view=ALL)
        data = {
            "name": request.POST.get("name", ""), "sharing": request.POST.get("sharing", found.sharing),
            "is_pinned": "pinned" in request.POST, "layout": request.POST.get("layout", ""),
        }
        update_record(obj=found, data=data, actor=request.user)
    except Refusal as error:
        context |= {"problems": problems_of(error), "name": request.POST.get("name", ""), "layout": request.POST.get("layout", "")}
        return _form(request, entity, context, 422)
    toast(request, _("View saved"))
    return redirect_to(request, view_url(entity, _view(request, entity, pk)))


@page("POST")
def update_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Keep the changed filters, order and columns in the view; the toast takes it back."""
    found = _view(request, entity, pk)
    with intend(actor=request.user) as intention:
        update_record(obj=found, data=_content(state_for_act(request, entity)), actor=request.user)
    toast(request, _("View “%(name)s” updated") % {"name": found.name}, undo=intention.id)
    return redirect_to(request, f"/{entity.plural}", view=found.pk)


@page("POST")
def view_act(request: HttpRequest, entity: Entity, pk: uuid.UUID, action: str) -> HttpResponse:
    """Keep a view as one likes it: first, last, as a tab or not, as what the list opens with."""
    found = _view(request, entity, pk)
    if action == "prefer":
        tabs.prefer(entity, request.user, found)
        toast(request, _("The list opens with “%(name)s” from now on") % {"name": found.name})
    elif action in ("show", "hide"):
        tabs.show(entity, request.user, found, action == "show")
    else:
        tabs.move(entity, request.user, views_of(entity, request.user), found, 1 if action == "later" else -1)
    if action == "hide":
        return redirect_to(request, f"/{entity.plural}", view=ALL)
    return redirect_to(request, view_url(entity, found))


@page("POST")
def prefer_all(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Open the list with all records again."""
    tabs.prefer(entity, request.user, None)
    toast(request, _("The list opens with all records from now on"))
    return redirect_to(request, f"/{entity.plural}")


@page("POST")
def order_views(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Keep the order in which the tabs were dragged."""
    ids = [pk for i in request.GET.getlist("ids")[:200] if (pk := parse_uuid(i))]
    tabs.keep_order(entity, request.user, views_of(entity, request.user), ids)
    return HttpResponse(status=204)
