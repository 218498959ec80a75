"""Relationships between people and companies, edited on the record's page."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Refusal
from crm.lib.ids import parse_uuid
from crm.ui.pages import done, page, problems_of, render, toast
from customers.models import Company, Customer, Relationship
from customers.services.relationships import relate, unrelate

CHANGED = {"record:changed": {"fields": ["relationships"]}, "dialog:close": {}}


@page("GET POST")
def relation(request: HttpRequest, side: str, pk: uuid.UUID) -> HttpResponse:
    """Show the form of a new relationship, or add it."""
    here = _end(request, side, pk)
    problems: list[str] = []
    if request.method == "POST":
        try:
            with intend(actor=request.user) as intention:
                other = _other(request)
                relate(
                    kind=request.POST.get("kind", ""), of=other, to=here, actor=request.user, note=request.POST.get("note", "")
                )
        except Refusal as error:
            problems = [s for sentences in problems_of(error).values() for s in sentences]
        else:
            toast(request, _("Relationship added"), undo=intention.id)
            return done(request, **CHANGED)
    context = {
        "here": here, "kinds": Relationship.Kind.choices, "problems": problems, "action": f"/{side}/{here.pk}/relationships/new",
        "sent": request.POST,
    }
    return render(request, "customers/relation_form.html", context, status=422 if problems else 200)


def _end(request: HttpRequest, side: str, pk: uuid.UUID) -> Any:
    model: Any = Company if side == "companies" else Customer
    found = visible_to(request.user, model).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _other(request: HttpRequest) -> Any:
    """Return the person or company that the form names."""
    for name, model in (("customer", Customer), ("company", Company)):
        key = request.POST.get(name, "")
        if parse_uuid(key):
            found = visible_to(request.user, model).filter(pk=key).first()
            if found is not None:
                return found
    raise Invalid(_("Choose a person or a company."))


@page("POST")
def relation_remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Remove a relationship."""
    found = visible_to(request.user, Relationship).filter(pk=pk).first()
    if found is None:
        raise Http404
    with intend(actor=request.user) as intention:
        unrelate(relationship=found, actor=request.user)
    toast(request, _("Relationship removed"), undo=intention.id)
    return done(request, **CHANGED)
