"""Putting a deal into another lane of a board: its owner, the month of its close, or how its customer stands."""

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import allows, field_rights, visible_to
from crm.accounts.models import User
from crm.lib.errors import Denied, Invalid
from crm.records.services import update_record
from customers.models import Customer
from sales.cells import NONE, PAST
from sales.models import Deal
from sales.months import day_in, month_name


@dataclass(frozen=True)
class LaneChange:
    """What a lane makes of a deal: fields of its own, or the status of its customer; and the lane's name."""

    label: str
    data: dict[str, Any] = field(default_factory=dict)
    status: str = ""


def lane_change(deal: Deal, lanes: str, lane: str, user: Any) -> LaneChange | None:
    """Return what putting ``deal`` into a lane changes; None where the board has no lanes that could change anything."""
    makers = {"owner": _owner, "month": _month, "status": _status}
    return makers[lanes](deal, lane, user) if lanes in makers and lane else None


def change_status(deal: Deal, change: LaneChange, user: Any) -> None:
    """Give the customer of ``deal`` the status of the lane, as far as the user may."""
    customer = visible_to(user, Customer).filter(pk=deal.customer_id).first() if deal.customer_id else None
    if customer is None:
        raise Invalid.field("customer", _("This lane is about the customer, and the deal has none that you can change."))
    update_record(obj=customer, data={"status": change.status}, actor=user)


def _owner(deal: Deal, lane: str, user: Any) -> LaneChange:
    if not allows(user, "assign", deal):
        raise Denied(_("You may not give deals to other people."))
    if lane == NONE:
        return LaneChange(_("Nobody"), {"assigned_user": None})
    try:
        person = User.objects.active().filter(pk=uuid.UUID(lane)).first()
    except ValueError:
        person = None
    if person is None:
        raise Invalid.field("assigned_user", _("This person does not work here any more."))
    return LaneChange(person.name, {"assigned_user": str(person.pk)})


def _month(deal: Deal, lane: str, user: Any) -> LaneChange:
    if lane == NONE:
        return LaneChange(_("No date"), {"expected_close_date": None})
    if lane == PAST:
        raise Invalid.field("expected_close_date", _("These months have passed: a deal is not expected to close in one of them."))
    try:
        first = dt.date.fromisoformat(f"{lane}-01")
    except ValueError:
        raise Invalid.field("expected_close_date", _("This is not a date.")) from None
    return LaneChange(month_name(first), {"expected_close_date": day_in(first, deal.expected_close_date)})


def _status(deal: Deal, lane: str, user: Any) -> LaneChange:
    if lane == NONE:
        raise Invalid.field("customer", _("A deal keeps its customer: take it off on the page of the deal."))
    if lane not in Customer.Status.values or not field_rights(user, Deal).can_read("customer"):
        raise Invalid.field("lane", _("There are no such lanes."))
    return LaneChange(str(Customer.Status(lane).label), status=lane)
