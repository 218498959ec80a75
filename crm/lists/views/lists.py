"""The list of any noun: views as tabs, chips, columns, rows in pages, sums."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy

from crm.access.rights import rights_of
from crm.lib.errors import Invalid
from crm.lib.ids import parse_uuid
from crm.lib.languages import typed_number
from crm.lists import query
from crm.lists.facets import facets, with_range
from crm.lists.filters import chips
from crm.lists.models import SavedView
from crm.lists.state import ListState, title_key
from crm.lists.sums import Figure, calculated, group_totals, possible, totals
from crm.lists.table import TITLE_WIDTH, Table, columns_of, usual_width
from crm.lists.views.base import go, state_of, views_of
from crm.lists.views.favourites import VIEW, keeps
from crm.lists.views.saved import may_change, view_url
from crm.records.duplicates import recognition
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.sizes import is_long
from crm.ui.figures import number
from crm.ui.pages import page, render, toast

DENSITIES = (("compact", gettext_lazy("Compact")), ("", gettext_lazy("As in my settings")), ("comfortable", gettext_lazy("Comfortable")))
EXPORTS = (("csv", "CSV"), ("xlsx", "Excel"), ("json", "JSON"))
GROUPABLE = (Kind.CHOICE, Kind.USER, Kind.LINK, Kind.BOOLEAN)


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
    after = request.GET.get("after", "")
    # Whoever comes back to a place far down is given the rows above it in fewer steps.
    found = query.page(state, after, query.MANY if after and "many" in request.GET else query.PAGE)
    rows = Table(state, columns).rows(found.rows, found.next)
    if after and request.headers.get("HX-Request"):
        return HttpResponse(rows)
    title = title_key(entity)
    context: dict[str, Any] = {
        "entity": entity, "state": state, "columns": columns, "rows": rows, "next": found.next, "after": after,
        "title_key": title, "title_width": dict(state.widths).get(title) or usual_width(state, entity.own_fields[title].width or TITLE_WIDTH),
        "title_set": title in dict(state.widths), "fits": not state.widths, "has_sums": bool(calculated(state)), "export_formats": EXPORTS,
    }
    total = len(found.rows) if not found.next and not after else query.count(state)
    rights = rights_of(user)
    current = state.order[0].lstrip("-") if state.order else ""
    down = bool(state.order) and state.order[0].startswith("-")
    context |= {
        "tabs": [(v, view_url(entity, v)) for v in views if v.shown or v == state.view],  # type: ignore[attr-defined]
        "other_views": [(v, view_url(entity, v)) for v in views if not v.shown and v != state.view],  # type: ignore[attr-defined]
        "may_change_view": may_change(state.view, user), "is_preferred": _preferred(views, state), "any_preferred": any(v.preferred for v in views),  # type: ignore[attr-defined]
        "chips": chips(state), "total": total,
        "sums_later": total > query.CAP and is_long(entity.model),
        "count": f"{number(query.CAP)}+" if total > query.CAP else number(total),
        "may_create": rights.may("create", entity.name), "may_change": rights.may("change", entity.name),
        "may_delete": rights.may("delete", entity.name), "may_export": rights.may("export", entity.name) and "export" in entity.abilities,
        "may_import": rights.may("import", entity.name) and "import" in entity.abilities,
        "may_assign": bool(entity.owner) and rights.may("change", entity.name),
        "may_merge": "merge" in entity.abilities and rights.may("merge", entity.name),
        "has_queue": recognition(entity) is not None and rights.may("merge", entity.name),
        "may_task": rights.may("create", "task") and entity.name in ("customer", "company", "deal"),
        "sort_field": state.fields.get(current), "sort_down": down,
        "title_sort": state.with_(sort=(f"-{title}" if current == title and not down else title,)).url,
        "urls": {
            "facets": state.with_(facets=not state.facets).url, "clear": state.with_(clauses=()).url, "columns": state.with_(columns=()).url,
            "archived": state.with_(archived=not state.archived).url, "reset": state.saved.with_(overridden=state.overridden).url,
            "empty": state.with_(clauses=(), q="", archived=False).url,
        },
        "densities": [(state.with_(density=d).url, label, state.density == d) for d, label in DENSITIES],
        "sorts": [(state.with_(sort=(key,)).url, f, d) for f in state.shown if f.sortable and not f.custom for key, d in ((f.key, False), (f"-{f.key}", True))],
        "groups": [(state.with_(group="" if state.group == f.key else f.key).url, f, state.group == f.key) for f in groupable(state)],
        "choice_fields": [f for f in entity.writable_fields(user).values() if f.kind == Kind.CHOICE and not f.choices_from],
        "may_load_demo": rights.is_admin, "empty": _emptiness(state) if not found.rows else "",
    }
    if state.view:
        context |= {"star_url": f"/{entity.plural}/views/{state.view.pk}", "starred": keeps(user, VIEW, state.view.pk)}
    return render(request, template, context | (more(state) if more else {}))


def groupable(state: ListState) -> list[Field]:
    """Return the fields that the rows may be grouped by."""
    return [f for f in state.fields.values() if f.kind in GROUPABLE and not f.custom and not f.computed and f.sortable]


def _preferred(views: list[SavedView], state: ListState) -> bool:
    return any(v.preferred and v == state.view for v in views)  # type: ignore[attr-defined]


def _emptiness(state: ListState) -> str:
    """Return which of the three empty states it is: nothing matches, no access, nothing yet."""
    if rights_of(state.user).cell(state.entity.name, "view").scope == "none":
        return "no_access"
    return "nothing_matches" if state.clauses or state.q or state.archived else "nothing_yet"


@page("GET")
def rows_anew(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Draw some rows of a list again, after something that concerns them."""
    state = state_of(request, entity)
    ids = [pk for i in request.GET.getlist("id")[: query.PAGE] if (pk := parse_uuid(i))]
    return HttpResponse(Table(state, columns_of(state)).anew(query.some(state, ids)))


