"""Putting rows and facts into the past."""

import dataclasses
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, models

from crm.activity.facts import fact_name
from crm.activity.intention import Intention
from crm.activity.models import ActivityLog


def id_at(moment: datetime) -> uuid.UUID:
    """Return an identifier that sorts as one made at ``moment``."""
    made = bytearray(int(moment.timestamp() * 1000).to_bytes(6, "big") + secrets.token_bytes(10))
    made[6] = made[6] & 0x0F | 0x70
    made[8] = made[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(made))


def backdate(model: type[models.Model], moments: dict[uuid.UUID, tuple[datetime, datetime]]) -> None:
    """Set when rows were made and last changed, in one statement."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS t SET created_at = v.made, updated_at = v.changed "
            "FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS v(id, made, changed) WHERE t.id = v.id",
            [list(moments), [m[0] for m in moments.values()], [m[1] for m in moments.values()]],
        )


class Chronicle:
    """Facts of the past, written without deliveries: history fires nothing."""

    def __init__(self, intention: Intention) -> None:
        self.intention = intention
        self.entries: list[ActivityLog] = []

    def tell(
        self,
        event: Any,
        *,
        at: datetime,
        about: models.Model,
        user: Any,
        subjects: Iterable[uuid.UUID | None] = (),
    ) -> None:
        """Note that ``event`` happened to ``about`` at a moment."""
        payload = {k: _plain(v) for k, v in dataclasses.asdict(event).items()}
        self.entries.append(
            ActivityLog(
                id=id_at(at),
                created_at=at,
                kind=ActivityLog.Kind.FACT,
                action=fact_name(event),
                entity=str(about._meta.model_name),
                entity_id=about.pk,
                changes=payload,
                subjects=[str(s) for s in dict.fromkeys(subjects) if s],
                user_id=user.pk,
                change_set_id=self.intention.id,
            )
        )

    def write(self) -> None:
        """Write everything that was told."""
        ActivityLog.objects.bulk_create(self.entries, batch_size=500)
        self.entries = []


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list) else str(value)
