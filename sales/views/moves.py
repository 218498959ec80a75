"""Moving a card: the answers are what the board needs to follow."""

import datetime as dt
import uuid
from typing import Any

from babel.dates import format_date
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.accounts.models import User
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Missing, Refusal
from crm.records.entity import entity
from crm.records.fields import LINKS, Kind
from crm.records.services import update_record
from crm.ui.figures import dates
from crm.ui.pages import done, page, problems_of, render, toast
from sales.cards import draw_cards
from sales.cells import FORECAST, NONE
from sales.grid import Sums, named, place_of, sums_of
from sales.lanes import LaneChange, change_status, lane_change
from sales.models import Deal, LossReason, Stage
from sales.months import day_in
from sales.selectors import as_cards, card_order, filtered, pipelines
from sales.services.deals import move_deal, reopen_deal
from sales.services.stages import find_stage, missing_for
from sales.totals import stage_sums
from sales.views.board import wanted_of

SIMPLE = {Kind.TEXT: "text", Kind.MONEY: "number", Kind.NUMBER: "number", Kind.INTEGER: "number", Kind.DATE: "date",
          Kind.DATETIME: "datetime-local", Kind.EMAIL: "email", Kind.URL: "url", Kind.PHONE: "tel", Kind.LONG_TEXT: "text"}

NEAR = 300


@page("GET POST")
def move(request: HttpRequest, deal_id: uuid.UUID) -> HttpResponse:
    """Ask what a stage wants to know (GET), or move the deal there (POST).

    Answers JSON: the card as it is now with its place, the heads of the columns; 409 and 412 with a sentence;
    422 with the form that asks for what is missing.
    """
    deal = _deal(request, deal_id)
    params = request.GET if request.method == "GET" else request.POST
    try:
        stage = find_stage(params.get("stage", ""), deal.pipeline_id)
    except Invalid as error:
        return _refused(error)
    if request.method == "GET":
        return JsonResponse({"form": move_form(request, deal, stage, params)})
    try:
        lane = lane_change(deal, QueryDict(params.get("board", "")).get("lanes", ""), params.get("lane", ""), request.user)
    except Refusal as error:
        return _refused(error)
    stays = stage.pk == deal.stage_id
    try:
        with intend(actor=request.user, label=_("Move deal to %(stage)s") % {"stage": lane.label} if lane and stays else "") as intention:
            deal = move_to(deal, stage, params, request.user, lane)
    except Invalid as error:
        if stays:
            return _refused(error)
        return JsonResponse({"form": move_form(request, deal, stage, params, problems_of(error)), "message": error.message}, status=422)
    except Refusal as error:
        return _refused(error)
    words = _("“%(deal)s” moved to %(stage)s, %(lane)s") if lane and not stays else _("“%(deal)s” moved to %(stage)s")
    if stage.outcome != Stage.Outcome.OPEN:
        words = _("“%(deal)s” marked won") if stage.outcome == Stage.Outcome.WON else _("“%(deal)s” marked lost")
    names = {"deal": deal, "stage": lane.label if lane and stays else stage.name, "lane": lane.label if lane else ""}
    return _moved(request, deal, intention, words % names, again=bool(lane and lane.status))


@page("GET POST")
def close_date(request: HttpRequest, deal_id: uuid.UUID) -> HttpResponse:
    """Ask for another expected close (GET), or set it: a day, or the month of a forecast's column (POST)."""
    deal = _deal(request, deal_id)
    params = request.GET if request.method == "GET" else request.POST
    if request.method == "GET":
        return render(request, "sales/close_date.html", {"deal": deal, "value": deal.expected_close_date})
    try:
        day = _close_day(deal, params)
        with intend(actor=request.user, label=_("Change the close date")) as intention:
            deal = update_record(
                obj=deal, data={"expected_close_date": day}, actor=request.user, version=wanted_version(params)
            )
    except Refusal as error:
        if "board" in params:
            return _refused(error)
        found = [m for sentences in problems_of(error).values() for m in sentences]
        return render(request, "sales/close_date.html", {"deal": deal, "value": params.get("day", ""), "problems": found}, status=422)
    shown = format_date(deal.expected_close_date, "long", locale=dates()) if deal.expected_close_date else _("no date")
    words = _("“%(deal)s” closes: %(day)s") % {"deal": deal, "day": shown}
    if "board" in params:
        return _moved(request, deal, intention, words)
    toast(request, words, undo=intention.id)
    return done(request, **{"record:changed": {"entity": "deal", "id": str(deal.pk)}, "dialog:close": {}})