@page("GET")
def sums(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show what stands under the columns."""
    state = state_of(request, entity)
    found = totals(state)
    cells = [(column, found.get(column.field.key), bool(possible(column.field))) for column in columns_of(state)]
    return render(request, "lists/sums.html", {"entity": entity, "state": state, "cells": cells})


@page("GET")
def groups(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Answer the sizes and sums of some groups, as the headings of the groups take them."""
    state = state_of(request, entity)
    field = state.fields.get(state.group)
    if field is None:
        raise Http404
    keys = [_group_value(field, k) for k in request.GET.getlist("g")[:100]]
    try:
        found = group_totals(state, [k for k in keys if k is not False or field.kind == Kind.BOOLEAN])
    except (ValueError, TypeError, ValidationError):
        raise Http404 from None
    return JsonResponse({
        "" if key is None else str(key): {name: _figure(one) for name, one in some.items()} for key, some in found.items()
    })


def _group_value(field: Field, text: str) -> Any:
    if not text and field.kind in (Kind.USER, Kind.LINK):
        return None
    return text == "True" if field.kind == Kind.BOOLEAN else text[:200]


def _figure(one: Figure) -> str:
    shown = " · ".join(str(v) for v in one.values)
    return f"{one.label} {shown}" if str(one.label) and shown else shown


@page("GET")
def facet_panel(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the facets with their counts."""
    state = state_of(request, entity)
    return render(request, "lists/facets.html", {"entity": entity, "state": state, "facets": facets(state)})


@page("GET")
def range_filter(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Limit a number to a range, as the two inputs of its histogram say."""
    state = state_of(request, entity)
    low, high = (typed_number(request.GET.get(name, "").replace("\x00", "").strip()[:40]) for name in ("low", "high"))
    key = request.GET.get("key", "")
    try:
        if key not in state.askable:
            raise Invalid
        there = with_range(state, key, low, high)
        there = there.checked()
    except Invalid as error:
        toast(request, error.details[0].message if error.details else error.message, level="error")
        return HttpResponse(status=204)
    return go(request, there.url)


@page("GET")
def column_form(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show the column chooser, or go to the list with the chosen columns."""
    state = state_of(request, entity)
    if request.GET.get("apply") == "1":
        chosen = tuple(k for k in request.GET.getlist("column") if k in state.fields)
        return go(request, state.with_(columns=chosen).url)
    shown = state.shown
    keys = {f.key for f in shown}
    others = [f for f in state.possible_columns if f.key not in keys and f.key != title_key(entity)]
    return render(request, "lists/columns.html", {"entity": entity, "state": state, "shown": shown, "others": others})


@page("GET")
def column_menu(request: HttpRequest, entity: Entity) -> HttpResponse:
    """Show what can be done with one column: sort, filter, group, calculate, pin, move, hide."""
    state = state_of(request, entity)
    key = request.GET.get("key", "")
    field = state.fields.get(key)
    if field is None:
        raise Http404
    keys = [f.key for f in state.shown]
    at = keys.index(key) if key in keys else -1
    title = key == title_key(entity)
    chosen = state.calculation(field)

    def moved(step: int) -> str:
        order = list(keys)
        order.insert(at + step, order.pop(at))
        return state.with_(columns=tuple(order)).url

    def calculated_as(name: str) -> str:
        kept = {k: v for k, v in state.calculations if k != key}
        return state.with_(calculations=tuple((kept | {key: name}).items())).url

    frozen = tuple(k for k in state.frozen if k != key) if key in state.frozen else (*state.frozen, key)
    context = {
        "entity": entity, "state": state, "field": field, "is_title": title,
        "sortable": field.sortable and not field.custom,
        "up": state.with_(sort=(key,)).url, "down": state.with_(sort=(f"-{key}",)).url, "current": state.order[0] if state.order else "",
        "filterable": key in state.askable,
        "group": "" if field not in groupable(state) else state.with_(group="" if state.group == key else key).url, "grouped": state.group == key,
        "calculations": [(calculated_as(n), label, n == (chosen or "none")) for n, label in possible(field)] if not title else [],
        "pin": "" if title else state.with_(frozen=frozen).url, "pinned": key in state.frozen,
        "left": moved(-1) if at > 0 else "", "right": moved(1) if 0 <= at < len(keys) - 1 else "",
        "hide": "" if title or len(keys) < 2 else state.with_(columns=tuple(k for k in keys if k != key)).url,
    }
    return render(request, "lists/column_menu.html", context)
