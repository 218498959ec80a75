"""What deals and products lend to imports: their pipeline, their titles, the dates of their history."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.transfer.adapters import Adapter, Draft, Target, nothing_for, register
from sales.models import Deal, Stage
from sales.pipelines_of_files import bring_pipelines, outcome_of, stage_of


class ProductTransfer(Adapter):
    """A product without a code is known by its name."""

    entity = "product"
    nouns = ("item", "article", "price list")
    essential = ("price", "code")
    keys = ("code",)
    title_is_key = True


class DealTransfer(Adapter):
    """Deals may bring their pipeline along, and the days on which they were engaged and closed.

    ``"pipeline": {"name": "Hardware", "engaged": "Engaging", "stages": [{"name": …, "probability": …, "outcome":
    "open" | "won" | "lost"}]}`` in a mapping finds the pipeline by its name, or makes it with the import; without
    ``stages`` it gets those that the file names.
    """

    entity = "deal"
    nouns = ("opportunity", "deal")
    files = ("opportunities", "sales pipeline", "pipeline", "crm lead")
    essential = ("stage", "value", "outcome", "expected_close_date", "actual_close_date")
    keys = ("external_id",)
    natural = ("company", "customer", "value", "expected_close_date", "actual_close_date")
    options = frozenset({"pipeline"})
    origins = {"stage": ("outcome",), "actual_close_date": ("closed",)}
    targets = (
        Target("outcome", lazy("Open, won or lost"), (
            (r"(deal |opportunity |sales )?(status|outcome|result)|won lost|state", {"sure": "0.9"}),
        ), several=False),
        Target("closed", lazy("Day of closing"), ((r"(won|lost) (time|date|at|on)|(deal )?closed (at|on|time)|closed date", {}),)),
    )

    def prepare(self, planner: Any) -> None:
        """Know the stages of every pipeline; find or plan the pipelines that the mapping or the file names."""
        bring_pipelines(planner)

    def take(self, draft: Draft, target: str, parameters: dict[str, str], text: str) -> None:
        """Keep how the deal ended, and when, until its stage is known."""
        draft.parts.setdefault("end", {}).setdefault(target, text)

    def complete(self, draft: Draft, planner: Any) -> None:
        """Give a deal without a title one made of what is known, its stage of its pipeline, and its days their places."""
        values = draft.values
        if not values.get("title"):
            parts = [self._words(values.get(k)) for k in ("product", "company", "customer")]
            title = " – ".join(p for p in parts if p) or str(values.get("external_id") or next(iter(draft.external), ""))
            if title:
                values["title"] = title[:255]
                draft.derived.add("title")
        found = stage_of(draft, planner)
        end = draft.parts.pop("end", {})
        if end.get("closed") and not values.get("actual_close_date"):
            planner.put(draft, "actual_close_date", end["closed"])
        if end.get("outcome"):
            found = self._ended(draft, planner, found, end["outcome"])
        # A date of closing on a deal that is still open is a plan, not a fact.
        closed = found is not None and found.outcome != Stage.Outcome.OPEN
        if values.get("actual_close_date") and not closed and (found is not None or values.get("stage") is None):
            values.setdefault("expected_close_date", values["actual_close_date"])
            del values["actual_close_date"]
        elif closed and not values.get("actual_close_date") and values.get("expected_close_date"):
            values["actual_close_date"] = values["expected_close_date"]

    @staticmethod
    def _ended(draft: Draft, planner: Any, stage: Stage | None, text: str) -> Stage | None:
        """Put a deal that a column calls won or lost into that stage, whatever stage it was in before; keep that in a note."""
        outcome = outcome_of(text)
        if outcome in ("", Stage.Outcome.OPEN):
            if not outcome:
                draft.notes.append(str(_("State in the file: %(state)s")) % {"state": text})
            return stage
        if stage is not None and stage.outcome == outcome:
            return stage
        pipeline = stage.pipeline if stage is not None else planner.builder("deal").base["pipeline"]
        target = planner.directories.of("stage").get(f"{pipeline.name} / :{outcome}")
        if target is None:
            draft.notes.append(str(_("State in the file: %(state)s")) % {"state": text})
            return stage
        if stage is not None:
            draft.notes.append(str(_("Stage in the file: %(stage)s")) % {"stage": stage.name})
        draft.values["stage"] = target
        return target.instance  # type: ignore[no-any-return]

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
        ids = [str(o["id"]) for o in objects if o["outcome"] != Stage.Outcome.OPEN and o["engaged_on"]]
        if not ids:
            return
        with connection.cursor() as cursor:
            # The trigger has written "– → Won"; it becomes "– → Engaging" and "Engaging → Won" with the days between.
            cursor.execute(
                """
                WITH deals AS (
                    SELECT d.id, d.value, e.id AS engaged, (d.engaged_on + time '12:00') AT TIME ZONE 'UTC' AS began
                      FROM sales_deal d JOIN sales_stage e ON e.pipeline_id = d.pipeline_id
                       AND CASE WHEN %(name)s = '' THEN lower(e.name) = 'engaging' ELSE lower(e.name) = lower(%(name)s) END
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


register(ProductTransfer())
register(DealTransfer())
nothing_for("campaign", lazy("There are no campaigns yet. Import the members as interactions, with the campaign in the subject."))
