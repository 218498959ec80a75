"""Saved views: a name for the state of a list."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Refusal
from crm.lists.models import SavedView
from crm.lists.state import ListState
from crm.lists.views.base import state_for_act, state_of
from crm.records.entity import Entity
from crm.records.services import create_record, delete_record, update_record
from crm.ui.pages import page, problems_of, redirect_to, render, toast


def _content(state: ListState) -> dict[str, Any]:
    """Return what a view keeps of a state."""
    return {
        "criteria": state.tree, "sort": list(state.sort), "columns": list(state.columns), "group_by": state.group,
    }


def _view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> SavedView:
    found = visible_to(request.user, SavedView).filter(entity=entity.name, pk=pk).first()
    if found is None:
        raise Http404
    return found


@page("GET POST")
def new_view(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Ask for the name of a new view, or save it."""
    state = state_of(request, entity)
    context: dict[str, Any] = {"entity": entity, "state": state, "sharings": SavedView.Sharing.choices, "action": f"{state.path}/views/new"}
    if request.method != "POST":
        return render(request, "lists/view_form.html", context)
    state = state_for_act(request, entity)
    data = {
        "name": request.POST.get("name", ""), "entity": entity.name, "sharing": request.POST.get("sharing", SavedView.Sharing.PRIVATE),
        **_content(state),
    }
    try:
        made = create_record(of="saved_view", data=data, actor=request.user)
    except Refusal as error:
        context |= {"name": data["name"], "sharing": data["sharing"], "problems": problems_of(error)}
        return render(request, "lists/view_form.html", context, status=422)
    toast(request, _("View saved"))
    return redirect_to(request, state.path, view=made.pk)


@page("GET POST")
def edit_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Rename or share a view, or delete it."""
    found = _view(request, entity, pk)
    path = f"/{entity.plural}"
    context: dict[str, Any] = {
        "entity": entity, "view": found, "name": found.name, "sharing": found.sharing, "sharings": SavedView.Sharing.choices,
        "action": f"{path}/views/{found.pk}", "pinned": found.is_pinned, "position": found.position,
    }
    if request.method != "POST":
        return render(request, "lists/view_form.html", context)
    try:
        if "delete" in request.POST:
            with intend(actor=request.user) as intention:
                delete_record(obj=found, actor=request.user)
            toast(request, _("View “%(name)s” deleted") % {"name": found.name}, undo=intention.id)
            return redirect_to(request, path)
        data = {
            "name": request.POST.get("name", ""), "sharing": request.POST.get("sharing", found.sharing),
            "is_pinned": "pinned" in request.POST,
            "position": request.POST.get("position", "").strip() or found.position,
        }
        update_record(obj=found, data=data, actor=request.user)
    except Refusal as error:
        context |= {"problems": problems_of(error), "name": request.POST.get("name", ""), "position": request.POST.get("position", "")}
        return render(request, "lists/view_form.html", context, status=422)
    toast(request, _("View saved"))
    return redirect_to(request, path, view=found.pk)


@page("POST")
def update_view(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Keep the changed filters, order and columns in the view."""
    found = _view(request, entity, pk)
    update_record(obj=found, data=_content(state_for_act(request, entity)), actor=request.user)
    toast(request, _("View saved"))
    return redirect_to(request, f"/{entity.plural}", view=found.pk)
