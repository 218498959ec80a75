"""Carrying out a plan: deletes, then put-backs, then inserts; a row that breaks a rule is left out and named."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.activity.undo.plan import RULE, Plan, _run
from crm.activity.undo.tables import Table
from crm.lib.errors import Conflict

MOST_REFUSED = 500
"""More rows than this that break a rule are no exceptions but a plan that does not fit any more."""


def apply_plan(plan: Plan) -> None:
    """Do what the plan says, inside the caller's transaction."""
    _run("SET LOCAL rapport.undoing = 'on'")
    _run("SET CONSTRAINTS ALL DEFERRED")
    _lock(plan)
    for reference, table in plan.nulled:
        _run(
            f'UPDATE "{reference.table}" r SET "{reference.column}" = NULL FROM undo_plan p WHERE p.tbl = %s '
            f"AND p.act = 'd' AND p.keep IS NULL AND r.\"{reference.column}\" = p.pk::{table.pk_type}",
            [table.name],
        )
    for act, statement in (("d", _delete), ("u", _put_back), ("i", _insert)):
        for table in plan.tables.values():
            sql = statement(table)
            if sql:
                _in_parts(table, act, sql)
    try:
        with transaction.atomic():
            _run("SET CONSTRAINTS ALL IMMEDIATE")
    except IntegrityError as error:
        raise Conflict(
            _("This cannot be undone any more: what was made since depends on it (%(rule)s).")
            % {"rule": _rule(error)}
        ) from None
    _run("SET CONSTRAINTS ALL DEFERRED")
    _run("SET LOCAL rapport.undoing = ''")


def _lock(plan: Plan) -> None:
    for table in plan.tables.values():
        _run(
            f'SELECT count(*) FROM (SELECT 1 FROM "{table.name}" t JOIN undo_plan p ON t."{table.pk}" = p.pk::{table.pk_type} '
            f"WHERE p.tbl = %s AND p.keep IS NULL AND p.act IN ('d', 'u') ORDER BY t.\"{table.pk}\" FOR UPDATE OF t) locked",
            [table.name],
        )


def _delete(table: Table) -> str:
    return f'DELETE FROM "{table.name}" t USING part p WHERE t."{table.pk}" = p.pk::{table.pk_type}'


def _put_back(table: Table) -> str:
    keys = [
        row[0]
        for row in _run(
            "SELECT DISTINCT k FROM undo_plan p, jsonb_object_keys(p.before) k WHERE p.tbl = %s AND p.act = 'u' AND p.keep IS NULL",
            [table.name],
        )
    ]
    columns = [c for c in table.columns if c in keys]
    if not columns:
        return ""
    sets = [f'"{c}" = cur."{c}" + 1' if c == "auth_epoch" else f'"{c}" = r."{c}"' for c in columns]
    if "version" in table.columns:
        sets.append("version = cur.version + 1")
    if "updated_at" in table.columns:
        sets.append("updated_at = clock_timestamp()")
    return (
        f'UPDATE "{table.name}" t SET {", ".join(sets)} FROM part p JOIN "{table.name}" cur ON cur."{table.pk}" = p.pk::{table.pk_type}, '
        f"LATERAL jsonb_populate_record(cur, p.before - p.blocked) r "
        f"WHERE t.\"{table.pk}\" = cur.\"{table.pk}\" AND p.before - p.blocked <> '{{}}'"
    )


def _insert(table: Table) -> str:
    columns = ", ".join(f'"{c}"' for c in table.columns)
    values = []
    for c in table.columns:
        if c in table.masked:
            # The value was never logged: one that fits nothing takes its place.
            values.append(f"CASE WHEN r.\"{c}\" IS NOT NULL THEN '!' || gen_random_uuid() END")
        elif c == "version":
            values.append("r.version + 1")
        elif c == "updated_at" and "version" in table.columns:
            values.append("clock_timestamp()")
        else:
            values.append(f'r."{c}"')
    defaults = json.dumps(table.defaults, cls=DjangoJSONEncoder).replace("'", "''").replace("%", "%%")
    return (
        f'INSERT INTO "{table.name}" ({columns}) SELECT {", ".join(values)} FROM part p, '
        f"LATERAL jsonb_populate_record(NULL::\"{table.name}\", '{defaults}'::jsonb || p.before) r"
    )


def _in_parts(table: Table, act: str, sql: str) -> None:
    """Run a statement over all rows of one table; halve the rows around those that break a rule."""
    _run("DROP TABLE IF EXISTS pg_temp.undo_part")
    _run(
        "CREATE TEMP TABLE undo_part ON COMMIT DROP AS SELECT pk, before, blocked, row_number() OVER (ORDER BY pk) AS n "
        "FROM undo_plan WHERE tbl = %s AND act = %s AND keep IS NULL",
        [table.name, act],
    )
    total = _run("SELECT count(*) FROM undo_part")[0][0]
    if not total:
        return
    _run("ANALYZE undo_part (pk, n)")
    refused = 0
    waiting = [(1, total)]
    while waiting:
        low, high = waiting.pop()
        try:
            with transaction.atomic():
                _run(f"WITH part AS (SELECT * FROM undo_part WHERE n BETWEEN {low} AND {high}) {sql}".replace("%%", "%"))
        except IntegrityError as error:
            if low == high:
                refused += 1
                if refused > MOST_REFUSED:
                    raise Conflict(_("This cannot be undone any more: too much of it breaks a rule by now.")) from None
                _run(
                    "UPDATE undo_plan SET keep = %s, detail = %s WHERE tbl = %s AND pk = (SELECT pk FROM undo_part WHERE n = %s)",
                    [RULE, _rule(error), table.name, low],
                )
            else:
                middle = (low + high) // 2
                waiting += [(low, middle), (middle + 1, high)]


def _rule(error: DatabaseError) -> str:
    diagnosis: Any = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", "") or "")
