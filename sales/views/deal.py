"""The page of a deal: its stages in the head, and the people and lines that it is made of."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Refusal
from crm.lists.views.records import record_page
from crm.records.entity import entity
from crm.records.fields import Field
from crm.ui.forms import FormField, read_value
from crm.ui.pages import done, page, problems_of, redirect_to, render, toast
from sales.models import Deal, DealContact, DealProduct, Stage
from sales.passage import steps_of
from sales.services.deals import reopen_deal
from sales.services.parts import (
    CONTACT_FIELDS,
    LINE_FIELDS,
    add_contact,
    add_line,
    change_contact,
    change_line,
    remove_part,
    take_total,
)
from sales.services.stages import find_stage, missing_for
from sales.views.moves import move_form, move_to, wanted_version

PARTS: dict[str, tuple[type[Any], tuple[Field, ...], Any, Any, str]] = {
    "people": (DealContact, CONTACT_FIELDS, add_contact, change_contact, "contact"),
    "lines": (DealProduct, tuple(f for f in LINE_FIELDS if f.name != "position"), add_line, change_line, "line"),
}
CHANGED = {"record:changed": {}, "dialog:close": {}}


@page()
def record(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Show a deal."""
    return record_page(request, entity=entity("deal"), pk=pk, template="sales/deal.html", more=_stepper)


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


@page("GET POST")
def part(request: HttpRequest, pk: uuid.UUID, kind: str, part_id: uuid.UUID | None = None) -> HttpResponse:
    """Show the form of a person's part or of a line, or save it."""
    deal = deal_or_404(request, pk)
    model, fields, add, change, argument = PARTS[kind]
    row = None
    if part_id is not None:
        row = visible_to(request.user, model).filter(pk=part_id, deal=deal).select_related("deal").first()
        if row is None:
            raise Http404
    made = [FormField(f, getattr(row, f.name) if row is not None else f.default, prefix="part-") for f in fields]
    problems: list[str] = []
    if request.method == "POST":
        data = {}
        for one in made:
            one.value = data[one.name] = read_value(one.field, request.POST)
        try:
            with intend(actor=request.user) as intention:
                if row is None:
                    add(deal=deal, data=data, actor=request.user)
                else:
                    change(**{argument: row}, data=data, actor=request.user)
        except Refusal as error:
            found = problems_of(error)
            for one in made:
                one.errors = found.pop(one.name, [])
            problems = [s for sentences in found.values() for s in sentences if not any(s in one.errors for one in made)]
        else:
            toast(request, _("Saved"), undo=intention.id)
            return done(request, **CHANGED)
    return render(request, "sales/part_form.html", {
        "made": made, "problems": problems, "row": row,
        "action": f"/deals/{deal.pk}/{kind}/{row.pk if row is not None else 'new'}",
        "title": _("Person in the deal") if kind == "people" else _("Line of the deal"),
    }, status=422 if request.method == "POST" else 200)


@page("POST")
def part_remove(request: HttpRequest, pk: uuid.UUID, kind: str, part_id: uuid.UUID) -> HttpResponse:
    """Take a person or a line out of the deal."""
    deal = deal_or_404(request, pk)
    row = visible_to(request.user, PARTS[kind][0]).filter(pk=part_id, deal=deal).select_related("deal").first()
    if row is None:
        raise Http404
    with intend(actor=request.user) as intention:
        remove_part(part=row, actor=request.user)
    toast(request, _("Removed"), undo=intention.id)
    return done(request, **CHANGED)


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
