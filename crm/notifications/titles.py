"""The records that notifications are about, named only while the reader may see them."""

from typing import Any

from crm.access.policy import visible_to
from crm.notifications.kinds import act_of
from crm.notifications.models import Notification
from crm.records.entity import all_entities


def with_titles(user: Any, rows: list[Notification]) -> list[Notification]:
    """Say what each notification is about, and what it offers to do; one statement for each kind of record."""
    known = all_entities()
    wanted: dict[str, set[Any]] = {}
    for row in rows:
        if row.record_id and row.entity in known:
            wanted.setdefault(row.entity, set()).add(row.record_id)
    titles = {
        (name, obj.pk): str(obj)
        for name, ids in wanted.items()
        for obj in visible_to(user, known[name].model).filter(pk__in=ids)
    }
    for row in rows:
        declared = known.get(row.entity)
        row.title = titles.get((row.entity, row.record_id), "")
        row.entity_icon = declared.icon if declared is not None else "circle"
        act = act_of(row.kind, row.entity) if row.title else None
        row.act = act.on(row.url) if act is not None else None
    return rows
