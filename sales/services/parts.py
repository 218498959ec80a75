"""What a deal consists of besides its fields: the people who have a say in it, and the lines it is made of."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Detail
from crm.records.fields import Field, Kind, choices_of
from crm.records.services import parts, update_record
from crm.records.services.parts import PartKind, open_for_parts, write_part
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


def _priced(line: DealProduct) -> Iterable[Detail]:
    """Fill the list price in, where it is in the deal's currency."""
    if line.unit_price is None:
        if line.product.currency != line.deal.currency:
            return [Detail("unit_price", _("Give the price in %(currency)s.") % {"currency": line.deal.currency})]
        line.unit_price = line.product.price
    return []


_TAKEN = ("customer", gettext_lazy("This person is in the deal already."))
CONTACTS = PartKind(DealContact, "deal", "contacts", CONTACT_FIELDS, _TAKEN)
LINES = PartKind(DealProduct, "deal", "lines", LINE_FIELDS, _TAKEN, _priced)


@verb
def add_contact(*, deal: Deal, data: dict[str, Any], actor: Any) -> DealContact:
    """Give a person a part in ``deal``; nobody has two."""
    row = DealContact(deal=open_for_parts(deal, actor))
    made: DealContact = write_part(CONTACTS, row, data, actor, _("Add a person to the deal"))
    return made


@verb
def change_contact(*, contact: DealContact, data: dict[str, Any], actor: Any) -> DealContact:
    """Change the part that a person has in a deal."""
    open_for_parts(contact.deal, actor)
    made: DealContact = write_part(CONTACTS, contact, data, actor, _("Change a person of the deal"))
    return made


@verb
def add_line(*, deal: Deal, data: dict[str, Any], actor: Any) -> DealProduct:
    """Add a line to ``deal``; without a price it is sold at the list price of the product."""
    deal = open_for_parts(deal, actor)
    last = deal.lines.order_by("-position").values_list("position", flat=True).first()
    line = DealProduct(deal=deal, position=0 if last is None else min(last + 1, 32767))
    made: DealProduct = write_part(LINES, line, data, actor, _("Add a line to the deal"))
    return made


@verb
def change_line(*, line: DealProduct, data: dict[str, Any], actor: Any) -> DealProduct:
    """Change a line of a deal."""
    open_for_parts(line.deal, actor)
    made: DealProduct = write_part(LINES, line, data, actor, _("Change a line of the deal"))
    return made


@verb
def remove_part(*, part: DealContact | DealProduct, actor: Any) -> None:
    """Take a person or a line out of a deal."""
    parts.remove_part(CONTACTS if isinstance(part, DealContact) else LINES, part, actor, _("Remove from the deal"))


@verb
def take_total(*, deal: Deal, actor: Any, version: int | None = None) -> Deal:
    """Make the sum of the lines the value of ``deal``."""
    lines = list(deal.lines.all())
    if not lines:
        raise Conflict(_("This deal has no lines to add up."))
    relabel(_("Set the value to the total of the lines"))
    changed: Deal = update_record(obj=deal, data={"value": str(total_of(lines))}, actor=actor, version=version)
    return changed


def total_of(lines: list[DealProduct]) -> Decimal:
    """Return the sum of lines after their discounts."""
    return sum((line.total for line in lines), Decimal(0))
