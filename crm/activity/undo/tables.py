"""What the undo knows of the tables: keys, references, and columns that only make sense together."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import connection, models

from crm.activity.triggers import key_column, logged_columns, logged_models, masked_columns

MONOTONIC = frozenset({"version", "auth_epoch"})
"""Counters that only ever rise: an undo raises them, so that an old ETag or token never becomes valid again."""

NOT_CONTENT = MONOTONIC | {"updated_at"}


@dataclass(frozen=True)
class Reference:
    """A column of one table that points to rows of another."""

    table: str
    column: str
    on_delete: str
    """``cascade``, ``set_null`` or ``protect``; how Django would treat the row when its target goes."""
    logged: bool
    target: str = ""
    """The column it points to, where that is not the key."""


class Table:
    """One logged table, with what is needed to put its rows back."""

    def __init__(self, model: type[models.Model], entity: str) -> None:
        self.model = model
        self.entity = entity
        self.name = str(model._meta.db_table)
        self.pk = str(model._meta.pk.column)
        self.key = key_column(model)
        self.columns = logged_columns(model)
        self.masked = masked_columns(model) & set(self.columns)
        self.content = [c for c in self.columns if c not in NOT_CONTENT and c not in self.masked]

    @cached_property
    def pk_type(self) -> str:
        """Return the SQL type of the key."""
        pk = self.model._meta.pk
        field = pk.target_field if isinstance(pk, models.ForeignKey) else pk
        return str(field.rel_db_type(connection))

    @cached_property
    def owner(self) -> str | None:
        """Return the column that points to the record that a row is a part of (a contact method's customer)."""
        for f in self.model._meta.concrete_fields:
            if isinstance(f, models.ForeignKey) and f.remote_field.on_delete is models.CASCADE:
                return str(f.column)
        names = {f.name for f in self.model._meta.concrete_fields}
        return "record_id" if {"entity", "record_id"} <= names else None

    @cached_property
    def targets(self) -> list[tuple[str, str, str]]:
        """Return (column, table it points to, that table's key) of every foreign key with a constraint."""
        return [
            (str(f.column), str(f.related_model._meta.db_table), str(f.target_field.column))
            for f in self.model._meta.concrete_fields
            if isinstance(f, models.ForeignKey) and f.db_constraint
        ]

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Return the defaults of the columns that may not be empty, for rows logged before a column was there."""
        found: dict[str, Any] = {}
        for f in self.model._meta.concrete_fields:
            if not f.null and not f.generated and not f.primary_key and f.has_default():
                found[str(f.column)] = f.get_default()
        return found

    @cached_property
    def groups(self) -> list[list[str]]:
        """Return the columns that a constraint ties together: they are put back all or none."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT (SELECT array_agg(a.attname::text) FROM pg_attribute a
                         WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey))
                  FROM pg_constraint c
                 WHERE c.conrelid = %s::regclass AND c.contype IN ('c', 'f') AND array_length(c.conkey, 1) > 1
                """,
                [self.name],
            )
            found = [set(row[0]) for row in cursor.fetchall()]
        groups: list[set[str]] = []
        for columns in found:
            joined = [g for g in groups if g & columns]
            groups = [g for g in groups if not g & columns]
            groups.append(columns.union(*joined))
        return [sorted(g) for g in groups]


def logged_tables() -> dict[str, Table]:
    """Return every logged table by its name."""
    return {str(m._meta.db_table): Table(m, name) for m, name in logged_models().items()}


def references_to(table: Table, known: dict[str, Table]) -> list[Reference]:
    """Return the columns anywhere that point to rows of ``table``, by foreign key or by ``record_id``."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        name = str(model._meta.db_table)
        for f in model._meta.concrete_fields:
            if isinstance(f, models.ForeignKey) and f.db_constraint and f.related_model is table.model:
                kinds: dict[Any, str] = {models.CASCADE: "cascade", models.SET_NULL: "set_null"}
                found.append(
                    Reference(
                        name, str(f.column), kinds.get(f.remote_field.on_delete, "protect"), name in known,
                        "" if f.target_field.primary_key else str(f.target_field.column),
                    )
                )
        fields = {f.name: f for f in model._meta.concrete_fields}
        if "entity" in fields and isinstance(fields.get("record_id"), models.UUIDField) and table.pk_type == "uuid":
            found.append(Reference(name, str(fields["record_id"].column), "cascade", name in known))
    return found
