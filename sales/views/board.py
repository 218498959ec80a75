"""The pages of a pipeline: board and forecast. The table is the general list of deals."""

import json
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from crm.access.policy import allows, field_rights, require
from crm.access.rights import rights_of
from crm.accounts.preferences import preference, remember
from crm.criteria import VERSION
from crm.lib.errors import Invalid
from crm.lib.text import whole_number
from crm.lists.filters import chips
from crm.lists.views.filters import answer_fields, answer_filter, answer_query
from crm.lists.views.lists import record_list
from crm.records.entity import entity
from crm.records.services import update_record
from crm.ui.layouts import layout_of
from crm.ui.pages import local_url, page, redirect_to, render, toast
from sales.boardstate import ORDERS, PARTS, hidden_of, layout_urls, order_of, state_of
from sales.cards import draw_cards
from sales.goals import days_left, goal_of
from sales.grid import LANES, Grid, cell_cards, forecast_grid, lanes_of, stage_grid
from sales.models import Deal, Pipeline, Stage
from sales.selectors import (
    BoardFilter,
    base_currency,
    board,
    filtered,
    forecast,
    more_cards,
    owners_on,
    pipelines,
    stages_of,
)

LAYOUTS = ("board", "table", "forecast")
SLIPPING = {"all": [
    {"field": "outcome", "op": "is", "value": "open"}, {"field": "expected_close_date", "op": "before", "value": {"relative": "today"}},
]}
ROOM = "board"
"""The name under which a person's choices are kept: lanes, folded columns and lanes."""


@page()
def deals(request: HttpRequest) -> HttpResponseBase:
    """Show the pipeline as board, table or forecast: as asked, or as it was last seen."""
    require(request.user, "view", Deal)
    layout = layout_of(request, "deals", LAYOUTS)
    if layout == "table":
        return record_list(
            request, entity=entity("deal"), template="sales/table.html", more=lambda state: {"layouts": layout_urls(state)}
        )
    found = pipelines(request.user)
    if not found:
        return render(request, "sales/no_pipeline.html", {"may_manage": allows(request.user, "manage", Pipeline)})
    kept = preference(request.user, ROOM)
    wanted = wanted_of(request, found, kept=kept)
    lanes = "forecast" if layout == "forecast" else lanes_of(request.user, _asked_lanes(request, kept), kept.get("lanes"))
    params = request.GET.copy()
    params["lanes"] = lanes
    params.pop("layout", None)
    context: dict[str, Any] = {
        "wanted": wanted, "pipelines": found, "layout": layout, "lanes": lanes, "currency": base_currency(),
        "owners": owners_on(request.user, wanted.pipeline), "chosen": {str(pk) for pk in wanted.owners},
        **_controls(request, wanted, lanes),
        "may_create": allows(request.user, "create", Deal), "may_manage": allows(request.user, "manage", Pipeline),
        "may_load_demo": rights_of(request.user).is_admin,
        "params": params.urlencode(), "here": request.get_full_path(),
    }
    goal = goal_of(request.user, wanted.owners) if wanted.pipeline.is_default and not wanted.q and not wanted.criteria else None
    context |= {"goal": goal, "days_left": days_left()}
    folded = {key for key in kept.get("folded_lanes", []) if isinstance(key, str)}
    if layout == "forecast":
        grid = _drawn(forecast_grid(request.user, wanted, folded))
        context |= {"grid": grid, "board": grid.board, "months": forecast(request.user, wanted), **_stages(wanted, found)}
        return render(request, "sales/board.html", context, part="board")
    if lanes:
        grid = _drawn(stage_grid(request.user, wanted, lanes, folded))
        context |= {"grid": grid, "board": grid.board, "folded": grid.folded, **_stages(wanted, found)}
    else:
        shown = board(request.user, wanted)
        open_columns = [c for c in shown.columns if not c.folded]
        for column in open_columns:
            column.drawn = draw_cards(column.cards)
        context |= {
            "board": shown, "open_columns": open_columns, "folded": [c for c in shown.columns if c.folded], **_stages(wanted, found),
        }
    return render(request, "sales/board.html", context, part="board")


