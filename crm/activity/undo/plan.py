"""The plan of an undo: one row for every row that the change set touched, and what stands in the way.

Everything happens in the database, in sets, in a temporary table; Python sees only counts and the first
conflicts. ``act`` is what the undo does: ``d`` delete a row that was made, ``u`` put values back, ``i`` insert
a row that was removed. ``keep`` is the reason why a row is left alone, ``blocked`` the columns that are.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection

from crm.activity.undo.tables import Reference, Table, logged_tables, references_to

EDITED, GONE, REFERENCED, NEEDED, BELONGS, THERE, TARGET, REFUSED, RULE = (
    "edited", "gone", "referenced", "needed", "belongs", "there", "target", "refused", "rule",
)

_CREATE = """
DROP TABLE IF EXISTS pg_temp.undo_plan;
CREATE TEMP TABLE undo_plan (
    tbl text NOT NULL, pk text NOT NULL, key uuid, act char(1) NOT NULL, before jsonb NOT NULL, after jsonb NOT NULL,
    keep text, blocked text[] NOT NULL DEFAULT '{}', by_set uuid, detail text NOT NULL DEFAULT '', extra bool NOT NULL DEFAULT false,
    PRIMARY KEY (tbl, pk)
) ON COMMIT DROP
"""

# The log knows of every change: only what others touched since has to be compared, value by value.
_TOUCHED = """
DROP TABLE IF EXISTS pg_temp.undo_touched;
CREATE TEMP TABLE undo_touched ON COMMIT DROP AS
SELECT DISTINCT table_name AS tbl, entity_id AS key FROM activity_log
 WHERE created_at >= %(since)s AND kind = 'change' AND change_set_id IS DISTINCT FROM %(set)s AND entity_id IS NOT NULL
"""

_FILL = """
WITH entries AS MATERIALIZED (
    SELECT coalesce(changes -> %(pk)s ->> 1, changes -> %(pk)s ->> 0, entity_id::text) AS pk, entity_id,
           action, changes, created_at, id
      FROM activity_log
     WHERE change_set_id = %(set)s AND kind = 'change' AND table_name = %(table)s AND created_at >= %(since)s
), counted AS MATERIALIZED (SELECT *, count(*) OVER (PARTITION BY pk) AS n FROM entries
), multi AS MATERIALIZED (SELECT * FROM counted WHERE n > 1
), acts AS (
    SELECT pk, min(entity_id::text)::uuid AS key,
           (array_agg(action ORDER BY created_at, id))[1] AS first,
           (array_agg(action ORDER BY created_at DESC, id DESC))[1] AS last
      FROM multi GROUP BY pk
), columns AS (
    SELECT pk, e.key, (array_agg(e.value -> 0 ORDER BY created_at, id))[1] AS before,
           (array_agg(e.value -> 1 ORDER BY created_at DESC, id DESC))[1] AS after
      FROM multi, jsonb_each(changes) e GROUP BY pk, e.key
), merged AS (
    SELECT pk, jsonb_object_agg(key, before) AS before, jsonb_object_agg(key, after) AS after FROM columns
     WHERE key <> %(pk)s OR before IS DISTINCT FROM after GROUP BY pk
)
INSERT INTO undo_plan (tbl, pk, key, act, before, after)
SELECT %(table)s, pk, entity_id, CASE action WHEN 'created' THEN 'd' WHEN 'removed' THEN 'i' ELSE 'u' END,
       CASE WHEN action = 'created' THEN '{}'
            ELSE (SELECT coalesce(jsonb_object_agg(e.key, e.value -> 0), '{}') FROM jsonb_each(changes) e) END,
       CASE WHEN action = 'removed' OR action = 'created' AND entity_id NOT IN (SELECT key FROM undo_touched WHERE tbl = %(table)s) THEN '{}'
            ELSE (SELECT coalesce(jsonb_object_agg(e.key, e.value -> 1), '{}') FROM jsonb_each(changes) e) END
  FROM counted WHERE n = 1
