"""Setting what people are to win in a quarter."""

import uuid
from typing import Any

from crm.access.policy import require
from crm.activity.intention import verb
from crm.records.services import create_record, delete_record, update_record
from sales.models import Goal


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
