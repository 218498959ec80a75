"""Who may listen to records, lists and their own news."""

import uuid
from typing import Any

from crm.access.policy import allows, field_rights, policy_of
from crm.realtime.topics import topic
from crm.records.entity import all_entities


@topic("record")
def record(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool | dict[str, Any]:
    """``record:<entity>:<id>``: whoever may see the record; of changed fields only those that he may read."""
    if len(parts) != 2 or not sees(user, parts[0], parts[1]):
        return False
    if data and "of_id" in data and not sees(user, data["of"], data["of_id"]):
        return False
    if not data or not data.get("fields"):
        return True
    rights = field_rights(user, all_entities()[parts[0]].model)
    fields = [key for key in data["fields"] if rights.can_read(key)]
    return {**data, "fields": fields} if fields else False


@topic("list")
def entity_list(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool:
    """``list:<entity>``: whoever may see any; of a single record only those who may see that one."""
    declared = all_entities().get(parts[0]) if len(parts) == 1 else None
    if declared is None or not allows(user, "view", declared.model):
        return False
    return not data or "id" not in data or sees(user, parts[0], data["id"])


@topic("user")
def own_news(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool:
    """``user:<id>``: oneself alone."""
    return parts == [str(user.pk)]


def sees(user: Any, entity: str, record_id: Any) -> bool:
    """Tell whether ``user`` sees a record now; one in the trash is seen by whoever saw it before."""
    declared = all_entities().get(entity)
    try:
        pk = uuid.UUID(str(record_id))
    except ValueError:
        return False
    if declared is None:
        return False
    rows = getattr(declared.model, "everything", declared.model._default_manager)
    return bool(policy_of(declared.model).visible(rows.filter(pk=pk), user).exists())