UNION ALL
SELECT %(table)s, acts.pk, acts.key,
       CASE WHEN first = 'created' THEN 'd' WHEN last = 'removed' THEN 'i' ELSE 'u' END, before, after
  FROM acts JOIN merged USING (pk) WHERE NOT (first = 'created' AND last = 'removed')
"""

# Of a row that was updated: only the columns that really differ, and no counters.
_ONLY_CHANGES = """
UPDATE undo_plan SET
    before = coalesce((SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(before) e
               WHERE e.key = ANY (%(columns)s) AND e.value IS DISTINCT FROM after -> e.key), '{}')
 WHERE tbl = %(table)s AND act = 'u'
"""

_GONE = """
UPDATE undo_plan p SET keep = 'gone' WHERE p.tbl = %(table)s AND p.act IN ('u', 'd')
   AND NOT EXISTS (SELECT 1 FROM "{table}" t WHERE t."{pk}" = p.pk::{type})
"""

_CONFLICTS = """
UPDATE undo_plan p SET blocked = found.blocked FROM (
    SELECT n.pk, (SELECT array_agg(e.key) FROM {differing}) AS blocked
      FROM (SELECT q.pk, q.before, q.after, to_jsonb(t) AS j FROM undo_plan q JOIN "{table}" t ON t."{pk}" = q.pk::{type}
             WHERE q.tbl = %(table)s AND q.act = '{act}' AND q.key IN (SELECT key FROM undo_touched WHERE tbl = %(table)s)) n
) found WHERE p.tbl = %(table)s AND p.pk = found.pk AND found.blocked IS NOT NULL
"""
_DIFFERING = {
    "u": "jsonb_each(n.before) e WHERE n.j -> e.key IS DISTINCT FROM n.after -> e.key",
    "d": "jsonb_each(n.j) e WHERE e.key = ANY (%(content)s) AND e.value IS DISTINCT FROM coalesce(n.after -> e.key, 'null') "
         "AND NOT (e.key = 'deleted_at' AND e.value <> 'null')",
}

_CONFLICTS_I = """
UPDATE undo_plan p SET keep = 'there' FROM "{table}" t
 WHERE p.tbl = %(table)s AND p.act = 'i' AND t."{pk}" = p.pk::{type}
"""

# Who changed a blocked column since? What the application did by itself (source "system", nobody's) is no conflict.
_WHO = """
WITH later AS (
    SELECT DISTINCT ON (p.pk) p.pk, l.change_set_id
      FROM undo_plan p JOIN activity_log l ON l.entity_id = p.key AND l.created_at >= %(since)s
      LEFT JOIN activity_changeset c ON c.id = l.change_set_id
     WHERE p.tbl = %(table)s AND p.blocked <> '{}' AND l.kind = 'change' AND l.table_name = %(table)s
       AND l.created_at > %(until)s AND l.change_set_id IS DISTINCT FROM %(set)s
       AND (c.source IS DISTINCT FROM 'system' OR c.user_id IS NOT NULL) AND l.changes ?| p.blocked
     ORDER BY p.pk, l.created_at DESC, l.id DESC
), judged AS (SELECT p.pk, l.change_set_id FROM undo_plan p LEFT JOIN later l USING (pk)
               WHERE p.tbl = %(table)s AND p.blocked <> '{}')
UPDATE undo_plan p SET
    by_set = j.change_set_id,
    blocked = CASE WHEN j.change_set_id IS NULL THEN '{}' ELSE p.blocked END
  FROM judged j WHERE p.tbl = %(table)s AND p.pk = j.pk
"""

_OUTSIDE = """
SELECT {columns} FROM "{ref}" r JOIN undo_plan p ON p.tbl = %(table)s AND p.act = 'd' AND p.keep IS NULL
   AND r."{column}" = {target}
  LEFT JOIN undo_plan q ON q.tbl = %(ref)s AND q.pk = r."{ref_pk}"::text
 WHERE NOT coalesce(q.act = 'd' AND q.keep IS NULL, false)
   AND NOT coalesce(q.act = 'u' AND q.keep IS NULL AND q.before ? %(column)s AND NOT %(column)s = ANY (q.blocked), false)
