"""What people are to win in a quarter: reading it for those one sees, and setting it."""

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from crm.access.policy import require, visible_to
from crm.activity.intention import verb
from crm.records.services import create_record, delete_record, update_record
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


@verb
def set_goals(*, amounts: dict[uuid.UUID, str], actor: Any) -> None:
    """Set what each person is to win in a quarter; an empty amount is no goal."""
    require(actor, "change", Goal)
    known = {goal.user_id: goal for goal in Goal.objects.filter(user__in=amounts)}
    for user_id, amount in amounts.items():
        goal = known.get(user_id)
        if goal is None and amount:
            create_record(of="goal", data={"user": str(user_id), "amount": amount}, actor=actor)
        elif goal is not None and amount:
            update_record(obj=goal, data={"amount": amount}, actor=actor)
        elif goal is not None:
            delete_record(obj=goal, actor=actor)
