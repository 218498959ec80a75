"""The page of a deal: its stages in the head, and the people and lines that it is made of."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Invalid
from crm.lists.views.records import record_page
from crm.records.entity import entity
from crm.ui.pages import page, problems_of, redirect_to, render, toast
from crm.ui.values import may
from sales.models import Deal, Stage
from sales.passage import steps_of
from sales.services.deals import reopen_deal
from sales.services.parts import (
    take_total,
)
from sales.services.stages import find_stage, missing_for
from sales.views.moves import move_form, move_to, wanted_version


@page()
def record(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Show a deal."""
    return record_page(request, entity=entity("deal"), pk=pk, template="sales/deal.html", more=_stepper)


@page()
def road(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the stages of a deal again after it moved."""
    deal = deal_or_404(request, pk)
    context = {"obj": deal, "may_change": may(request.user, "change", deal), **_stepper(deal, request.user)}
    return render(request, "sales/road.html", context)


def _stepper(obj: Deal, user: Any) -> dict[str, Any]:
    steps = steps_of(obj)
    return {
        "steps": [s for s in steps if s.stage.outcome == Stage.Outcome.OPEN],
        "closing": {s.stage.outcome: s for s in steps if s.stage.outcome != Stage.Outcome.OPEN},
        "current": next((s for s in steps if s.state == "now"), None),
    }


@page("GET POST")
def stage(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask what a stage wants to know (GET), or move the deal there and show its page (POST)."""
    deal = deal_or_404(request, pk)
    params = request.GET if request.method == "GET" else request.POST
    target = find_stage(params.get("stage", ""), deal.pipeline_id)
    asks = target.outcome != Stage.Outcome.OPEN or any(missing_for(deal, target))
    if request.method == "GET" or (asks and "asked" not in params):
        return HttpResponse(move_form(request, deal, target, params, page_form=True))
    try:
        with intend(actor=request.user) as intention:
            move_to(deal, target, params, request.user)
    except Invalid as error:
        return HttpResponse(move_form(request, deal, target, params, problems_of(error), page_form=True), status=422)
    toast(request, _("“%(deal)s” moved to %(stage)s") % {"deal": deal, "stage": target.name}, undo=intention.id)
    return redirect_to(request, _here(request, deal))


@page("POST")
def reopen(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Open a won or lost deal again."""
    deal = deal_or_404(request, pk)
    with intend(actor=request.user) as intention:
        deal = reopen_deal(deal=deal, actor=request.user, version=wanted_version(request.POST))
    toast(request, _("“%(deal)s” is open again") % {"deal": deal}, undo=intention.id)
    return redirect_to(request, _here(request, deal))


@page("POST")
def total(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make the sum of the lines the value of the deal."""
    deal = deal_or_404(request, pk)
    with intend(actor=request.user) as intention:
        take_total(deal=deal, actor=request.user)
    toast(request, _("The value is the total of the lines now"), undo=intention.id)
    return redirect_to(request, _here(request, deal))


def deal_or_404(request: HttpRequest, pk: uuid.UUID) -> Deal:
    """Return a deal that the user sees."""
    found = visible_to(request.user, Deal).select_related("pipeline", "stage").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _here(request: HttpRequest, deal: Deal) -> str:
    """Return the address of the page one stands on, with the list one came from."""
    path = str(getattr(request.htmx, "current_url_abs_path", None) or "")  # type: ignore[attr-defined]
    return path if path.startswith(f"/deals/{deal.pk}") else f"/deals/{deal.pk}"
