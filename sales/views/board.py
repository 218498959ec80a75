"""The pages of a pipeline: board and forecast. The table is the general list of deals."""

import json
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from crm.access.policy import allows, field_rights, require
from crm.criteria import VERSION
from crm.lib.errors import Invalid
from crm.lists.filters import chips, editor
from crm.lists.views.lists import record_list
from crm.records.entity import entity
from crm.ui.layouts import layout_of
from crm.ui.pages import page, redirect_to, render
from sales.boardstate import ORDERS, PARTS, hidden_of, order_of, state_of
from sales.cards import draw_cards
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
)

LAYOUTS = ("board", "table", "forecast")


@page()
def deals(request: HttpRequest) -> HttpResponseBase:
    """Show the pipeline as board, table or forecast: as asked, or as it was last seen."""
    require(request.user, "view", Deal)
    layout = layout_of(request, "deals", LAYOUTS)
    if layout == "table":
        return record_list(request, entity=entity("deal"), template="sales/table.html")
    found = pipelines(request.user)
    if not found:
        return render(request, "sales/no_pipeline.html", {"may_manage": allows(request.user, "manage", Pipeline)})
    wanted = wanted_of(request, found)
    context = {
        "wanted": wanted,
        "pipelines": found,
        "layout": layout,
        "currency": base_currency(),
        "owners": owners_on(request.user, wanted.pipeline),
        "chosen": {str(pk) for pk in wanted.owners},
        **_controls(request),
        "may_create": allows(request.user, "create", Deal),
        "may_manage": allows(request.user, "manage", Pipeline),
        "params": request.GET.urlencode(),
    }
    if layout == "forecast":
        return render(request, "sales/forecast.html", context | {"months": forecast(request.user, wanted)}, part="board")
    shown = board(request.user, wanted)
    open_columns = [c for c in shown.columns if not c.folded]
    for column in open_columns:
        column.drawn = draw_cards(column.cards)
    context |= {"board": shown, "open_columns": open_columns, "folded": [c for c in shown.columns if c.folded]}
    return render(request, "sales/board.html", context, part="board")


@page()
def column(request: HttpRequest, stage_id: uuid.UUID) -> HttpResponse:
    """Answer the next cards of a column."""
    require(request.user, "view", Deal)
    stage = Stage.objects.select_related("pipeline").filter(pk=stage_id).first()
    if stage is None:
        raise Http404
    offset = request.GET.get("offset", "0")
    if not offset.isdecimal() or len(offset) > 6:
        raise Invalid.field("offset", _("This must be a number."))
    wanted = wanted_of(request, [stage.pipeline])
    rows = filtered(request.user, wanted)
    cards = more_cards(request.user, rows, stage, int(offset), wanted.order)
    left = rows.filter(stage=stage).count() - int(offset) - len(cards)
    context = {"cards": draw_cards(cards), "stage": stage, "next": int(offset) + len(cards), "left": max(left, 0),
               "params": request.GET.urlencode()}
    return render(request, "sales/more_cards.html", context)


@page()
def board_filter(request: HttpRequest) -> HttpResponse:
    """Show the form behind a chip of the board, or go to the board with the filter applied."""
    require(request.user, "view", Deal)
    state = state_of(request.GET, request.user)
    try:
        form = editor(state, request.GET)
    except Invalid as error:
        return render(request, "lists/filter.html", {"problem": error.message}, status=422)
    status = 200
    if request.GET.get("apply") == "1":
        try:
            return redirect_to(request, form.apply().url)
        except Invalid as error:
            form.errors, status = [d.message for d in error.details] or [error.message], 422
    return render(request, "lists/filter.html", {"entity": state.entity, "state": state, "form": form}, status=status)


def _controls(request: HttpRequest) -> dict[str, Any]:
    """Return what the bar above a board needs: chips, what can be filtered by, orders, parts of the cards."""
    state = state_of(request.GET, request.user)
    order, hidden = order_of(request.GET), hidden_of(request.GET)
    fields = field_rights(request.user, Deal)
    return {
        "state": state, "chips": chips(state),
        "filters": sorted((a for a in state.askable.values() if a.name != "pipeline"), key=lambda a: str(a.label)),
        "orders": [(label, state.ordered(name), name == order) for name, (label, _fields) in ORDERS.items()
                   if name != "value" or fields.can_read("value")],
        "order_label": ORDERS[order][0],
        "parts": [(label, state.toggled("hide", name), name not in hidden) for name, label in PARTS.items()],
        "hidden": " ".join(hidden),
    }


def wanted_of(request: HttpRequest, known: list[Pipeline], params: Any = None) -> BoardFilter:
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
    unfolded = frozenset(code for joined in params.getlist("unfold") for code in joined.split(","))
    return BoardFilter(pipeline, tuple(owners), params.get("q", "")[:200], criteria, unfolded, ORDERS[order_of(params)][1])
