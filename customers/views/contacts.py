"""Ways to reach a person, postal addresses, and relationships, edited on the record's page."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Refusal
from crm.records.fields import Field
from crm.ui.forms import FormField, read_value
from crm.ui.pages import done, page, problems_of, render, toast
from crm.ui.values import is_uuid
from customers.models import Company, Customer, CustomerAddress, CustomerContact, Relationship
from customers.services.contacts import (
    ADDRESS_FIELDS,
    METHOD_FIELDS,
    add_address,
    add_contact_method,
    change_address,
    change_contact_method,
    remove_contact,
)
from customers.services.relationships import relate, unrelate

PARTS: dict[str, tuple[type[Any], tuple[Field, ...], Any, Any, str]] = {
    "contacts": (CustomerContact, METHOD_FIELDS, add_contact_method, change_contact_method, "method"),
    "addresses": (CustomerAddress, ADDRESS_FIELDS, add_address, change_address, "address"),
}
CHANGED = {"record:changed": {}, "dialog:close": {}}


def _customer(request: HttpRequest, pk: uuid.UUID) -> Customer:
    found = visible_to(request.user, Customer).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@page("GET POST")
def part(request: HttpRequest, pk: uuid.UUID, kind: str, part_id: uuid.UUID | None = None) -> HttpResponse:
    """Show the form of a contact method or an address, or save it."""
    customer = _customer(request, pk)
    model, fields, add, change, argument = PARTS[kind]
    row = None
    if part_id is not None:
        row = model.objects.filter(pk=part_id, customer=customer).select_related("customer").first()
        if row is None:
            raise Http404
    made = [FormField(f, getattr(row, f.name, None) if row is not None else None, prefix="part-") for f in fields]
    problems: list[str] = []
    if request.method == "POST":
        data = {}
        for one in made:
            one.value = data[one.name] = read_value(one.field, request.POST)
        try:
            with intend(actor=request.user) as intention:
                if row is None:
                    add(customer=customer, data=data, actor=request.user)
                else:
                    change(**{argument: row}, data=data, actor=request.user)
        except Refusal as error:
            found = problems_of(error)
            for one in made:
                one.errors = found.pop(one.name, [])
            problems = [s for sentences in found.values() for s in sentences]
        else:
            toast(request, _("Saved"), undo=intention.id)
            return done(request, **CHANGED)
    context = {
        "customer": customer, "made": made, "problems": problems, "row": row,
        "action": f"/customers/{customer.pk}/{kind}/{row.pk if row is not None else 'new'}",
        "title": _("Contact method") if kind == "contacts" else _("Address"),
    }
    return render(request, "customers/part_form.html", context, status=422 if request.method == "POST" else 200)


@page("POST")
def part_remove(request: HttpRequest, pk: uuid.UUID, kind: str, part_id: uuid.UUID) -> HttpResponse:
    """Remove a contact method or an address."""
    customer = _customer(request, pk)
    row = PARTS[kind][0].objects.filter(pk=part_id, customer=customer).select_related("customer").first()
    if row is None:
        raise Http404
    with intend(actor=request.user) as intention:
        remove_contact(part=row, actor=request.user)
    toast(request, _("Removed"), undo=intention.id)
    return done(request, **CHANGED)


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
        if is_uuid(key):
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
