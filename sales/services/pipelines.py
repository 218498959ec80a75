"""Shaping pipelines: stages made, changed, ordered, taken away; a pipeline put away with its deals moved on."""

import re
import uuid
from typing import Any

from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Invalid
from crm.lib.text import fold
from crm.records.events import RecordsBulkChanged
from crm.records.services import create_record, delete_record, update_record
from sales.models import Deal, Pipeline, Stage, StageChange


@verb
def create_pipeline(*, name: str, actor: Any) -> Pipeline:
    """Make a pipeline with a first, a won and a lost stage."""
    relabel(_("Create pipeline"))
    pipeline: Pipeline = create_record(
        of="pipeline", actor=actor,
        data={"name": name, "code": free_code(name, Pipeline.objects.all()), "position": _after(Pipeline.objects.all())},
    )
    stages = [
        ("OPEN", _("New"), 10, Stage.Outcome.OPEN, "sky"),
        ("CLOSED_WON", _("Won"), 100, Stage.Outcome.WON, "green"),
        ("CLOSED_LOST", _("Lost"), 0, Stage.Outcome.LOST, "coral"),
    ]
    for position, (code, label, probability, outcome, hue) in enumerate(stages):
        create_record(of="stage", actor=actor, data={
            "pipeline": str(pipeline.pk), "code": code, "name": str(label), "position": position + 1,
            "probability": probability, "outcome": outcome, "hue": hue,
        })
    return pipeline


@verb
def save_stages(
    *, pipeline: Pipeline, stages: dict[uuid.UUID, dict[str, Any]], new: dict[str, Any] | None, actor: Any
) -> Pipeline:
    """Change the stages of a pipeline (fields by id), add a new one, and number them in the order given."""
    relabel(_("Change stages"))
    require(actor, "change", pipeline)
    for stage in pipeline.stages.all():
        if stage.pk in stages:
            update_record(obj=stage, data=stages[stage.pk], actor=actor)
    if new:
        last = _after(pipeline.stages.all())
        create_record(of="stage", actor=actor, data={
            "position": last, "hue": "blue", **new, "pipeline": str(pipeline.pk),
            "code": free_code(str(new["name"]), pipeline.stages.all()),
        })
    _number_stages(pipeline, actor)
    return pipeline


@verb
def remove_stage(*, stage: Stage, replacement: Stage | None, actor: Any) -> int:
    """Take a stage away; its deals go to ``replacement``, which also stands for it in their history.

    Returns how many deals were moved.
    """
    require(actor, "delete", stage)
    relabel(_("Remove stage"))
    others = stage.pipeline.stages.exclude(pk=stage.pk)
    if stage.outcome == Stage.Outcome.OPEN and not others.filter(outcome=Stage.Outcome.OPEN).exists():
        raise Conflict(_("A pipeline needs at least one open stage."))
    moved = _move_all(Deal.everything.filter(stage=stage), replacement, stage)
    if moved:
        publish(RecordsBulkChanged(entity="deal", count=moved, operation="change"), entity="deal")
    passed = StageChange.objects.filter(Q(from_stage=stage) | Q(to_stage=stage))
    if passed.exists():
        if replacement is None:
            raise Invalid.field("replacement", _("Deals have passed through this stage. Choose which one stands for it."))
        passed.filter(from_stage=stage).update(from_stage=replacement)
        StageChange.objects.filter(to_stage=stage).update(to_stage=replacement)
    delete_record(obj=stage, actor=actor)
    return moved


@verb
def archive_pipeline(*, pipeline: Pipeline, replacement: Stage | None, actor: Any) -> int:
    """Put a pipeline away. Its open deals go to ``replacement``; closed ones stay as its history."""
    require(actor, "change", pipeline)
    relabel(_("Archive pipeline"))
    if pipeline.is_default:
        raise Conflict(_("The default pipeline cannot be put away. Make another one the default first."))
    if replacement is not None and replacement.pipeline_id == pipeline.pk:
        raise Invalid.field("replacement", _("Choose a stage of another pipeline."))
    moved = _move_all(Deal.objects.filter(pipeline=pipeline, outcome=Stage.Outcome.OPEN), replacement, None)
    Pipeline.objects.filter(pk=pipeline.pk).update(archived_at=timezone.now(), version=pipeline.version + 1)
    if moved:
        publish(RecordsBulkChanged(entity="deal", count=moved, operation="change"), entity="deal")
    return moved


def free_code(name: str, rows: Any) -> str:
    """Return a code made from a name that none of ``rows`` has."""
    base = re.sub(r"[^A-Z0-9]+", "_", fold(name).upper()).strip("_")[:36]
    if not base or not base[0].isalpha():
        base = f"S_{base}"[:36].rstrip("_")
    taken, code, n = set(rows.values_list("code", flat=True)), base, 2
    while code in taken:
        code, n = f"{base}_{n}", n + 1
    return code


def _move_all(deals: Any, replacement: Stage | None, left: Stage | None) -> int:
    """Move deals to a stage, in one statement; the log and the stage history are written by the database."""
    count: int = deals.count()
    if not count:
        return 0
    if replacement is None:
        raise Invalid.field("replacement", _("%(count)d deals stand here. Choose where they go.") % {"count": count})
    if left is not None and (replacement.pk == left.pk or replacement.outcome != left.outcome):
        raise Invalid.field("replacement", _("Choose another stage with the same outcome."))
    if replacement.outcome != Stage.Outcome.OPEN and left is None:
        raise Invalid.field("replacement", _("Choose an open stage."))
    now = timezone.now()
    deals.update(
        stage=replacement, pipeline_id=replacement.pipeline_id, outcome=replacement.outcome,
        probability=replacement.probability, entered_stage_at=now, updated_at=now,
    )
    return count


def _after(rows: Any) -> int:
    return int(rows.aggregate(last=Max("position"))["last"] or 0) + 1


def _number_stages(pipeline: Pipeline, actor: Any) -> None:
    """Number the stages 1, 2, 3: open ones first, then won, then lost."""
    rank = {Stage.Outcome.OPEN: 0, Stage.Outcome.WON: 1, Stage.Outcome.LOST: 2}
    stages = sorted(pipeline.stages.all(), key=lambda s: (rank[Stage.Outcome(s.outcome)], s.position, s.name))
    for number, stage in enumerate(stages, start=1):
        if stage.position != number:
            update_record(obj=stage, data={"position": number}, actor=actor)
