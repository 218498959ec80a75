"""Who may listen to a board."""

import uuid
from typing import Any

from crm.access.policy import allows, policy_of
from crm.realtime.topics import edits_shown_on, topic
from sales.models import Deal


@topic("board")
def board(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool:
    """``board:<pipeline>``: whoever may see deals; of one deal only those who may see that one."""
    if len(parts) != 1 or not allows(user, "view", Deal):
        return False
    if not data or "id" not in data:
        return True
    return policy_of(Deal).visible(Deal.everything.filter(pk=data["id"]), user).exists()


@edits_shown_on("record:deal")
def boards_of(record_id: str) -> list[tuple[str, str]]:
    """A deal that is edited, wherever that is, is marked on the board of its pipeline."""
    try:
        pk = uuid.UUID(record_id)
    except ValueError:
        return []
    pipeline = Deal.objects.filter(pk=pk).values_list("pipeline_id", flat=True).first()
    return [(f"board:{pipeline}", f"deal:{pk}")] if pipeline else []
