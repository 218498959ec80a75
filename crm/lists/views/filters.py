"""What stands behind “Filter” and the chips: which field, which operator, which value, and the advanced filter."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.criteria import describe
from crm.lib.errors import Invalid
from crm.lists import builder
from crm.lists.filters import choosable, editor
from crm.lists.state import ListState
from crm.lists.views.base import go, state_of
from crm.records.entity import Entity
from crm.ui.pages import page, render


@page("GET")
def filter_form(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the form behind a chip, or go to the list with the filter applied."""
    return answer_filter(request, state_of(request, entity))


@page("GET")
def filter_fields(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the fields to filter by."""
    return answer_fields(request, state_of(request, entity))


@page("GET POST")
def query_form(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the advanced filter, or go to the list with it."""
    return answer_query(request, state_of(request, entity))


def answer_filter(request: HttpRequest, state: ListState) -> HttpResponse:
    """Answer for a state (a list's or a board's): the form behind a chip, or the way to the filtered list."""
    try:
        form = editor(state, request.GET)
    except Invalid as error:
        return render(request, "lists/filter.html", {"problem": error.message}, status=422)
    status = 200
    if request.GET.get("apply") == "1" or form.settled:
        try:
            return go(request, form.apply().url)
        except Invalid as error:
            form.errors = [d.message for d in error.details] or [error.message]
            status = 422
    template = "lists/filter_ops.html" if form.part == "op" else "lists/filter.html"
    return render(request, template, {"state": state, "form": form, "c": form.comparison}, status=status)


def answer_fields(request: HttpRequest, state: ListState) -> HttpResponse:
    """Answer with the fields to filter by, for a new chip or for the field of one that is there."""
    return render(request, "lists/filter_fields.html", {"state": state, "fields": choosable(state), "index": request.GET.get("index", "")[:9]})


def answer_query(request: HttpRequest, state: ListState) -> HttpResponse:
    """Answer with the advanced filter as it was sent, after the act of the button that was pressed."""
    place = builder.Place(state.entity.model, state.user)
    act = request.POST.get("act", "")
    context: dict[str, Any] = {"state": state, "problems": []}
    if request.method != "POST":
        root = builder.from_clauses(state.clauses, place)
        if not root.items:
            root = builder.from_form(request.GET, place, "add:q")
    else:
        root = builder.from_form(request.POST, place, act)
    status = 200
    try:
        clauses = builder.clauses_of(root)
        if act == "apply":
            return go(request, state.with_(clauses=clauses).url)
        context["words"] = describe({"version": 1, "all": list(clauses)}, place.model, place.viewer) if clauses else _("All records")
    except Invalid as error:
        context["words"] = _("Something is still missing.")
        if act == "apply":
            status = 422
            if not builder.mark_problems(root):
                context["problems"] = [error.message]
    template = "lists/query_words.html" if request.GET.get("words") else "lists/query.html"
    return render(request, template, context | {"root": root}, status=status)
