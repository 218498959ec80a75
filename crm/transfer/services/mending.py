"""Mending a row in the check: its cells are changed where they wait, and the row is looked at again."""

from typing import Any

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from crm.lib.errors import Conflict, Invalid, Missing
from crm.records.entity import entity
from crm.transfer.engine.plan import Planner
from crm.transfer.engine.staging import query, tables_exist
from crm.transfer.models import ImportRun
from crm.transfer.readers import Row
from crm.transfer.readers.base import fit, storable
from crm.transfer.services.mappings import effective_mapping, fields_with_planned
from crm.transfer.services.receiving import require_import

MAX_MENDED_CELL = 20_000


def mend(run: ImportRun, actor: Any, number: int, cells: dict[int, str]) -> ImportRun:
    """Write new texts into cells of a row that failed, and decide the row again; counts and errors follow.

    A whole check runs before the import all the same: the row may now be the same as another one of the file.
    """
    declared = entity(run.entity)
    require_import(actor, declared)
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run.pk)
        if run.state != ImportRun.State.CHECKED or run.planned_at is None:
            raise Conflict(_("Rows can be mended between the check and the import."))
        found = query(
            f'SELECT r.cells, p.action FROM {{t}} p JOIN "{run.staging_table}" r USING (number) WHERE number = %s AND part = 0',
            run.plan_table, [number],
        )
        if not found or found[0][1] != "error":
            raise Missing
        row = orjson.loads(found[0][0])
        for index, text in cells.items():
            if not 0 <= index < len(row):
                raise Missing
            if len(text) > MAX_MENDED_CELL:
                raise Invalid.field(str(index), _("At most %(limit)d characters; this has %(count)d.") % {"limit": MAX_MENDED_CELL, "count": len(text)})
            row[index] = text
        row, ragged = fit(row, len(run.source["headers"]))
        row, unstorable = storable(row)
        problem = ragged or unstorable
        action, errors = _decide(run, actor, Row(number, row, problem))
        query(
            "UPDATE {t} SET cells = %s, problem = %s WHERE number = %s RETURNING number",
            run.staging_table, [orjson.dumps(row).decode(), problem or None, number],
        )
        query(
            "UPDATE {t} SET action = %s, errors = %s WHERE number = %s AND part = 0 RETURNING number",
            run.plan_table, [action, orjson.dumps(errors).decode() if errors else None, number],
        )
        counts = {**run.report["counts"]}
        counts["error"] -= 1
        counts[action] += 1
        others = [e for e in run.report["errors"] if e["row"] != number]
        run.report = {
            **run.report, "counts": counts, "mended": run.report.get("mended", 0) + 1,
            "errors": sorted([*others, *({"row": number, **e} for e in errors)], key=lambda e: e["row"]),
        }
        run.save(update_fields=["report", "updated_at"])
    return run


def cells_of(run: ImportRun, numbers: list[int]) -> dict[int, list[str]]:
    """Return what some rows say, by their numbers, as long as the rows are kept."""
    if not tables_exist(run)[0]:
        return {}
    rows = query("SELECT number, cells FROM {t} WHERE number = ANY(%s)", run.staging_table, [numbers])
    return {number: orjson.loads(cells) for number, cells in rows}


def _decide(run: ImportRun, actor: Any, row: Row) -> tuple[str, list[dict[str, Any]]]:
    mapping, _left = effective_mapping(run, actor)
    fields, _custom = fields_with_planned(entity(run.entity), mapping, run, actor)
    return Planner(run, mapping, fields, run.source["headers"], actor).decide_again(row)
