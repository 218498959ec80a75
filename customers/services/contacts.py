"""How to reach a customer: contact methods and addresses, one primary of each kind (C2)."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import require
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.events import RecordChanged
from crm.records.fields import Field, Kind, choices_of
from crm.records.services.records import lock
from crm.records.services.values import ADDRESS_LABELS, Bad, to_python
from customers.models import Customer, CustomerAddress, CustomerContact

METHOD_FIELDS = (
    Field("kind", Kind.CHOICE, gettext_lazy("Kind"), required=True, choices=choices_of(CustomerContact.Kind)),
    Field("label", Kind.TEXT, gettext_lazy("Label"), max_length=60),
    Field("value", Kind.TEXT, gettext_lazy("Value"), required=True, max_length=500),
    Field("is_primary", Kind.BOOLEAN, gettext_lazy("Primary")),
)
ADDRESS_FIELDS = (
    Field("kind", Kind.CHOICE, gettext_lazy("Kind"), choices=choices_of(CustomerAddress.Kind)),
    *(Field(name, Kind.TEXT, label, max_length={"line1": 255, "line2": 255, "postal_code": 30}.get(name, 120))
      for name, label in ADDRESS_LABELS.items()),
    Field("is_primary", Kind.BOOLEAN, gettext_lazy("Primary")),
)
_BY_KIND = {
    CustomerContact.Kind.EMAIL: Kind.EMAIL, CustomerContact.Kind.PHONE: Kind.PHONE, CustomerContact.Kind.MOBILE: Kind.PHONE,
    CustomerContact.Kind.FAX: Kind.PHONE, CustomerContact.Kind.WEBSITE: Kind.URL,
}


@verb
def add_contact_method(*, customer: Customer, data: dict[str, Any], actor: Any) -> CustomerContact:
    """Add a way to reach ``customer``; made primary, it takes the place of the one before."""
    row = CustomerContact(customer=_mine(customer, actor))
    return _write(row, METHOD_FIELDS, data, actor, _("Add contact method"))


@verb
def change_contact_method(*, method: CustomerContact, data: dict[str, Any], actor: Any) -> CustomerContact:
    """Change a way to reach a customer."""
    _mine(method.customer, actor)
    return _write(method, METHOD_FIELDS, data, actor, _("Change contact method"))


@verb
def add_address(*, customer: Customer, data: dict[str, Any], actor: Any) -> CustomerAddress:
    """Add a postal address to ``customer``."""
    row = CustomerAddress(customer=_mine(customer, actor))
    return _write(row, ADDRESS_FIELDS, data, actor, _("Add address"))


@verb
def change_address(*, address: CustomerAddress, data: dict[str, Any], actor: Any) -> CustomerAddress:
    """Change a postal address."""
    _mine(address.customer, actor)
    return _write(address, ADDRESS_FIELDS, data, actor, _("Change address"))


@verb
def remove_contact(*, part: CustomerContact | CustomerAddress, actor: Any) -> None:
    """Remove a contact method or an address."""
    customer = _mine(part.customer, actor)
    relabel(_("Remove contact"))
    part.delete()
    _announce(customer)


def _mine(customer: Customer, actor: Any) -> Customer:
    locked: Customer = lock(customer)
    require(actor, "change", locked)
    return locked


def _write(row: Any, fields: tuple[Field, ...], data: dict[str, Any], actor: Any, label: str) -> Any:
    """Check the values, lower the primary before, and save; what is wrong comes back at once."""
    relabel(label)
    known = {f.name: f for f in fields}
    problems: list[Detail] = []
    for name, value in data.items():
        try:
            if name not in known:
                raise Bad(_("Unknown field “%(name)s”.") % {"name": str(name)[:60]})
            setattr(row, name, to_python(known[name], value))
        except Bad as bad:
            problems.extend(Detail(str(name), m) for m in bad.messages)
    problems.extend(
        Detail(f.name, _("This field is required."))
        for f in fields if f.required and not getattr(row, f.name) and not any(p.field == f.name for p in problems)
    )
    if not problems and isinstance(row, CustomerContact):
        problems.extend(_fit(row))
    if not problems and isinstance(row, CustomerAddress) and not str(row) and not row.region:
        problems.append(Detail("line1", _("An address needs at least one line.")))
    if problems:
        raise Invalid(problems[0].message if len(problems) == 1 else None, details=problems)
    if row.is_primary:
        type(row).objects.filter(customer=row.customer, kind=row.kind, is_primary=True).exclude(pk=row.pk).update(is_primary=False)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        message = _("This is there already.")
        raise Conflict(message, details=[Detail("value", message)]) from None
    _announce(row.customer)
    return row


def _fit(row: CustomerContact) -> list[Detail]:
    """Bring a value into the form of its kind: addresses, numbers, web addresses."""
    kind = _BY_KIND.get(CustomerContact.Kind(row.kind))
    if kind is None:
        return []
    try:
        row.value = to_python(Field("value", kind, "", max_length=500), row.value)
    except Bad as bad:
        return [Detail("value", m) for m in bad.messages]
    return []


def _announce(customer: Customer) -> None:
    publish(
        RecordChanged(entity="customer", record_id=customer.pk, fields=["contacts"]),
        about=customer, entity="customer", subjects=[customer.company_id],
    )