@page()
def column(request: HttpRequest, stage_id: uuid.UUID) -> HttpResponse:
    """Answer the next cards of a column."""
    require(request.user, "view", Deal)
    stage = Stage.objects.select_related("pipeline").filter(pk=stage_id).first()
    if stage is None:
        raise Http404
    offset = _offset(request)
    wanted = wanted_of(request, [stage.pipeline])
    rows = filtered(request.user, wanted)
    cards = more_cards(request.user, rows, stage, offset, wanted.order)
    left = rows.filter(stage=stage).count() - offset - len(cards)
    return render(request, "sales/more_cards.html", {
        "cards": draw_cards(cards), "left": max(left, 0), "next": offset + len(cards),
        "more_url": f"/deals/columns/{stage.pk}?{_without_offset(request)}",
    })


@page()
def cell(request: HttpRequest) -> HttpResponse:
    """Answer the next cards where a column and a lane meet."""
    require(request.user, "view", Deal)
    found = pipelines(request.user)
    if not found:
        raise Http404
    offset, lanes = _offset(request), request.GET.get("lanes", "")
    if lanes not in LANES and lanes != "forecast":
        raise Invalid.field("lanes", _("There are no such lanes."))
    column_key, lane_key = (request.GET.get(name, "")[:60].replace("\x00", "") for name in ("column", "lane"))
    cards, left = cell_cards(request.user, wanted_of(request, found), lanes, column_key, lane_key, offset)
    return render(request, "sales/more_cards.html", {
        "cards": draw_cards(cards), "left": left, "next": offset + len(cards), "more_url": f"/deals/cells?{_without_offset(request)}",
    })


@page("POST")
def fold(request: HttpRequest) -> HttpResponseBase:
    """Fold a column or a lane, or unfold it, and remember it; a column is answered with the board."""
    kept = preference(request.user, ROOM)
    if "lane" in request.POST:
        lanes = [key for key in kept.get("folded_lanes", []) if key != request.POST["lane"]][-60:]
        remember(request.user, ROOM, folded_lanes=[*lanes, request.POST["lane"][:60]] if request.POST.get("folded") == "1" else lanes)
        return HttpResponse(status=204)
    stage = Stage.objects.filter(pk=_uuid(request.POST.get("stage", ""))).first()
    if stage is None:
        raise Http404
    every = {k: v for k, v in kept.get("flipped", {}).items() if k != str(stage.pipeline_id)}
    mine = set(kept.get("flipped", {}).get(str(stage.pipeline_id), ())) ^ {stage.code}
    remember(request.user, ROOM, flipped={**every, str(stage.pipeline_id): sorted(mine)})
    return HttpResponseRedirect(local_url(request, request.POST.get("next", ""), "/deals"))


@page("POST")
def work_limit(request: HttpRequest, stage_id: uuid.UUID) -> HttpResponse:
    """Set how many deals a stage should hold at most; empty is no limit."""
    stage = Stage.objects.filter(pk=stage_id).first()
    if stage is None:
        raise Http404
    update_record(obj=stage, data={"work_limit": request.POST.get("work_limit") or None}, actor=request.user)
    toast(request, _("Work limit saved"))
    return redirect_to(request, local_url(request, request.POST.get("next", ""), "/deals"))


@page()
def board_filter(request: HttpRequest) -> HttpResponse:
    """Show the form behind a chip of the board, or go to the board with the filter applied."""
    require(request.user, "view", Deal)
    return answer_filter(request, state_of(request.GET, request.user))


@page()
def board_filter_fields(request: HttpRequest) -> HttpResponse:
    """Show what a board can be filtered by."""
    require(request.user, "view", Deal)
    return answer_fields(request, state_of(request.GET, request.user))


@page("GET POST")
def board_query(request: HttpRequest) -> HttpResponse:
    """Show the advanced filter of a board, or go to the board with it."""
    require(request.user, "view", Deal)
    return answer_query(request, state_of(request.POST if request.method == "POST" else request.GET, request.user))


