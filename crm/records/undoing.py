"""What follows from an undo for records: open lists and pages are told, and custom fields are read again."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from crm.access import stamps
from crm.access.policy import SYSTEM, field_rights, visible_to
from crm.access.rights import rights_of
from crm.activity.facts import fact_name, publish
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import Kept, Plan, UndoCount, after_undo, block_columns, guards_undo
from crm.records.customfields import STAMP
from crm.records.entity import all_entities, entity_of, has_entity
from crm.records.events import RecordsBulkChanged, RecordsMerged
from crm.records.fields import Kind
from crm.records.models import CustomField
from crm.records.services.merging import relations_of, rule_of


def tell_lists(counts: list[UndoCount]) -> None:
    """Publish one fact for each entity whose records went back."""
    for c in counts:
        number = c.removed + c.changed + c.restored
        if number and c.model is CustomField:
            stamps.bump(STAMP)
        if number and has_entity(c.model):
            name = entity_of(c.model).name
            publish(RecordsBulkChanged(entity=name, count=number, operation="undo"), entity=name)


def titled(conflicts: list[Kept], user: Any) -> list[dict[str, Any]]:
    """Return conflicts with the titles of the records that the user may see."""
    shown = conflicts[:100]
    ids: dict[Any, list[str]] = {}
    for c in shown:
        if has_entity(c.model):
            ids.setdefault(c.model, []).append(c.record_id)
    titles = {
        (model, str(o.pk)): o
        for model, wanted in ids.items()
        for o in visible_to(user, model._base_manager.filter(pk__in=wanted))
    }
    made = []
    for c in shown:
        obj = titles.get((c.model, c.record_id))
        of = entity_of(c.model) if has_entity(c.model) else None
        made.append({
            "kept": c, "title": str(obj) if obj is not None else "", "label": of.label if of else c.entity,
            "url": of.url(obj) if of is not None and obj is not None and "pages" in of.abilities else "",
        })
    return made


def keep_what_hangs_on_others(actor: Any, plan: Plan) -> None:
    """Leave alone the notes, comments and documents of records that the actor does not see (any more)."""
    if actor is SYSTEM or rights_of(actor).is_admin:
        return
    for table in plan.tables.values():
        if table.owner != "record_id":
            continue
        for of in all_entities().values():
            try:
                sql, params = visible_to(actor, of.model._base_manager.all()).values("pk").query.sql_with_params()
                outside = f"AND coalesce(t.record_id, (p.before ->> 'record_id')::uuid) NOT IN ({sql})"
            except EmptyResultSet:
                outside, params = "", ()
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE undo_plan p SET keep = 'refused' FROM undo_plan o LEFT JOIN \"{table.name}\" t "
                    f"ON t.\"{table.pk}\" = o.pk::{table.pk_type} WHERE o.tbl = p.tbl AND o.pk = p.pk AND p.tbl = %s "
                    f"AND p.keep IS NULL AND NOT p.extra AND coalesce(t.entity, p.before ->> 'entity') = %s "
                    f"AND NOT EXISTS (SELECT 1 FROM undo_plan q WHERE q.act = 'i' AND q.keep IS NULL "
                    f"AND q.pk = p.before ->> 'record_id') {outside}",
                    [table.name, of.name, *params],
                )


def keep_what_may_not_be_written(actor: Any, plan: Plan) -> None:
    """Leave the fields as they are that the actor may not write (any more): an undo is a write of today."""
    if actor is SYSTEM or rights_of(actor).is_admin:
        return
    for table in plan.tables.values():
        if not has_entity(table.model):
            continue
        of, rights = entity_of(table.model), field_rights(actor, table.model)
        locked = rights.hidden | rights.read_only
        columns = [
            str(table.model._meta.get_field(f.source).column) for name, f in of.own_fields.items()
            if name in locked and not f.computed and f.kind != Kind.TAGS and "__" not in f.source
        ]
        if columns:
            block_columns(table, columns)
        keys = [name.removeprefix("custom.") for name in locked if name.startswith("custom.")]
        if keys:
            block_columns(table, ["custom"], keys=keys)


def bring_back_what_followed_a_merge(actor: Any, plan: Plan) -> None:
    """Let what a merge moved go back with it, though its actor may not change those rows: he did not have to for the merge either.

    Only the link itself, from the record that he merged others into (and may still change) to one of those.
    """
    if actor is SYSTEM or not ChangeSet.objects.filter(pk=plan.change_set, user_id=actor.pk).exists():
        return
    merges = ActivityLog.objects.filter(
        change_set_id=plan.change_set, kind=ActivityLog.Kind.FACT, action=fact_name(RecordsMerged), created_at__gte=plan.since
    )
    for payload in merges.values_list("changes", flat=True):
        model = all_entities()[payload["entity"]].model
        if not visible_to(actor, model, "change").filter(pk=payload["record_id"]).exists():
            continue
        for path, field in relations_of(model).items():
            rule, table = rule_of(model, path, field), plan.tables.get(field.model._meta.db_table)
            if rule is None or rule.stays or table is None:
                continue
            values = {"table": table.name, "column": field.column, "one": payload["record_id"], "merged": payload["merged"]}
            with connection.cursor() as cursor:
                cursor.execute(_FOLLOWED, values)


_FOLLOWED = """
UPDATE undo_plan SET keep = NULL
 WHERE tbl = %(table)s AND keep = 'refused' AND NOT extra AND before ->> %(column)s = ANY(%(merged)s)
   AND (act = 'i' OR act = 'u' AND before - %(column)s = '{}' AND after ->> %(column)s = %(one)s)
"""


after_undo(tell_lists)
guards_undo(keep_what_hangs_on_others)
guards_undo(keep_what_may_not_be_written)
guards_undo(bring_back_what_followed_a_merge)
