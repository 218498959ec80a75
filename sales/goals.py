"""What people are to win in a quarter, for those whose deals one sees."""

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from crm.access.policy import visible_to
from sales.models import Goal
from sales.totals import amounts_shown


def goal_of(user: Any, owners: Sequence[uuid.UUID] = ()) -> Decimal | None:
    """Return what the people whose deals ``user`` sees are to win this quarter, or some of them; nothing where none is set."""
    if not amounts_shown(user):
        return None
    goals = visible_to(user, Goal).filter(user__is_active=True)
    if owners:
        goals = goals.filter(user__in=owners)
    found: Decimal | None = goals.order_by().aggregate(all=Sum("amount"))["all"]
    return found


def days_left() -> int:
    """Return how many days of the quarter are left, with today."""
    today = timezone.localdate()
    count = today.year * 12 + (today.month - 1) // 3 * 3 + 3
    return (dt.date(count // 12, count % 12 + 1, 1) - today).days
