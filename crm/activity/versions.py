"""The versions of a record, made from the log: each change is one, and the record as of any moment is known.

Works on columns; ``crm.records.versions`` gives them their public names and keeps hidden ones hidden.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models

from crm.activity.models import ActivityLog
from crm.activity.triggers import logged_columns, masked_columns

QUIET = frozenset({"version", "updated_at"})


@dataclass(frozen=True)
class Version:
    """One state of a record: the change that made it."""

    id: uuid.UUID
    at: datetime
    action: str
    user_id: uuid.UUID | None
    change_set_id: uuid.UUID | None
    changes: dict[str, list[Any]]
    number: int | None
    """The record's version number, where it has one."""


def versions(obj: models.Model, *, before: uuid.UUID | None = None, limit: int = 50) -> list[Version]:
    """Return the newest versions of a record (with ``before``: older than that one)."""
    rows = _rows(obj)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [_version(row) for row in rows.order_by("-id")[:limit]]


def version(obj: models.Model, id: uuid.UUID) -> Version | None:
    """Return one version of a record."""
    row = _rows(obj).filter(id=id).first()
    return _version(row) if row else None


def state_at(obj: models.Model, at: Version) -> dict[str, Any]:
    """Return the columns of a record as they were right after a version: today's, with all later changes undone.

    Masked columns are left out: their values are not known.
    """
    columns = set(logged_columns(type(obj))) - masked_columns(type(obj))
    table, pk = obj._meta.db_table, obj._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT (SELECT to_jsonb(t) FROM "{table}" t WHERE t."{pk}" = %(pk)s),
                   (SELECT jsonb_object_agg(key, value) FROM (
                        SELECT DISTINCT ON (e.key) e.key, e.value -> 0 AS value
                          FROM activity_log l, jsonb_each(l.changes) e
                         WHERE l.entity_id = %(pk)s AND l.kind = 'change' AND l.table_name = %(table)s
                           AND (l.created_at, l.id) > (%(at)s, %(id)s)
                         ORDER BY e.key, l.created_at, l.id) earliest)
            """,
            {"pk": obj.pk, "table": table, "at": at.at, "id": at.id},
        )
        today, later = (_json(v) or {} for v in cursor.fetchone())
    return {c: later.get(c, today.get(c)) for c in columns}


def _json(value: Any) -> Any:
    return models.JSONField().from_db_value(value, None, connection) if isinstance(value, str) else value


def _rows(obj: models.Model) -> "models.QuerySet[ActivityLog]":
    return ActivityLog.objects.filter(
        entity_id=obj.pk, kind=ActivityLog.Kind.CHANGE, table_name=obj._meta.db_table
    )


def _version(row: ActivityLog) -> Version:
    number = row.changes.get("version", [None, None])[1]
    shown = {k: v for k, v in row.changes.items() if k not in QUIET}
    return Version(row.id, row.created_at, row.action, row.user_id, row.change_set_id, shown, number)