"""

_MADE_BY = """
EXISTS (SELECT 1 FROM activity_log l LEFT JOIN activity_changeset c ON c.id = l.change_set_id
         WHERE l.entity_id = r."{ref_key}" AND l.table_name = %(ref)s AND l.kind = 'change' AND l.action = 'created'
           AND l.created_at >= %(since)s AND c.source = 'system' AND c.user_id IS NULL
           AND coalesce(l.changes -> %(ref_pk)s ->> 1, r."{ref_pk}"::text) = r."{ref_pk}"::text)
"""

LARGE = 5_000
"""From this many rows on, tables are joined whole."""


@dataclass
class Plan:
    """The plan of one undo, kept in the temporary table."""

    change_set: uuid.UUID
    since: datetime
    until: datetime
    tables: dict[str, Table]
    unknown: list[str] = field(default_factory=list)
    nulled: list[tuple[Reference, Table]] = field(default_factory=list)


def make_plan(change_set: Any, *, force: bool = False, guards: Iterable[Any] = ()) -> Plan:
    """Fill the temporary table for a change set; ``force`` overwrites what was edited since."""
    known = logged_tables()
    since = change_set.created_at - timedelta(days=1)
    _run("SET LOCAL statement_timeout = '10min'")
    _run(_CREATE)
    _run(_TOUCHED, {"set": change_set.pk, "since": since})
    rows = _run(
        "SELECT table_name, max(created_at) FROM activity_log WHERE change_set_id = %(set)s AND kind = 'change' "
        "AND created_at >= %(since)s GROUP BY table_name",
        {"set": change_set.pk, "since": since},
    )
    plan = Plan(
        change_set.pk, since, max((r[1] for r in rows), default=change_set.created_at),
        {name: known[name] for name, _last in rows if name in known},
        [name for name, _last in rows if name not in known],
    )
    for table in plan.tables.values():
        _fill(plan, table)
    _run("ANALYZE undo_plan (tbl, pk, act, keep)")
    if _run("SELECT count(*) FROM undo_plan")[0][0] >= LARGE:
        # The planner knows little of rows made a moment ago; one nested loop over 100,000 of them takes minutes.
        _run("SET LOCAL enable_nestloop = off")
    for table in plan.tables.values():
        _look_for_edits(plan, table, force)
    for guard in guards:
        guard(plan)
    _settle(plan, known)
    return plan


def _fill(plan: Plan, table: Table) -> None:
    _run(_FILL, {"pk": table.pk, "set": plan.change_set, "table": table.name, "since": plan.since})
    _run(_ONLY_CHANGES, {"columns": _restorable(table), "table": table.name})
    _run("DELETE FROM undo_plan WHERE tbl = %s AND act = 'u' AND before = '{}'", [table.name])


def _restorable(table: Table) -> list[str]:
    """Return the columns that an undo may put back; a masked value is not known, a key does not change."""
    return [*(c for c in table.content if c != table.pk), *({"auth_epoch"} & set(table.columns))]


def _look_for_edits(plan: Plan, table: Table, force: bool) -> None:
    names = {"pk": table.pk, "table": table.name, "type": table.pk_type}
    values = {"table": table.name, "content": table.content, "set": plan.change_set,
              "since": plan.since, "until": plan.until}
    _run(_GONE.format(**names), values)
    for act, differing in _DIFFERING.items():
        _run(_CONFLICTS.format(**names, act=act, differing=differing), values)
    _run(_CONFLICTS_I.format(**names), values)
    if force:
        _run("UPDATE undo_plan SET blocked = '{}' WHERE tbl = %s", [table.name])
        return
    _run(_WHO, values)
    _keep_together(table)
    _run("UPDATE undo_plan SET keep = 'edited' WHERE tbl = %s AND act = 'd' AND blocked <> '{}'", [table.name])


def _keep_together(table: Table) -> None:
    """Block the columns that only make sense beside a blocked one."""
    for group in table.groups:
        _run(
            "UPDATE undo_plan SET blocked = ARRAY(SELECT DISTINCT k FROM unnest(blocked || ARRAY(SELECT g FROM "
            "unnest(%(group)s::text[]) g WHERE before ? g)) k) WHERE tbl = %(table)s AND act = 'u' "
            "AND blocked && %(group)s::text[]",
            {"group": group, "table": table.name},
        )


def block_columns(table: Table, columns: list[str], *, keys: list[str] | None = None) -> None:
    """Leave columns of a table's changed rows as they are; with ``keys`` a JSON column, where one of these differs."""
    differs = "" if keys is None else (
        " AND EXISTS (SELECT 1 FROM unnest(%(keys)s::text[]) k WHERE before -> %(column)s -> k IS DISTINCT FROM after -> %(column)s -> k)"
    )
    _run(
        "UPDATE undo_plan SET blocked = ARRAY(SELECT DISTINCT k FROM unnest(blocked || ARRAY(SELECT c FROM "
        "unnest(%(columns)s::text[]) c WHERE before ? c)) k) WHERE tbl = %(table)s AND act = 'u' AND before ?| %(columns)s::text[]" + differs,
        {"columns": columns, "table": table.name, "keys": keys, "column": columns[0]},
    )
    _keep_together(table)


