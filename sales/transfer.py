"""What deals and products lend to imports: their pipeline, their titles, the dates of their history."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.lib.errors import Invalid
from crm.transfer.adapters import Adapter, Draft, nothing_for, register
from crm.transfer.engine.links import Found
from crm.transfer.mapping.model import key_of
from sales.models import Deal, Pipeline, Stage

HUES = ("slate", "sky", "violet", "amber", "blue", "teal", "apricot", "pink")


class ProductTransfer(Adapter):
    """A product without a code is known by its name."""

    entity = "product"
    keys = ("code",)
    title_is_key = True


class DealTransfer(Adapter):
    """Deals may bring their pipeline along, and the days on which they were engaged and closed.

    ``"pipeline": {"name": "Hardware", "engaged": "Engaging", "stages": [{"name": …, "probability": …, "outcome":
    "open" | "won" | "lost"}]}`` in a mapping finds the pipeline by its name, or makes it with the import.
    """

    entity = "deal"
    keys = ("external_id",)
    natural = ("company", "customer", "value", "expected_close_date", "actual_close_date")
    options = frozenset({"pipeline"})

    def prepare(self, planner: Any) -> None:
        """Find or plan the pipeline that the mapping names."""
        given = planner.mapping.options.get("pipeline")
        planner.directories.of("stage").look_up([])
        if not given:
            return
        if isinstance(given, str):
            given = {"name": given}
        if not isinstance(given, dict) or not str(given.get("name") or "").strip():
            raise Invalid.field("pipeline", _("A pipeline is named: {\"name\": …, \"stages\": […]}."))
        name = str(given["name"]).strip()
        pipeline = Pipeline.objects.filter(name__iexact=name, archived_at=None).first()
        stages = list(pipeline.stages.order_by("position")) if pipeline else self._planned(planner, name, given.get("stages"))
        directory = planner.directories.of("stage")
        for stage in stages:
            directory.add(Found(stage.pk, stage.name, stage), stage.code)
        first = next((s for s in stages if s.outcome == Stage.Outcome.OPEN), None)
        if first is None:
            raise Invalid.field("pipeline.stages", _("A pipeline needs at least one open stage."))
        planner.builder("deal").based_on(stage=first, pipeline=first.pipeline, probability=first.probability)

    def _planned(self, planner: Any, name: str, given: Any) -> list[Stage]:
        if not isinstance(given, list) or not given:
            raise Invalid.field("pipeline.stages", _("There is no pipeline “%(name)s”; list its stages to make it.") % {"name": name})
        taken = set(Pipeline.objects.values_list("code", flat=True))
        pipeline: Pipeline = planner.plan_record(
            "pipeline", name, {"name": name, "code": _code(name, taken), "position": Pipeline.objects.count() + 1}
        ).instance
        stages: list[Stage] = []
        codes: set[str] = set()
        for position, one in enumerate(given, 1):
            one = {"name": one} if isinstance(one, str) else one
            outcome = one.get("outcome") or "open"
            if outcome not in Stage.Outcome.values or not one.get("name"):
                raise Invalid.field(f"pipeline.stages.{position - 1}", _("A stage has a name, and an outcome open, won or lost."))
            probability = {"won": 100, "lost": 0}.get(outcome, int(one.get("probability", 10)))
            code = _code(str(one["name"]), codes)
            codes.add(code)
            hue = {"won": "green", "lost": "coral"}.get(outcome, HUES[position % len(HUES)])
            found = planner.plan_record(
                "stage", str(one["name"]),
                {"name": str(one["name"]), "code": code, "position": position, "probability": probability, "outcome": outcome, "hue": hue,
                 "pipeline": Found(pipeline.pk, name, pipeline)},
                {"pipeline": (pipeline.pk, pipeline)},
            )
            stages.append(found.instance)
        return stages

    def complete(self, draft: Draft, planner: Any) -> None:
        """Give a deal without a title one made of what is known: product, company, its id."""
        values = draft.values
        if not values.get("title"):
            parts = [self._words(values.get(k)) for k in ("product", "company", "customer")]
            title = " – ".join(p for p in parts if p) or str(values.get("external_id") or next(iter(draft.external), ""))
            if title:
                values["title"] = title[:255]
                draft.derived.add("title")
        # A date of closing on a deal that is still open is a plan, not a fact.
        stage = values.get("stage")
        found = planner.directories.of("stage").get(str(stage[1])) if isinstance(stage, tuple) else None
        closed = found is not None and found.instance is not None and found.instance.outcome != Stage.Outcome.OPEN
        if values.get("actual_close_date") and not closed and stage is not None and found is not None:
            values.setdefault("expected_close_date", values["actual_close_date"])
            del values["actual_close_date"]
        elif closed and not values.get("actual_close_date") and values.get("expected_close_date"):
            values["actual_close_date"] = values["expected_close_date"]

    @staticmethod
    def _words(value: Any) -> str:
        return str(value[1] if isinstance(value, tuple) else value or "")

    def finish(self, obj: Deal, changed: set[str], creating: bool) -> None:
        """Date the entry into the stage by the day of closing or engaging."""
        if creating:
            day = obj.actual_close_date or obj.engaged_on
            if day is not None:
                moment = timezone.make_aware(dt.datetime.combine(day, dt.time(12)), dt.UTC)
                obj.entered_stage_at = min(moment, timezone.now())

    def written(self, objects: Sequence[dict[str, Any]], options: dict[str, Any]) -> None:
        """Give closed deals the step before: engaged on one day, closed on another."""
        given = options.get("pipeline")
        engaged = str(given.get("engaged") or "") if isinstance(given, dict) else ""
        if not engaged:
            return
        ids = [str(o["id"]) for o in objects if o["outcome"] != Stage.Outcome.OPEN and o["engaged_on"]]
        if not ids:
            return
        with connection.cursor() as cursor:
            # The trigger has written "– → Won"; it becomes "– → Engaging" and "Engaging → Won" with the days between.
            cursor.execute(
                """
                WITH deals AS (
                    SELECT d.id, d.value, e.id AS engaged, (d.engaged_on + time '12:00') AT TIME ZONE 'UTC' AS began
                      FROM sales_deal d JOIN sales_stage e ON e.pipeline_id = d.pipeline_id AND lower(e.name) = lower(%(name)s)
                     WHERE d.id = ANY(%(ids)s::uuid[]) AND d.engaged_on <= d.actual_close_date
                ), closed AS (
                    UPDATE sales_stagechange c
                       SET from_stage_id = deals.engaged,
                           seconds_in_stage = greatest(0, extract(epoch FROM c.happened_at - deals.began))::bigint
                      FROM deals WHERE c.deal_id = deals.id AND c.from_stage_id IS NULL RETURNING c.deal_id, c.user_id
                )
                INSERT INTO sales_stagechange (id, created_at, updated_at, deal_id, to_stage_id, user_id, happened_at, value)
                SELECT rapport_uuid7(), now(), now(), deals.id, deals.engaged, closed.user_id, deals.began, deals.value
                  FROM deals JOIN closed ON closed.deal_id = deals.id
                """,
                {"name": engaged, "ids": ids},
            )


def _code(name: str, taken: set[str]) -> str:
    """Return a free code that looks like the name."""
    base = re.sub(r"[^A-Z0-9_]", "", key_of(name).upper())[:30] or "STAGE"
    code, number = base, 2
    while code in taken:
        code, number = f"{base}_{number}", number + 1
    return code


register(ProductTransfer())
register(DealTransfer())
nothing_for("campaign", lazy("There are no campaigns yet. Import the members as interactions, with the campaign in the subject."))
