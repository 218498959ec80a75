"""Stages: where deals begin, and what a stage asks for."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from sales.models import Pipeline, Stage


def first_open_stage(pipeline: Pipeline | None = None) -> Stage | None:
    """Return the first open stage of ``pipeline``, or of the default one."""
    stages = Stage.objects.select_related("pipeline").filter(outcome=Stage.Outcome.OPEN)
    if pipeline is not None:
        return stages.filter(pipeline=pipeline).order_by("position").first()
    return stages.filter(pipeline__is_default=True).order_by("position").first()


def missing_for(deal: Any, stage: Stage) -> Iterable[tuple[str, str]]:
    """Yield ``(field, message)`` for each field that ``stage`` requires and ``deal`` has not."""
    for name in stage.required_fields:
        value = deal.custom.get(name.removeprefix("custom.")) if name.startswith("custom.") else getattr(deal, name, None)
        if value in (None, "", [], {}) or (name == "value" and not value):
            yield name, _("“%(stage)s” needs this field.") % {"stage": stage.name}
