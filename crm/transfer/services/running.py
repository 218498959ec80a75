"""The run itself, its end, and the rows that failed."""

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from crm.access.stamps import bump
from crm.activity.facts import publish
from crm.activity.intention import intend
from crm.activity.models import ChangeSet
from crm.lib.errors import Conflict
from crm.records.customfields import STAMP
from crm.records.entity import entity
from crm.records.events import RecordsBulkChanged
from crm.records.models import CustomField
from crm.transfer.engine.memory import rare_collections
from crm.transfer.engine.staging import query
from crm.transfer.engine.write import Writer
from crm.transfer.formulas import guard
from crm.transfer.models import ImportRun
from crm.transfer.services.mappings import custom_field, keep_mapping
from crm.transfer.services.receiving import require_import


def carry_out(
    run: ImportRun,
    actor: Any,
    progress: Callable[[int, int], None] = lambda done, total: None,
    each_batch: Callable[[int], None] = lambda number: None,
) -> dict[str, Any]:
    """Write what the check decided. Called again after a crash, it goes on behind the last committed batch."""
    require_import(actor, entity(run.entity))
    if run.report.get("blocked"):
        raise Conflict(_("Questions of the check are still open."))
    if run.planned_at is None or run.state not in (ImportRun.State.CHECKED, ImportRun.State.RUNNING, ImportRun.State.CANCELLED):
        raise Conflict(_("This import has not been checked, or was carried out already."))
    if run.report.get("mended"):
        raise Conflict(_("Rows were mended since the check: check the file again."))
    if run.state == ImportRun.State.CHECKED:
        run.started_at, run.written_to = timezone.now(), -1
    run.state = ImportRun.State.RUNNING
    run.save(update_fields=["state", "started_at", "written_to", "updated_at"])
    total = run.report["rows"]
    _make_custom_fields(run, actor)

    def batch_done(number: int) -> None:
        each_batch(number)
        progress(number, total)

    writer = Writer(run, actor, run.mapping, run.mapping.get("system", ""))
    with rare_collections():
        writer.write(batch_done)
    _close(run, actor, writer)
    keep_mapping(run, done=True)
    return run.report


def _make_custom_fields(run: ImportRun, actor: Any) -> None:
    specs = run.report.get("custom_fields", [])
    if not specs:
        return
    with intend(actor=actor, source=ChangeSet.Source.IMPORT, new=True, change_set_id=run.change_set, label=_("Import of %(file)s") % {"file": run.file_name}):
        there = set(CustomField.objects.filter(entity=run.entity).values_list("key", flat=True))
        position = len(there)
        for spec in specs:
            if spec["key"] not in there:
                made = custom_field(run.entity, spec)
                made.position = position = position + 1
                made.full_clean(exclude=["choices"])
                made.save(force_insert=True)
        bump(STAMP)


def _close(run: ImportRun, actor: Any, writer: Writer) -> None:
    """End the run: one fact for everybody who listens, the result in the report."""
    counts = writer.counts
    with intend(actor=actor, source=ChangeSet.Source.IMPORT, new=True, change_set_id=run.change_set, label=_("Import of %(file)s") % {"file": run.file_name}):
        written = counts["create"] + counts["update"]
        if written:
            publish(RecordsBulkChanged(entity=run.entity, count=written, operation="import"), entity=run.entity)
        planned = run.report["counts"]
        run.report = {
            **run.report,
            "written": dict(counts),
            "run_errors": writer.failed[:1_000],
            "result": {
                "create": counts["create"], "update": counts["update"], "skip": planned["skip"],
                "error": planned["error"] + counts["error"],
                "also": {k.removeprefix("also:"): v for k, v in counts.items() if k.startswith("also:")},
            },
        }
        run.state, run.finished_at = ImportRun.State.DONE, timezone.now()
        run.save(update_fields=["state", "finished_at", "report", "updated_at"])
    with connection.cursor() as cursor:
        # The planner must know the new size of the tables before the next page asks.
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(entity(run.entity).model._meta.db_table)))


def failed_rows(run: ImportRun) -> Iterator[str]:
    """Yield the rows that were not written as CSV: the file's columns, then the row and what is wrong."""
    headers = [h for h in run.source["headers"] if h not in ("_row", "_errors")]
    keep = [i for i, h in enumerate(run.source["headers"]) if h not in ("_row", "_errors")]
    # Rows that are too long come back whole: what has no column stands under a number.
    width = len(run.source["headers"])
    beyond = range(width, run.report.get("widest", width))
    headers += [_("Column %(number)d") % {"number": i + 1} for i in beyond]
    late = {e["row"]: [e] for e in run.report.get("run_errors", [])}
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(values: list[Any]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(values)
        return buffer.getvalue()

    yield "\ufeff" + line([*headers, "_row", "_errors"])
    after = -1
    while True:
        found = query(
            "SELECT p.number, r.cells, p.errors FROM {t} p JOIN " + _rows_of(run) + " r ON r.number = p.number "
            "WHERE p.part = 0 AND p.number > %s AND (p.action = 'error' OR p.number = ANY(%s)) ORDER BY p.number LIMIT 1000",
            run.plan_table, [after, list(late)],
        )
        if not found:
            return
        for number, cells, errors in found:
            problems = orjson.loads(errors) if errors else late[number]
            words = "; ".join(": ".join(filter(None, [p["column"], p["message"]])) for p in problems)
            cell = orjson.loads(cells)
            cell += [""] * (width + len(beyond) - len(cell))
            yield line([*(guard(cell[i]) for i in (*keep, *beyond)), number, words])
        after = found[-1][0]


def _rows_of(run: ImportRun) -> str:
    return f'"transfer_rows_{uuid.UUID(str(run.pk)).hex}"'


