"""Stages: where deals begin, and what a stage asks for."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from crm.lib.errors import Invalid
from crm.lib.prepared import PreparedOne
from sales.models import Pipeline, Stage

_BY_ID = PreparedOne(lambda pk: Stage.objects.select_related("pipeline").filter(pk=pk), (uuid.UUID(int=1),))


def first_open_stage(pipeline: Pipeline | None = None) -> Stage | None:
    """Return the first open stage of ``pipeline``, or of the default one."""
    stages = Stage.objects.select_related("pipeline").filter(outcome=Stage.Outcome.OPEN)
    if pipeline is not None:
        return stages.filter(pipeline=pipeline).order_by("position").first()
    return stages.filter(pipeline__is_default=True).order_by("position").first()


def find_stage(named: Any, pipeline_id: uuid.UUID | None = None) -> Stage:
    """Return the stage of an id, or of a code or name: of ``pipeline_id`` first, then of the default pipeline."""
    stages = Stage.objects.select_related("pipeline")
    found: Stage | None = None
    if isinstance(named, uuid.UUID):
        found = _BY_ID.first(named)
    elif isinstance(named, str) and 0 < len(named) <= 120 and "\x00" not in named:
        try:
            found = _BY_ID.first(uuid.UUID(named))
        except ValueError:
            same = stages.filter(Q(code__iexact=named) | Q(name__iexact=named))
            own = same.filter(pipeline_id=pipeline_id).order_by("position").first() if pipeline_id else None
            found = own or same.order_by("-pipeline__is_default", "pipeline__position", "position").first()
    if found is None:
        raise Invalid.field("stage", _("There is no such stage."))
    return found


def missing_for(deal: Any, stage: Stage) -> Iterable[tuple[str, str]]:
    """Yield ``(field, message)`` for each field that ``stage`` requires and ``deal`` has not."""
    for name in stage.required_fields:
        value = deal.custom.get(name.removeprefix("custom.")) if name.startswith("custom.") else getattr(deal, name, None)
        if value in (None, "", [], {}) or (name == "value" and not value):
            yield name, _("“%(stage)s” needs this field.") % {"stage": stage.name}
