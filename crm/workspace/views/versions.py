"""The versions of a record: what changed when, two compared, and one brought back."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import allows, visible_to
from crm.activity.intention import intend
from crm.lib.errors import Missing, Refusal
from crm.lib.ids import parse_uuid
from crm.records.entity import Entity, all_entities
from crm.records.versions import compare, history, roll_back
from crm.ui.pages import page, redirect_to, render, toast

PAGE = 50


@page()
def record_history(request: HttpRequest, name: str, pk: uuid.UUID) -> HttpResponse:
    """Show the versions of a record; with ``with=<version>`` what differs between it and today."""
    of, obj = _record(request, all_entities().get(name), pk)
    before, chosen = parse_uuid(request.GET.get("before", "")), parse_uuid(request.GET.get("with", ""))
    found = history(obj, request.user, before=before, limit=PAGE + 1)
    try:
        differences = compare(obj, request.user, older=chosen) if chosen else []
    except Missing:
        raise Http404 from None
    context: dict[str, Any] = {
        "entity": of, "obj": obj, "url": of.url(obj), "versions": found[:PAGE], "chosen": chosen,
        "differences": differences, "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "may_change": allows(request.user, "change", obj),
    }
    return render(request, "workspace/activity/history.html", context)


@page("POST")
def record_roll_back(request: HttpRequest, name: str, pk: uuid.UUID) -> HttpResponse:
    """Give a record the values of an earlier version."""
    of, obj = _record(request, all_entities().get(name), pk)
    to = parse_uuid(request.POST.get("version", ""))
    address = f"/history/{of.name}/{obj.pk}"
    if to is None:
        raise Http404
    try:
        with intend(actor=request.user) as intention:
            roll_back(obj=obj, to=to, actor=request.user)
    except Refusal as refusal:
        words = [refusal.message, *(d.message for d in refusal.details if d.message != refusal.message)]
        toast(request, " ".join(words), level="error")
        return redirect_to(request, f"{address}?with={to}")
    toast(request, _("Rolled back."), undo=intention.id)
    return redirect_to(request, address)


def _record(request: HttpRequest, of: Entity | None, pk: uuid.UUID) -> tuple[Entity, Any]:
    if of is None or "pages" not in of.abilities:
        raise Http404
    found = visible_to(request.user, of.model).filter(pk=pk).first()
    if found is None:
        raise Http404
    return of, found
