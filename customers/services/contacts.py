"""How to reach a customer: contact methods and addresses, one primary of each kind (C2)."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activity.intention import verb
from crm.lib.errors import Detail
from crm.records.fields import Field, Kind, choices_of
from crm.records.services.parts import PartKind, open_for_parts, remove_part, write_part
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


def _fit(row: CustomerContact) -> Iterable[Detail]:
    """Bring a value into the form of its kind: addresses, numbers, web addresses."""
    kind = _BY_KIND.get(CustomerContact.Kind(row.kind))
    if kind is not None:
        try:
            row.value = to_python(Field("value", kind, "", max_length=500), row.value)
        except Bad as bad:
            return [Detail("value", m) for m in bad.messages]
    return []


def _has_a_line(row: CustomerAddress) -> Iterable[Detail]:
    return [] if str(row) or row.region else [Detail("line1", _("An address needs at least one line."))]


def _lower_the_primary(row: Any) -> None:
    if row.is_primary:
        type(row).objects.filter(customer=row.customer, kind=row.kind, is_primary=True).exclude(pk=row.pk).update(is_primary=False)


_TAKEN = ("value", gettext_lazy("This is there already."))
METHODS = PartKind(CustomerContact, "customer", "contacts", METHOD_FIELDS, _TAKEN, _fit, _lower_the_primary)
ADDRESSES = PartKind(CustomerAddress, "customer", "contacts", ADDRESS_FIELDS, _TAKEN, _has_a_line, _lower_the_primary)


@verb
def add_contact_method(*, customer: Customer, data: dict[str, Any], actor: Any) -> CustomerContact:
    """Add a way to reach ``customer``; made primary, it takes the place of the one before."""
    row = CustomerContact(customer=open_for_parts(customer, actor))
    made: CustomerContact = write_part(METHODS, row, data, actor, _("Add contact method"))
    return made


@verb
def change_contact_method(*, method: CustomerContact, data: dict[str, Any], actor: Any) -> CustomerContact:
    """Change a way to reach a customer."""
    open_for_parts(method.customer, actor)
    made: CustomerContact = write_part(METHODS, method, data, actor, _("Change contact method"))
    return made


@verb
def add_address(*, customer: Customer, data: dict[str, Any], actor: Any) -> CustomerAddress:
    """Add a postal address to ``customer``."""
    row = CustomerAddress(customer=open_for_parts(customer, actor))
    made: CustomerAddress = write_part(ADDRESSES, row, data, actor, _("Add address"))
    return made


@verb
def change_address(*, address: CustomerAddress, data: dict[str, Any], actor: Any) -> CustomerAddress:
    """Change a postal address."""
    open_for_parts(address.customer, actor)
    made: CustomerAddress = write_part(ADDRESSES, address, data, actor, _("Change address"))
    return made


@verb
def remove_contact(*, part: CustomerContact | CustomerAddress, actor: Any) -> None:
    """Remove a contact method or an address."""
    remove_part(METHODS, part, actor, _("Remove contact"))
