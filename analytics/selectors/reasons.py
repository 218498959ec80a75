"""Why deals are lost."""

import uuid
from typing import Any

from django.db.models import Count

from analytics.selectors.period import Scope
from analytics.selectors.sales import LOST, deals_of, period_of
from crm.access.policy import field_rights
from sales.models import Deal


def lost_by_reason(user: Any, scope: Scope) -> list[tuple[uuid.UUID | None, str, int]]:
    """Return each reason with the number of deals lost for it in the period, the most frequent first; one statement."""
    if not field_rights(user, Deal).can_read("close_reason"):
        return []
    rows = (
        deals_of(user, scope).filter(LOST & period_of(scope)).order_by()
        .values("close_reason", "close_reason__name").annotate(n=Count("pk")).order_by("-n", "close_reason__name")
    )
    return [(r["close_reason"], r["close_reason__name"] or "", r["n"]) for r in rows]
