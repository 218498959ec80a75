"""Custom fields as declared fields, kept in memory until their stamp moves."""

import threading
from typing import Any

from crm.access import stamps
from crm.records.fields import Choice, Field, Kind
from crm.records.models.customfield import CustomField

STAMP = "custom_fields"

_lock = threading.Lock()
_kept: dict[str, Any] = {"stamp": None, "fields": {}}


def custom_fields(entity: str) -> list[Field]:
    """Return the living custom fields of an entity, in their order."""
    stamp = stamps.seen(STAMP)
    with _lock:
        if _kept["stamp"] != stamp:
            _kept["fields"] = _load()
            _kept["stamp"] = stamp
        return list(_kept["fields"].get(entity, []))


def forget_custom_fields() -> None:
    """Make the next question read the definitions again."""
    with _lock:
        _kept["stamp"] = None


def as_field(row: CustomField) -> Field:
    """Return the declaration that a stored definition stands for."""
    return Field(
        name=row.key,
        kind=Kind(row.kind),
        label=row.label,
        path=f"custom__{row.key}",
        required=row.is_required,
        choices=tuple(
            Choice(str(c["value"]), str(c.get("label", c["value"])), hue=str(c.get("hue", "")))
            for c in row.choices
        ),
        link=row.link_entity,
        max_length=row.max_length,
        min_value=row.min_value,
        max_value=row.max_value,
        group=row.group,
        help=row.help_text,
        in_list=row.in_list,
        custom=True,
    )


def _load() -> dict[str, list[Field]]:
    found: dict[str, list[Field]] = {}
    for row in CustomField.objects.filter(archived_at=None).order_by("entity", "position", "created_at"):
        found.setdefault(row.entity, []).append(as_field(row))
    return found