def _settle(plan: Plan, known: dict[str, Table]) -> None:
    """Follow the references until nothing changes: what is kept keeps what it needs and what belongs to it."""
    references = {name: references_to(table, known) for name, table in plan.tables.items()}
    changed = 1
    while changed:
        changed = 0
        for name, table in list(plan.tables.items()):
            for reference in references[name]:
                changed += _outside(plan, table, reference, known, references)
        for table in list(plan.tables.values()):
            changed += _needed(plan, table)
            changed += _targets(plan, table)


def _outside(
    plan: Plan, table: Table, reference: Reference, known: dict[str, Table], references: dict[str, list[Reference]]
) -> int:
    """Deal with rows outside the plan that point to a row that would be deleted."""
    ref = known.get(reference.table)
    ref_pk = ref.pk if ref else _pk_of(reference.table)
    target = f"p.pk::{table.pk_type}"
    if reference.target:
        target = f'(SELECT t."{reference.target}" FROM "{table.name}" t WHERE t."{table.pk}" = {target})'
    names = {"ref": reference.table, "column": reference.column, "target": target, "ref_pk": ref_pk,
             "ref_key": ref.key if ref else ref_pk}
    values = {"table": table.name, "ref": reference.table, "column": reference.column, "ref_pk": ref_pk,
              "since": plan.since}
    own = "true" if not reference.logged else _MADE_BY.format(**names)
    if reference.on_delete == "cascade":
        # What the application hung on these rows by itself goes with them.
        made = _run(
            "INSERT INTO undo_plan (tbl, pk, key, act, before, after, extra) "
            + _OUTSIDE.format(columns=f"DISTINCT %(ref)s, r.\"{ref_pk}\"::text, NULL::uuid, 'd', '{{}}'::jsonb, '{{}}'::jsonb, true", **names)
            + f" AND q.pk IS NULL AND {own}",
            values,
        )
        if made and reference.logged and ref is not None and ref.name not in plan.tables:
            plan.tables[ref.name] = ref
            references[ref.name] = references_to(ref, known)
        elif made and ref is None and reference.table not in plan.tables:
            other = Table(_model_of(reference.table), "")
            plan.tables[other.name] = other
            references[other.name] = references_to(other, known)
    if reference.on_delete == "set_null" and not reference.logged:
        if (reference, table) not in plan.nulled:
            plan.nulled.append((reference, table))
        return 0
    return _run(
        "UPDATE undo_plan SET keep = 'referenced', detail = found.detail FROM ("
        + _OUTSIDE.format(columns=f"DISTINCT ON (p.pk) p.pk AS held, %(ref)s || ' ' || r.\"{ref_pk}\"::text AS detail", **names)
        + ") found WHERE tbl = %(table)s AND act = 'd' AND pk = found.held AND keep IS NULL",
        values,
    )


