"""The check: counts, open questions and errors, before anything is written."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.records.entity import entity
from crm.transfer.engine.memory import rare_collections
from crm.transfer.engine.plan import Planner
from crm.transfer.engine.staging import drop_tables, stage, tables_exist
from crm.transfer.mapping.model import Column
from crm.transfer.models import ImportRun
from crm.transfer.services.mappings import effective_mapping, fields_with_planned
from crm.transfer.services.receiving import reopen, require_import

SHOWN = 50
STAGED = ("rows", "columns", "widest")
"""What of the report is known before the mapping is, and outlives it."""


def check(run: ImportRun, actor: Any, progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """Decide what would become of every row; return the report, which the run then carries out exactly."""
    declared = entity(run.entity)
    require_import(actor, declared)
    run.state = ImportRun.State.CHECKING
    run.save(update_fields=["state", "updated_at"])
    if not tables_exist(run)[0] or run.staged_at is None:
        _stage(run, progress)
    mapping, left = effective_mapping(run, actor)
    fields, custom = fields_with_planned(declared, mapping, run, actor)
    total = run.report["rows"]
    with transaction.atomic(), rare_collections():
        planner = Planner(run, mapping, fields, run.source["headers"], actor)
        planner.plan(lambda number: progress(number, total))
    run.report = {**{k: run.report[k] for k in STAGED}, **_report(planner, left, custom)}
    run.state = ImportRun.State.CHECKED
    run.planned_at = timezone.now()
    run.save(update_fields=["report", "state", "planned_at", "updated_at"])
    return run.report


def _stage(run: ImportRun, progress: Callable[[int, int], None]) -> None:
    source = reopen(run)
    with transaction.atomic():
        run.report = {**run.report, **stage(run, source, lambda count: progress(count, 0))}
    run.staged_at = timezone.now()
    run.save(update_fields=["report", "staged_at", "updated_at"])


def _report(planner: Planner, left: dict[str, list[str]], custom: list[dict[str, Any]]) -> dict[str, Any]:
    """Put into plain values what the check found."""
    references: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    settled: list[dict[str, Any]] = []
    for waiting in (*planner.resolver.unresolved.values(), *planner.cells.choices.values()):
        column = planner.mapping.column(waiting.header)
        column = column or Column(waiting.header, "")
        choice = planner.resolver.choice(column, waiting.entity) if waiting.entity else planner.mapping.choice_of_values(column)
        if not waiting.counts:
            continue
        about = {"column": waiting.header, "entity": waiting.entity, "names": len(waiting.counts), "rows": waiting.counts.total() + waiting.more}
        if choice != "ask":
            settled.append({**about, "choice": choice, "some": [v for v, _n in waiting.counts.most_common(5)]})
            continue
        questions.append(about)
        for value, count in waiting.counts.most_common(SHOWN):
            suggestions = (
                planner.directories.of(waiting.entity).suggest(value) if waiting.entity
                else [c.value for c in planner.fields[waiting.field].options][:12]
            )
            references.append({
                "column": waiting.header, "field": waiting.field, "entity": waiting.entity, "value": value, "count": count,
                "suggestions": suggestions, "choice": choice,
            })
    blank = [{"column": c, "count": n} for c, n in planner.cells.blank.items()]
    dates = [{"column": c, "count": n} for c, n in planner.cells.ambiguous.items()]
    return {
        "counts": {a: planner.counts[a] for a in ("create", "update", "skip", "error")},
        "also": dict(planner.also),
        "skipped": dict(planner.skipped),
        "references": references,
        "questions": questions,
        "settled": settled,
        "trash": {"count": planner.trashed, "choice": planner.mapping.trash, "rows": planner.trashed_rows} if planner.trashed else {},
        "blank": blank,
        "dates": dates,
        "readings": [r.as_dict() for r in planner.readings if r.count],
        "meant": [{"column": c, "value": v, "as": a, "count": n} for (c, v, a), n in planner.cells.meant.most_common(SHOWN)],
        "nothing": [{"column": c, "value": v, "count": n} for (c, v), n in planner.cells.nothing.most_common(SHOWN)],
        "left": {k: v for k, v in left.items() if v},
        "custom_fields": custom,
        "errors": [*planner.first_errors, *planner.first_waiting][:100],
        "by_column": sorted(planner.errors_of.values(), key=lambda e: -e["count"])[:SHOWN],
        "waiting": planner.waiting,
        "shared": planner.matcher.shared,
        "blocked": bool(questions or dates or left["ask"] or (planner.trashed and planner.mapping.trash == "ask")),
    }


def discard(run: ImportRun) -> None:
    """Forget a run that was not carried out: its rows and its file."""
    drop_tables(run)
    run.file.delete(save=False)
    run.delete()
