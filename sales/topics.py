"""Who may listen to a board."""

from typing import Any

from crm.access.policy import allows, policy_of
from crm.realtime.topics import topic
from sales.models import Deal


@topic("board")
def board(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool:
    """``board:<pipeline>``: whoever may see deals; of one deal only those who may see that one."""
    if len(parts) != 1 or not allows(user, "view", Deal):
        return False
    if not data or "id" not in data:
        return True
    return policy_of(Deal).visible(Deal.everything.filter(pk=data["id"]), user).exists()
