"""What people are to win in a quarter, for those whose deals one sees."""

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.lib.prepared import PreparedTuples, Shelf
from sales.models import Goal
from sales.totals import amounts_shown

# By the rights of who asks.
_goals: Shelf[PreparedTuples] = Shelf()


def goal_of(user: Any, owners: Sequence[uuid.UUID] = ()) -> Decimal | None:
    """Return what the people whose deals ``user`` sees are to win this quarter, or some of them; nothing where none is set."""
    if not amounts_shown(user):
        return None
    goals = visible_to(user, Goal).filter(user__is_active=True).order_by()
    if owners:
        found: Decimal | None = goals.filter(user__in=owners).aggregate(all=Sum("amount"))["all"]
        return found
    kept = _goals.get(rights_of(user).fingerprint or None, lambda: PreparedTuples(lambda: goals.values_list("amount"), ()))
    return sum(amounts, Decimal(0)) if (amounts := [amount for (amount,) in kept.ask(())]) else None


def days_left() -> int:
    """Return how many days of the quarter are left, with today."""
    today = timezone.localdate()
    count = today.year * 12 + (today.month - 1) // 3 * 3 + 3
    return (dt.date(count // 12, count % 12 + 1, 1) - today).days