def _close_day(deal: Deal, params: Any) -> dt.date | None:
    """Return the day that is asked for; “none” and nothing are no date."""
    month, day = params.get("month"), params.get("day", "")
    try:
        if month is not None:
            return None if month == NONE else day_in(dt.date.fromisoformat(f"{month}-01"), deal.expected_close_date)
        return dt.date.fromisoformat(day) if day else None
    except ValueError:
        raise Invalid.field("expected_close_date", _("This is not a date.")) from None


def _moved(request: HttpRequest, deal: Deal, intention: Any, words: str, *, again: bool = False) -> JsonResponse:
    """Answer what a board draws; ``again`` says that more cards than this one have moved."""
    return JsonResponse(_state(request, deal) | {"undo": f"/changes/{intention.id}/undo", "message": words, "again": again})


@page()
def card(request: HttpRequest, deal_id: uuid.UUID) -> HttpResponse:
    """Answer a card as it stands now: what a board asks for when it hears that a deal changed.

    A deal that this board does not show, for whatever reason, is answered as no card.
    """
    deal = visible_to(request.user, Deal).select_related("pipeline", "stage").filter(pk=deal_id).first()
    if deal is None:
        return JsonResponse({"id": str(deal_id), "card": None, "heads": {}, "lanes": {}})
    answer = _state(request, deal)
    by = _id(request.GET.get("by"))
    person = visible_to(request.user, User).filter(pk=by).first() if by and by != request.user.pk else None
    return JsonResponse(answer | ({"by": person.name, "by_id": str(person.pk)} if person else {}))


def _deal(request: HttpRequest, deal_id: uuid.UUID) -> Deal:
    deal = visible_to(request.user, Deal).select_related("pipeline", "stage").filter(pk=deal_id).first()
    if deal is None:
        raise Missing
    return deal


def _state(request: HttpRequest, deal: Deal) -> dict[str, Any]:
    """Return card, place and heads as the asking board shows them."""
    params = QueryDict(request.POST.get("board") or request.GET.get("board", ""))
    wanted = wanted_of(request, pipelines(request.user) or [deal.pipeline], params)
    rows, lanes = filtered(request.user, wanted), params.get("lanes", "")
    shown = (rows.filter(outcome=Stage.Outcome.OPEN) if lanes == FORECAST else rows).filter(pk=deal.pk).exists()
    found: dict[str, Any] = {
        "id": str(deal.pk), "stage": str(deal.stage_id), "lane": "", "version": deal.version, "card": None, "before": None,
    }
    if shown:
        stage = next(s for s in wanted.pipeline.stages.all() if s.pk == deal.stage_id)
        made = as_cards(request.user, [deal.pk], [stage])[stage.pk][0]
        found["card"] = draw_cards([made])
        if lanes:
            found["stage"], found["lane"] = place_of(request.user, deal, lanes)
            rows_here = named(request.user, rows, lanes).filter(column=found["stage"], lane=found["lane"])
        else:
            rows_here = rows.filter(stage=stage)
        found["before"] = str(_below(rows_here, deal, stage, wanted.order) or "")
    if lanes:
        columns, lane_sums = sums_of(request.user, rows, lanes)
        found["heads"], found["lanes"] = _plain(columns), _plain(lane_sums)
    else:
        found["heads"] = {
            str(stage_id): {"count": s.n, "total": str(s.total), "weighted": str(s.weighted)}
            for stage_id, s in stage_sums(request.user, list(wanted.pipeline.stages.all()), rows, narrowed=wanted.narrowed).items()
        }
        found["lanes"] = {}
    return found


