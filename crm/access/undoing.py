"""Who may undo what: those who govern the log, and nobody what he may not change any more."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

from crm.access.policy import SYSTEM, all_policies, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.activity.models import ChangeSet
from crm.activity.undo import Plan, guards_undo, who_may_undo
from crm.activity.undo.tables import Table


def governs_the_log(actor: Any, change_set: ChangeSet) -> bool:
    """Tell whether the actor may undo what others did."""
    return actor is SYSTEM or rights_of(actor).may("manage", "audit")


def keep_what_is_not_theirs(actor: Any, plan: Plan) -> None:
    """Leave alone the rows that the actor may not change (any more), whoever wrote them then."""
    if actor is SYSTEM or rights_of(actor).is_admin:
        return
    policies = all_policies()
    for table in plan.tables.values():
        whole = _whole_of(table, policies)
        if whole is not None:
            _refuse_parts(actor, table, *whole)
            continue
        if table.model not in policies or table.pk_type != "uuid" or table.owner == "record_id":
            continue
        # What one made oneself need only be seen still; what one changed must be one's to change.
        for acts, action in (("d", "view"), ("u", "change")):
            _refuse_others(actor, table, acts, action)


def _whole_of(table: Table, policies: Mapping[type[models.Model], Any]) -> tuple[str, type[models.Model]] | None:
    """Return the column and model of the record that a row is a part of: a contact method's customer, a share's record."""
    for f in table.model._meta.concrete_fields:
        if isinstance(f, models.ForeignKey) and f.remote_field.on_delete is models.CASCADE:
            model: Any = f.related_model
            if model in policies and model is not User:
                return str(f.column), model
    return None


def _refuse_parts(actor: Any, table: Table, column: str, model: type[models.Model]) -> None:
    """Leave alone the parts of records that the actor sees no longer, or (to write them) may not change any more."""
    for acts, action in (("d", "view"), ("u", "change"), ("i", "change")):
        outside, params = _outside(actor, model, action)
        if acts == "i":
            # A record that comes back itself brings its parts with it.
            rows, owner = "", f"(p.before ->> '{column}')::uuid"
            outside += (
                " AND NOT EXISTS (SELECT 1 FROM undo_plan q WHERE q.tbl = %s AND q.act = 'i' AND q.keep IS NULL"
                f" AND q.pk = p.before ->> '{column}')"
            )
            params = (*params, str(model._meta.db_table))
        else:
            rows, owner = f', "{table.name}" t', f't."{column}"'
            outside += f' AND t."{table.pk}" = p.pk::{table.pk_type}'
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE undo_plan p SET keep = 'refused' FROM (SELECT 1) one{rows} WHERE p.tbl = %s AND p.act = %s "
                f"AND p.keep IS NULL AND NOT p.extra AND {owner} IS NOT NULL {outside.format(key=owner)}",
                [table.name, acts, *params],
            )


def _outside(actor: Any, model: type[models.Model], action: str) -> tuple[str, tuple[Any, ...]]:
    """Return the condition for keys of records out of the actor's reach, with ``{key}`` for the key."""
    try:
        sql, params = visible_to(actor, model._base_manager.all(), action).values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "", ()
    return "AND {key} NOT IN (" + sql.replace("{", "{{").replace("}", "}}") + ")", params


def _refuse_others(actor: Any, table: Table, acts: str, action: str) -> None:
    outside, params = _outside(actor, table.model, action)
    outside = outside.format(key="pk::uuid")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE undo_plan SET keep = 'refused' WHERE tbl = %s AND act = %s AND keep IS NULL AND NOT extra " + outside,
            [table.name, acts, *params],
        )


who_may_undo(governs_the_log)
guards_undo(keep_what_is_not_theirs)
