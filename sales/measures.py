"""What deals tell in the lists of customers and companies: what is open with each of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum, TextField
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import field_rights, visible_to
from crm.access.rights import rights_of
from crm.records.entity import lend
from crm.records.fields import Field, Kind
from crm.ui.details import Cell, detail
from crm.ui.figures import money
from crm.ui.html import esc
from crm.workspace.models import Workspace
from sales.models import Deal, Stage
from sales.selectors import base_currency

LONG = 10_000_000
"""From here on an amount is written in few letters, so that no digit of it is cut off."""


def offered(user: Any) -> bool:
    """Tell whether a user may see deals and what they are worth."""
    return rights_of(user).may("view", "deal") and field_rights(user, Deal).can_read("value")


def _open(user: Any) -> QuerySet[Deal]:
    return visible_to(user, Deal).filter(outcome=Stage.Outcome.OPEN, archived_at=None)


def _sum_of(by: str) -> Callable[[Any], Any]:
    def expression(user: Any) -> Any:
        return Subquery(_open(user).filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(_sum=Sum("value_base")).values("_sum"))

    return expression


def _told(by: str) -> Callable[[Any], Any]:
    """Return the sum with its currency, which is read once for all rows."""
    total = _sum_of(by)
    return lambda user: JSONObject(
        sum=Cast(total(user), TextField()), code=Subquery(Workspace.objects.values("currency")[:1])
    )


def _total(by: str) -> Callable[[Any, Any], Any]:
    """Return what adds up the open deals of some records, with the currency."""

    def total(rows: Any, user: Any) -> tuple[Decimal | None, str]:
        deals = _open(user).filter(**{f"{by}__in": rows.order_by().values("pk")})
        return deals.aggregate(found=Sum("value_base"))["found"], base_currency()

    return total


def _cell(user: Any) -> Cell:
    none = f'<span class="text-subtle">{esc(_("None"))}</span>'

    def write(obj: Any, told: Any) -> str:
        if not told or not told.get("sum"):
            return none
        amount, code = Decimal(told["sum"]), told["code"] or ""
        full = esc(money(amount, code))
        return f'<span class="num" title="{full}">{esc(money(amount, code, amount >= LONG))}</span>'

    return write


for _on in ("customer", "company"):
    lend(_on, Field(
        "open_deals", Kind.MONEY, gettext_lazy("Open deals"), writable=False, sortable=False, filterable=False, in_form=False,
        formula=gettext_lazy("The sum of the open deals that you see"), expression=_sum_of(_on), offered=offered, lent=True,
        total=_total(_on), aggregate="sum", width=116, place="amount",
    ))
    detail(_on, "open_deals", _told(_on), _cell)
