"""What can be done with a deal beside editing it: move it through the stages, reopen it."""

import datetime as dt
import uuid
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.services import update_record
from crm.records.services.records import lock
from sales.models import Deal, Stage, StageChange
from sales.services.ranks import lock_column, rank_between
from sales.services.stages import find_stage, first_open_stage


@verb
def move_deal(
    *,
    deal: Deal,
    stage: Stage | uuid.UUID | str,
    actor: Any,
    version: int | None = None,
    before_id: uuid.UUID | None = None,
    after_id: uuid.UUID | None = None,
    data: dict[str, Any] | None = None,
    reason: Any = None,
    closed_on: dt.date | str | None = None,
) -> Deal:
    """Move ``deal`` to ``stage`` (a row, an id or a code) and announce it. Moving to where it is does nothing.

    ``before_id`` and ``after_id`` are the cards it is put above and below; ``data`` holds the fields that the
    stage asks for at the card. A won or lost deal stays where it is until someone reopens it.
    """
    stage = stage if isinstance(stage, Stage) else find_stage(stage, deal.pipeline_id)
    if before_id or after_id:
        lock_column(stage)
    changes = _changes(stage, data, reason, closed_on)
    relabel(_("Move deal to %(stage)s") % {"stage": stage.name})
    deal = update_record(obj=deal, data=changes, actor=actor, version=version, doing="move")
    if before_id or after_id:
        _place(deal, stage, before_id, after_id, actor)
    return deal


@verb
def reopen_deal(
    *, deal: Deal, actor: Any, stage: Stage | uuid.UUID | str | None = None, version: int | None = None
) -> Deal:
    """Open a won or lost deal again: in ``stage``, in the open stage it came from, or in the first one."""
    require(actor, "change", deal)
    if lock(deal).is_open:
        raise Conflict(_("“%(deal)s” is open.") % {"deal": deal}, details=[Detail("stage", _("The deal is open."))])
    if stage is None:
        target = _last_open_stage(deal) or first_open_stage(deal.pipeline)
    else:
        target = stage if isinstance(stage, Stage) else find_stage(stage, deal.pipeline_id)
    if target is None or target.outcome != Stage.Outcome.OPEN:
        raise Invalid.field("stage", _("A deal is reopened into an open stage."))
    relabel(_("Reopen deal"))
    return update_record(obj=deal, data={"stage": target}, actor=actor, version=version, doing="reopen")


def _changes(stage: Stage, data: dict[str, Any] | None, reason: Any, closed_on: Any) -> dict[str, Any]:
    """Return everything that the move writes, by public field names."""
    changes = dict(data or {})
    if {"stage", "pipeline"} & changes.keys():
        raise Invalid.field("data", _("The stage is named beside the fields, not among them."))
    if reason is not None:
        changes["close_reason"] = getattr(reason, "pk", reason)
    if closed_on is not None:
        changes["actual_close_date"] = closed_on
    changes["stage"] = stage
    return changes


def _place(deal: Deal, stage: Stage, before_id: uuid.UUID | None, after_id: uuid.UUID | None, actor: Any) -> None:
    deal.rank = rank_between(deal, stage, before_id, after_id, actor)
    # The rank is the board's alone: it is neither logged nor a new version of the deal.
    Deal.objects.filter(pk=deal.pk).update(rank=deal.rank)


def _last_open_stage(deal: Deal) -> Stage | None:
    """Return the open stage that the deal was in last."""
    change = (
        StageChange.objects.filter(deal=deal, from_stage__outcome=Stage.Outcome.OPEN, from_stage__pipeline=deal.pipeline_id)
        .select_related("from_stage")
        .order_by("-happened_at", "-id")
        .first()
    )
    return change.from_stage if change else None
