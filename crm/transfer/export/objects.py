"""Records as JSON, put together by the database: one object a row, as the API shows it."""

from collections.abc import Iterator

from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm.records.fields import LINKS
from crm.transfer.export.lines import literal, moment, read_lines, types_of
from crm.transfer.export.rows import Exported


def objects_of(exported: Exported) -> Iterator[list[str]] | None:
    """Yield the records as objects of JSON, by the chunk; None where the database cannot write them."""
    raw = exported.raw()
    if raw is None:
        return None
    queryset, sql, params = raw
    types = types_of(queryset)
    shown = exported.shown
    parts: list[tuple[str, str]] = []
    for name in shown.base:
        parts.append((name, _value(f't."{name}"', types[name])))
    for f in shown.fields.values():
        if f.kind in LINKS:
            key = f't."{f.source}_id"'
            pairs = [("id", key), ("name", f't."_name_{f.name}"')]
            if f"{f.source}__code" in types:
                pairs.append(("code", f't."{f.source}__code"'))
            parts.append((f.name, f"CASE WHEN {key} IS NOT NULL THEN {_object(pairs)} END"))
            continue
        alias = exported.alias(f.name, str(f.kind))
        parts.append((f.name, _value(f't."{alias}"', types[alias])))
    if shown.has_custom:
        parts.append(("custom", _object([(name, f"t.custom -> {literal(name)}") for name in shown.custom])))
    if any(not value for _name, value in parts):
        return None
    return read_lines(exported, f"SELECT {_object(parts).replace('%', '%%')}::text FROM ({sql}) AS t", params)


def _object(pairs: list[tuple[str, str]]) -> str:
    """Return the expression of an object; a row has no limit on its columns, as a function has on its arguments."""
    if not pairs:
        return "json_build_object()"
    columns = ", ".join(f'{value} AS "{name}"' for name, value in pairs)
    return f"(SELECT row_to_json(o) FROM (SELECT {columns}) AS o)"


def _value(column: str, kind: models.Field | None) -> str:
    """Return the expression of a value by the type of its column; empty for a type that is not known."""
    if isinstance(kind, models.DateTimeField):
        return moment(column)
    if isinstance(kind, models.DecimalField):
        return f"{column}::text"  # as Python writes it: a number of JSON would lose its places
    known = (
        ArrayField, models.JSONField, models.BooleanField, models.IntegerField, models.FloatField, models.UUIDField, models.DateField,
        models.ForeignKey, models.CharField, models.TextField,
    )
    return column if isinstance(kind, known) else ""
