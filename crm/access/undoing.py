"""Who may undo what: those who govern the log, and nobody what he may not change any more."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from crm.access.policy import SYSTEM, all_policies, visible_to
from crm.access.rights import rights_of
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
        # Parts of a record (stage history, contact methods) follow their record.
        if table.model not in policies or table.pk_type != "uuid" or table.owner:
            continue
        # What one made oneself need only be seen still; what one changed must be one's to change.
        for acts, action in (("d", "view"), ("u", "change")):
            _refuse_others(actor, table, acts, action)


def _refuse_others(actor: Any, table: Table, acts: str, action: str) -> None:
    theirs = visible_to(actor, table.model._base_manager.all(), action).values("pk")
    try:
        sql, params = theirs.query.sql_with_params()
        outside = f"AND pk::uuid NOT IN ({sql})"
    except EmptyResultSet:
        outside, params = "", ()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE undo_plan SET keep = 'refused' WHERE tbl = %s AND act = %s AND keep IS NULL AND NOT extra " + outside,
            [table.name, acts, *params],
        )


who_may_undo(governs_the_log)
guards_undo(keep_what_is_not_theirs)
