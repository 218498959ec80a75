"""The list of any noun: views as tabs, chips, columns, rows in pages, sums."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from crm.access.rights import rights_of
from crm.lib.errors import Invalid
from crm.lists import query
from crm.lists.facets import facets
from crm.lists.filters import chips, editor
from crm.lists.state import ListState, title_key
from crm.lists.table import Table, columns_of
from crm.lists.views.base import state_of, views_of
from crm.lists.views.favourites import VIEW, keeps
from crm.records.entity import Entity
from crm.records.fields import Kind
from crm.ui.figures import number
from crm.ui.pages import page, redirect_to, render


@page("GET")
def record_list(
    request: HttpRequest, entity: Entity, template: str = "lists/list.html", more: Callable[[ListState], dict[str, Any]] | None = None
) -> HttpResponse:
    """Show a list, or its next rows.

    A room with layouts of its own brings its ``template`` (block ``list_switch``) and what that wants to know.
    """
    user: Any = request.user
    views = views_of(entity, user)
    state = state_of(request, entity, views)
    columns = columns_of(state)
    found = query.page(state, request.GET.get("after", ""))
    context: dict[str, Any] = {
        "entity": entity, "state": state, "columns": columns, "next": found.next,
        "rows": Table(state, columns).rows(found.rows, found.next),
        "title_field": entity.own_fields.get(title_key(entity)),
        "has_sums": any(c.field.aggregate for c in columns),
    }
    if "after" in request.GET:
        return HttpResponse(context["rows"])
    total = len(found.rows) if not found.next else query.count(state)
    rights = rights_of(user)
    current = state.order[0].lstrip("-") if state.order else ""
    context |= {
        "views": views, "chips": chips(state), "total": total,
        "count": f"{number(query.CAP)}+" if total > query.CAP else number(total),
        "may_create": rights.may("create", entity.name), "may_change": rights.may("change", entity.name),
        "may_delete": rights.may("delete", entity.name), "may_export": rights.may("export", entity.name),
        "may_import": rights.may("import", entity.name) and "import" in entity.abilities,
        "may_assign": bool(entity.owner) and rights.may("change", entity.name),
        "sort_field": state.fields.get(current), "sort_down": state.order[0].startswith("-") if state.order else False,
        "filters": sorted(state.askable.values(), key=lambda a: str(a.label)),
        "choice_fields": [f for f in entity.writable_fields(user).values() if f.kind == Kind.CHOICE and not f.choices_from],
        "group_fields": [f for f in state.fields.values() if f.kind in (Kind.CHOICE, Kind.USER, Kind.LINK, Kind.BOOLEAN) and not f.custom],
        "empty": _emptiness(state) if not found.rows else "",
        "page_size": query.PAGE,
    }
    if state.view:
        context |= {"star_url": f"/{entity.plural}/views/{state.view.pk}", "starred": keeps(user, VIEW, state.view.pk)}
    return render(request, template, context | (more(state) if more else {}))


def _emptiness(state: ListState) -> str:
    """Return which of the three empty states it is: nothing matches, no access, nothing yet."""
    if state.clauses or state.q or state.archived:
        return "nothing_matches"
    if rights_of(state.user).cell(state.entity.name, "view").scope == "none":
        return "no_access"
    return "nothing_yet"


@page("GET")
def sums(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show what stands under the columns."""
    state = state_of(request, entity)
    return render(request, "lists/sums.html", {"entity": entity, "state": state, "columns": columns_of(state), "totals": query.totals(state)})


@page("GET")
def facet_panel(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the facets with their counts."""
    state = state_of(request, entity)
    return render(request, "lists/facets.html", {"entity": entity, "state": state, "facets": facets(state)})


@page("GET")
def filter_form(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the form behind a chip, or go to the list with the filter applied."""
    state = state_of(request, entity)
    try:
        form = editor(state, request.GET)
    except Invalid as error:
        return render(request, "lists/filter.html", {"problem": error.message}, status=422)
    status = 200
    if request.GET.get("apply") == "1":
        try:
            return redirect_to(request, form.apply().url)
        except Invalid as error:
            form.errors = [d.message for d in error.details] or [error.message]
            status = 422
    return render(request, "lists/filter.html", {"entity": entity, "state": state, "form": form}, status=status)


@page("GET")
def column_form(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the column chooser, or go to the list with the chosen columns."""
    state = state_of(request, entity)
    if request.GET.get("apply") == "1":
        chosen = tuple(k for k in request.GET.getlist("column") if k in state.fields)
        return redirect_to(request, state.with_(columns=chosen).url)
    shown = state.shown
    keys = {f.key for f in shown}
    others = [f for f in state.possible_columns if f.key not in keys and f.key != title_key(entity)]
    return render(request, "lists/columns.html", {"entity": entity, "state": state, "shown": shown, "others": others})