def _needed(plan: Plan, table: Table) -> int:
    """Keep what a kept row points to, and the parts of a kept record."""
    changed = 0
    kept = {name for (name,) in _run("SELECT DISTINCT tbl FROM undo_plan WHERE act = 'd' AND keep <> 'gone'")}
    for column, target, _key in table.targets if table.name in kept else ():
        if target in plan.tables:
            changed += _run(
                f"""UPDATE undo_plan p SET keep = 'needed' FROM undo_plan k JOIN "{table.name}" t
                      ON t."{table.pk}" = k.pk::{table.pk_type}
                    WHERE k.tbl = %(table)s AND k.act = 'd' AND k.keep NOT IN ('gone')
                      AND p.tbl = %(target)s AND p.act = 'd' AND p.keep IS NULL AND p.pk = t."{column}"::text""",
                {"table": table.name, "target": target},
            )
    owners = [t for c, t, _k in table.targets if c == table.owner] or list(plan.tables)
    if table.owner and kept.intersection(owners):
        changed += _run(
            f"""UPDATE undo_plan p SET keep = 'belongs' FROM undo_plan k, "{table.name}" t
                 WHERE p.tbl = %(table)s AND p.act = 'd' AND p.keep IS NULL AND t."{table.pk}" = p.pk::{table.pk_type}
                   AND k.tbl = ANY (%(owners)s) AND k.act = 'd' AND k.keep NOT IN ('gone') AND k.pk = t."{table.owner}"::text""",
            {"table": table.name, "owners": owners},
        )
    return changed


def _targets(plan: Plan, table: Table) -> int:
    """Leave out what would point to a row that is not there any more."""
    changed = 0
    for column, target, key in table.targets:
        missing = f"""p.before ->> %(column)s IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM "{target}" t WHERE t."{key}"::text = p.before ->> %(column)s)
            AND NOT EXISTS (SELECT 1 FROM undo_plan q WHERE q.tbl = %(target)s AND q.act = 'i' AND q.keep IS NULL
                             AND q.pk = p.before ->> %(column)s)"""
        values = {"table": table.name, "column": column, "target": target}
        present = _run("SELECT DISTINCT p.before ->> %(column)s FROM undo_plan p WHERE p.tbl = %(table)s "
                       "AND p.act IN ('i', 'u') AND p.before ->> %(column)s IS NOT NULL LIMIT 1", values)
        if not present:
            continue
        missing = missing.replace(f't."{key}"::text = p.before ->> %(column)s', f't."{key}" = (p.before ->> %(column)s)::{_type_of(table, column)}')
        changed += _run(f"UPDATE undo_plan p SET keep = 'target', detail = %(column)s WHERE p.tbl = %(table)s "
                        f"AND p.act = 'i' AND p.keep IS NULL AND {missing}", values)
        changed += _run(f"UPDATE undo_plan p SET blocked = p.blocked || %(column)s::text WHERE p.tbl = %(table)s "
                        f"AND p.act = 'u' AND p.keep IS NULL AND NOT %(column)s = ANY (p.blocked) AND {missing}", values)
    return changed


def _type_of(table: Table, column: str) -> str:
    f = next(f for f in table.model._meta.concrete_fields if f.column == column)
    return str(f.target_field.rel_db_type(connection))


def _model_of(table: str) -> Any:
    return next(m for m in _models() if m._meta.db_table == table)


def _pk_of(table: str) -> str:
    return str(_model_of(table)._meta.pk.column)


def _models() -> list[Any]:
    return list(apps.get_models(include_auto_created=True))


def _run(sql: str, values: Any = None) -> Any:
    """Execute a statement; return its rows, or how many it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else max(cursor.rowcount, 0)