def _controls(request: HttpRequest, wanted: BoardFilter, lanes: str) -> dict[str, Any]:
    """Return what the bar above a board needs: chips, what can be filtered by, orders, lanes, parts of the cards."""
    state = state_of(request.GET, request.user)
    order, hidden = order_of(request.GET), hidden_of(request.GET)
    fields = field_rights(request.user, Deal)
    return {
        "slipping_url": layout_urls(state.with_clause(SLIPPING), wanted.pipeline)["table"],
        "state": state, "chips": chips(state), "layouts": layout_urls(state, wanted.pipeline),
        # Every column has them in its menu.
        "orders_drawn": render_to_string("sales/orders.html", {"orders": [
            (label, state.chosen("order", name), name == order) for name, (label, _fields) in ORDERS.items()
            if name != "value" or fields.can_read("value")
        ]}),
        "order_label": ORDERS[order][0],
        "lane_choices": [(label, state.chosen("lanes", name or "none"), name == lanes) for name, label in LANES.items()],
        "lane_label": LANES.get(lanes, ""),
        "parts": [(label, state.toggled("hide", name), name not in hidden) for name, label in PARTS.items()],
        "hidden": " ".join(hidden),
    }


def _asked_lanes(request: HttpRequest, kept: dict[str, Any]) -> str | None:
    """Return the lanes that the address names, and remember them."""
    if "lanes" not in request.GET:
        return None
    asked = request.GET["lanes"] if request.GET["lanes"] in LANES else ""
    if kept.get("lanes") != asked:
        remember(request.user, ROOM, lanes=asked)
    return asked


def _drawn(grid: Grid) -> Grid:
    for lane in grid.lanes:
        for cell in lane.cells:
            cell.drawn = draw_cards(cell.cards)
    return grid


def _stages(wanted: BoardFilter, found: list[Pipeline]) -> dict[str, Any]:
    """Return where a card can go: the stages, those that close it without a column of their own, other pipelines."""
    others = [p for p in found if p.pk != wanted.pipeline.pk]
    firsts = Stage.objects.filter(pipeline__in=others, outcome=Stage.Outcome.OPEN).order_by("pipeline_id", "position").distinct("pipeline_id")
    begin = {s.pipeline_id: s.pk for s in firsts} if others else {}
    return {
        "stages": stages_of(wanted.pipeline),
        "others": [(p, begin[p.pk]) for p in others if p.pk in begin],
    }


def _offset(request: HttpRequest) -> int:
    offset = whole_number(request.GET.get("offset", "0"))
    if offset is None or not 0 <= offset < 1_000_000:
        raise Invalid.field("offset", _("This must be a number."))
    return offset


def _without_offset(request: HttpRequest) -> str:
    params = request.GET.copy()
    params.pop("offset", None)
    return params.urlencode()


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def wanted_of(
    request: HttpRequest, known: list[Pipeline], params: Any = None, kept: dict[str, Any] | None = None
) -> BoardFilter:
    """Read from the address which deals a board shows; what is not understood is refused by name."""
    params = request.GET if params is None else params
    chosen = params.get("pipeline", "")
    default = next((p for p in known if p.is_default), known[0])
    pipeline = next((p for p in known if chosen and chosen in (p.code, str(p.pk))), None)
    if pipeline is None:
        if chosen:
            raise Http404
        pipeline = default
    owners = []
    for text in (piece for joined in params.getlist("owner") for piece in joined.split(",") if piece):
        try:
            owners.append(request.user.pk if text == "me" else uuid.UUID(text))
        except ValueError:
            raise Invalid.field("owner", _("This is not a person’s id.")) from None
    criteria: Any = None
    if params.get("filter"):
        try:
            criteria = json.loads(params["filter"][:20_000])
        except (ValueError, RecursionError):
            raise Invalid.field("filter", _("This is not JSON.")) from None
        if isinstance(criteria, list):
            criteria = {"version": VERSION, "all": criteria} if criteria else None
    flipped = (kept or {}).get("flipped", {}).get(str(pipeline.pk), ())
    return BoardFilter(pipeline, tuple(owners), params.get("q", "")[:200], criteria, frozenset(flipped), ORDERS[order_of(params)][1])
