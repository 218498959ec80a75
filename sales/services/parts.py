"""What a deal consists of besides its fields: the people who have a say in it, and the lines it is made of."""

import uuid
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import require, visible_to
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.entity import entity
from crm.records.events import RecordChanged
from crm.records.fields import LINKS, Field, Kind, choices_of
from crm.records.services import update_record
from crm.records.services.records import lock
from crm.records.services.values import Bad, to_python
from sales.models import Deal, DealContact, DealProduct

CONTACT_FIELDS = (
    Field("customer", Kind.LINK, gettext_lazy("Person"), link="customer", required=True),
    Field("role", Kind.CHOICE, gettext_lazy("Role"), choices=choices_of(DealContact.Role), default=DealContact.Role.OTHER),
)
LINE_FIELDS = (
    Field("product", Kind.LINK, gettext_lazy("Product"), link="product", required=True),
    Field("quantity", Kind.NUMBER, gettext_lazy("Quantity"), min_value=Decimal("0.001"), max_value=10**9, default=1,
          extra={"places": 3}),
    Field("unit_price", Kind.MONEY, gettext_lazy("Unit price"), min_value=0,
          help=gettext_lazy("Left empty, it is the list price of the product.")),
    Field("discount_percent", Kind.NUMBER, gettext_lazy("Discount, %"), min_value=0, max_value=100, default=0, extra={"places": 2}),
    Field("position", Kind.INTEGER, gettext_lazy("Order"), min_value=0, max_value=32767, default=0),
)
Part = DealContact | DealProduct


@verb
def add_contact(*, deal: Deal, data: dict[str, Any], actor: Any) -> DealContact:
    """Give a person a part in ``deal``; nobody has two."""
    part = DealContact(deal=_mine(deal, actor))
    return _write(part, CONTACT_FIELDS, data, actor, _("Add a person to the deal"))


@verb
def change_contact(*, contact: DealContact, data: dict[str, Any], actor: Any) -> DealContact:
    """Change the part that a person has in a deal."""
    _mine(contact.deal, actor)
    return _write(contact, CONTACT_FIELDS, data, actor, _("Change a person of the deal"))


@verb
def add_line(*, deal: Deal, data: dict[str, Any], actor: Any) -> DealProduct:
    """Add a line to ``deal``; without a price it is sold at the list price of the product."""
    deal = _mine(deal, actor)
    last = deal.lines.order_by("-position").values_list("position", flat=True).first()
    line = DealProduct(deal=deal, position=0 if last is None else min(last + 1, 32767))
    return _write(line, LINE_FIELDS, data, actor, _("Add a line to the deal"))


@verb
def change_line(*, line: DealProduct, data: dict[str, Any], actor: Any) -> DealProduct:
    """Change a line of a deal."""
    _mine(line.deal, actor)
    return _write(line, LINE_FIELDS, data, actor, _("Change a line of the deal"))


@verb
def remove_part(*, part: Part, actor: Any) -> None:
    """Take a person or a line out of a deal."""
    deal = _mine(part.deal, actor)
    relabel(_("Remove from the deal"))
    part.delete()
    _announce(deal, part)


@verb
def take_total(*, deal: Deal, actor: Any, version: int | None = None) -> Deal:
    """Make the sum of the lines the value of ``deal``."""
    lines = list(deal.lines.all())
    if not lines:
        raise Conflict(_("This deal has no lines to add up."))
    relabel(_("Set the value to the total of the lines"))
    return update_record(obj=deal, data={"value": str(total_of(lines))}, actor=actor, version=version)


def total_of(lines: list[DealProduct]) -> Decimal:
    """Return the sum of lines after their discounts."""
    return sum((line.total for line in lines), Decimal(0))


def _mine(deal: Deal, actor: Any) -> Deal:
    locked: Deal = lock(deal)
    require(actor, "change", locked)
    return locked


def _write(part: Any, fields: tuple[Field, ...], data: dict[str, Any], actor: Any, label: str) -> Any:
    """Check the values and save the part; everything that is wrong comes back at once."""
    relabel(label)
    known = {f.name: f for f in fields}
    problems: list[Detail] = []
    for name, value in data.items():
        try:
            if name not in known:
                raise Bad(_("Unknown field “%(name)s”.") % {"name": str(name)[:60]})
            setattr(part, name, _value(known[name], value, actor))
        except Bad as bad:
            problems.extend(Detail(str(name), message) for message in bad.messages)
    given = {p.field for p in problems}
    problems.extend(
        Detail(f.name, _("This field is required."))
        for f in fields if f.required and f.name not in given and getattr(part, f"{f.name}_id") is None
    )
    if isinstance(part, DealProduct) and not problems:
        problems.extend(_priced(part))
    if problems:
        raise Invalid(problems[0].message if len(problems) == 1 else None, details=problems)
    try:
        with transaction.atomic():
            part.save()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != "23505":
            raise Invalid(_("The values do not fit together.")) from None
        message = _("This person is in the deal already.")
        raise Conflict(message, details=[Detail("customer", message)]) from None
    _announce(part.deal, part)
    return part


def _value(f: Field, given: Any, actor: Any) -> Any:
    value = to_python(f, given)
    if f.kind in LINKS and value is not None:
        declared = entity(f.link)
        found = visible_to(actor, declared.model).filter(pk=value).first() if isinstance(value, uuid.UUID) else None
        if found is None:
            raise Bad(_("There is no such %(what)s.") % {"what": declared.label})
        return found
    return f.default if value in (None, "") else value


def _priced(line: DealProduct) -> list[Detail]:
    """Fill the list price in, where it is in the deal's currency."""
    if line.unit_price is None:
        if line.product.currency != line.deal.currency:
            return [Detail("unit_price", _("Give the price in %(currency)s.") % {"currency": line.deal.currency})]
        line.unit_price = line.product.price
    return []


def _announce(deal: Deal, part: Part) -> None:
    name = "contacts" if isinstance(part, DealContact) else "lines"
    publish(
        RecordChanged(entity="deal", record_id=deal.pk, fields=[name]), about=deal, entity="deal",
        subjects=[deal.customer_id, deal.company_id],
    )