def _plain(sums: dict[str, Sums]) -> dict[str, dict[str, Any]]:
    return {key: {"count": s.count, "total": str(s.total), "weighted": str(s.weighted)} for key, s in sums.items()}


def _below(rows: Any, deal: Deal, stage: Stage, order: tuple[str, ...]) -> uuid.UUID | None:
    """Return the card above which the deal stands; none is known below the first few hundred."""
    ids = iter(rows.order_by(*card_order(stage, order)).values_list("pk", flat=True)[:NEAR])
    return next((next(ids, None) for pk in ids if pk == deal.pk), None)


def move_to(deal: Deal, stage: Stage, params: Any, user: Any, lane: LaneChange | None = None) -> Deal:
    """Move a deal as a form says, and into another lane; out of a closed stage into an open one that is reopening."""
    version = wanted_version(params)
    if lane and lane.status:
        change_status(deal, lane, user)
    more = lane.data if lane else {}
    if not deal.is_open and stage.outcome == Stage.Outcome.OPEN:
        deal = reopen_deal(deal=deal, stage=stage, actor=user, version=version)
        return update_record(obj=deal, data=more, actor=user) if more else deal
    return move_deal(
        deal=deal, stage=stage, actor=user, version=version, before_id=_id(params.get("before")), after_id=_id(params.get("after")),
        data=more | _data(params), reason=params.get("reason") or None, closed_on=params.get("closed_on") or None,
    )


def move_form(
    request: HttpRequest, deal: Deal, stage: Stage, params: Any, problems: dict[str, list[str]] | None = None, *,
    page_form: bool = False,
) -> str:
    """Return the form that asks for what the stage needs; empty when it needs nothing. A board sends it itself."""
    deal_entity = entity("deal")
    missing = [name for name, _message in missing_for(deal, stage)]
    names = [*missing, *(n for n in problems or {} if n in deal_entity.own_fields and n not in missing and n != "stage")]
    asked = []
    for name in names:
        f = deal_entity.field(name)
        if f is None or f.name in ("close_reason", "actual_close_date"):
            continue
        options = [(o.value, o.label) for o in f.options]
        if f.kind in LINKS and f.kind != Kind.USER and not options:
            model = entity(f.link).model
            options = [(str(row.pk), str(row)) for row in visible_to(request.user, model).order_by("pk")[:200]]
        asked.append({"name": f.key, "label": f.label, "type": SIMPLE.get(f.kind, "text"), "options": options,
                      "value": params.get(f"field.{f.key}", ""), "errors": (problems or {}).get(name, [])})
    closing = stage.outcome != Stage.Outcome.OPEN
    if not (asked or closing or problems):
        return ""
    return render_to_string("sales/move_form.html" if page_form else "sales/move_pop.html", {
        "deal": deal, "stage": stage, "asked": asked, "closing": closing, "problems": problems or {}, "page_form": page_form,
        "reason_needed": "close_reason" in stage.required_fields,
        "reasons": LossReason.objects.filter(outcome=stage.outcome, is_active=True) if closing else [],
        "today": timezone.localdate(), "params": params, "other": [
            message for name, found in (problems or {}).items() if name not in names and name != "close_reason" for message in found
        ],
    }, request)


def _data(params: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        key.removeprefix("field."): value for key, value in params.items() if key.startswith("field.") and value != ""
    }
    if params.get("note"):
        data["close_note"] = params["note"]
    return data


def _refused(error: Refusal) -> JsonResponse:
    return JsonResponse({"message": str(error.message), "code": error.code}, status=error.status if error.status != 400 else 422)


def wanted_version(params: Any) -> int | None:
    """Return the version that a form was drawn from."""
    text = params.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
