"""Who may undo what: those who govern the log, and nobody what he may not change any more."""

from typing import Any

from django.db import connection

from crm.access.policy import SYSTEM, all_policies, visible_to
from crm.access.rights import rights_of
from crm.activity.models import ChangeSet
from crm.activity.undo import Plan, guards_undo, who_may_undo


def governs_the_log(actor: Any, change_set: ChangeSet) -> bool:
    """Tell whether the actor may undo what others did."""
    return actor is SYSTEM or rights_of(actor).may("manage", "audit")


def keep_what_is_not_theirs(actor: Any, plan: Plan) -> None:
    """Leave alone the rows that the actor may not change (any more), whoever wrote them then."""
    if actor is SYSTEM or rights_of(actor).is_admin:
        return
    policies = all_policies()
    for table in plan.tables.values():
        if table.model not in policies or table.pk_type != "uuid":
            continue
        theirs = visible_to(actor, table.model._base_manager.all(), "change").values("pk")
        sql, params = theirs.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE undo_plan SET keep = 'refused' WHERE tbl = %s AND keep IS NULL AND act IN ('d', 'u') AND NOT extra "
                f"AND pk::uuid NOT IN ({sql})",
                [table.name, *params],
            )


who_may_undo(governs_the_log)
guards_undo(keep_what_is_not_theirs)
