"""The list of any noun: views as tabs, chips, columns, rows in pages, sums."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import field_rights
from crm.access.rights import rights_of
from crm.lib.errors import Invalid
from crm.lists import query
from crm.lists.facets import facets
from crm.lists.filters import chips, editor
from crm.lists.state import ListState, title_key
from crm.lists.views.base import state_of, views_of
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.ui.figures import number
from crm.ui.pages import page, redirect_to, render
from crm.ui.values import display, record_mark, settled, titles_of

RIGHT = {Kind.MONEY, Kind.NUMBER, Kind.INTEGER}


@dataclass
class Column:
    """A column of the table: its heading, how it sorts, how it is aligned."""

    field: Field
    sort: str
    direction: str
    right: bool
    editable: bool
    width: str


@dataclass
class Cell:
    """A value in a row."""

    column: Column
    html: Any


@dataclass
class Row:
    """A row: the record, its title, its cells, and the two lines of the phone."""

    obj: Any
    title: str
    url: str
    mark: Any
    cells: list[Cell]
    group: Any = None


def _columns(state: ListState) -> list[Column]:
    rights = field_rights(state.user, state.entity.model)
    may_change = rights_of(state.user).may("change", state.entity.name)
    current = state.order[0] if state.order else ""
    found = []
    for f in map(settled, state.shown):
        down = current == f"-{f.key}"
        direction = "descending" if down else "ascending" if current == f.key else ""
        sortable = f.sortable and not f.custom
        following = f"-{f.key}" if direction == "ascending" else f.key
        editable = may_change and f.writable and not f.computed and rights.can_write(f.key) and f.kind not in (Kind.ADDRESS, Kind.JSON)
        found.append(Column(f, following if sortable else "", direction, f.kind in RIGHT, editable, _WIDTHS.get(f.kind, "m")))
    return found


_WIDTHS = {
    Kind.BOOLEAN: "s", Kind.INTEGER: "s", Kind.NUMBER: "s", Kind.DATE: "s", Kind.DATETIME: "s", Kind.CHOICE: "s", Kind.MONEY: "s",
    Kind.CURRENCY: "s", Kind.EMAIL: "l", Kind.TAGS: "l", Kind.LONG_TEXT: "l", Kind.ADDRESS: "l",
}


def rows_of(state: ListState, found: list[Any], columns: list[Column]) -> list[Row]:
    """Return the rows of a page, drawn."""
    titles = titles_of(found, [c.field for c in columns], state.user)
    group = settled(state.fields[state.group]) if state.group in state.fields else None
    last, rows = object(), []
    for obj in found:
        cells = [Cell(c, display(obj, c.field, titles=titles)) for c in columns]
        row = Row(obj, str(obj), state.entity.url(obj), record_mark(state.entity, obj), cells)
        if group is not None:
            shown = display(obj, group, link=False, titles=titles)
            if str(shown) != last:
                row.group, last = shown or _("Nothing"), str(shown)
        rows.append(row)
    return rows


@page("GET")
def record_list(request: HttpRequest, entity: Entity, template: str = "lists/list.html") -> HttpResponse:
    """Show a list, or its next rows. A room with layouts of its own brings its ``template`` (block ``list_switch``)."""
    user: Any = request.user
    views = views_of(entity, user)
    state = state_of(request, entity, views)
    columns = _columns(state)
    found = query.page(state, request.GET.get("after", ""))
    context: dict[str, Any] = {
        "entity": entity, "state": state, "columns": columns, "rows": rows_of(state, found.rows, columns), "next": found.next,
        "title_field": entity.own_fields.get(title_key(entity)),
        "has_sums": any(c.field.aggregate for c in columns),
        "phone_columns": columns[:3],
    }
    if "after" in request.GET:
        return render(request, "lists/rows.html", context)
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
    return render(request, template, context)


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
    return render(request, "lists/sums.html", {"entity": entity, "state": state, "columns": _columns(state), "totals": query.totals(state)})


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
