"""Deals and products, declared."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.access.policy import SYSTEM
from crm.activity.facts import publish
from crm.criteria import matches, validate
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.entity import REFERENCE, Entity, register, saving
from crm.records.fields import HUE_CHOICES, Choice, Field, Kind, choices_of
from crm.workspace.selectors import base_currency
from sales.events import DealLost, DealMoved, DealReopened, DealWon
from sales.models import Deal, Goal, LossReason, Pipeline, Product, Stage
from sales.models.deal import top_rank
from sales.services.stages import first_open_stage, missing_for

ABOUT, SALE, CLOSING = _("About"), _("Sale"), _("Closing")


class PipelineEntity(Entity):
    """A way that deals go."""

    name = "pipeline"
    plural = "pipelines"
    model = Pipeline
    label = _("Pipeline")
    label_plural = _("Pipelines")
    icon = "square-kanban"
    sort = ("position",)
    owner = None
    abilities = REFERENCE
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=120),
        Field("code", Kind.TEXT, _("Code"), required=True, max_length=40, unique=True),
        Field("description", Kind.TEXT, _("Description"), max_length=300),
        Field("position", Kind.INTEGER, _("Order"), min_value=0, max_value=32767, default=0),
        Field("is_default", Kind.BOOLEAN, _("Default"), default=False),
    )

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """Exactly one is the default, and deals can begin in it."""
        if "is_default" not in changed:
            return
        if not draft.is_default and saving(draft).before.get("is_default"):
            yield "is_default", _("Make another pipeline the default instead.")
        elif draft.is_default and first_open_stage(draft) is None:
            yield "is_default", _("This pipeline has no open stage.")

    def before_save(self, obj: Any, changed: set[str], actor: Any) -> None:
        """Let the one that was the default step back."""
        if "is_default" in changed and obj.is_default:
            others = Pipeline.objects.filter(is_default=True).exclude(pk=obj.pk)
            others.update(is_default=False, version=F("version") + 1, updated_at=timezone.now())

    def before_delete(self, obj: Any, actor: Any) -> None:
        """Keep the default."""
        if obj.is_default:
            raise Conflict(str(_("Make another pipeline the default instead.")))


class StageEntity(Entity):
    """A step of a pipeline."""

    name = "stage"
    plural = "stages"
    model = Stage
    label = _("Stage")
    label_plural = _("Stages")
    icon = "milestone"
    sort = ("pipeline", "position")
    owner = None
    abilities = REFERENCE
    fields = (
        Field("pipeline", Kind.LINK, _("Pipeline"), link="pipeline", required=True),
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=120),
        Field("code", Kind.TEXT, _("Code"), required=True, max_length=40),
        Field("position", Kind.INTEGER, _("Order"), required=True, min_value=0, max_value=32767),
        Field("probability", Kind.INTEGER, _("Probability"), min_value=0, max_value=100, default=0, extra={"share": True}),
        Field("outcome", Kind.CHOICE, _("Outcome"), choices=choices_of(Stage.Outcome, open="info", won="success", lost="danger"),
              default=Stage.Outcome.OPEN),
        Field("hue", Kind.CHOICE, _("Colour"), choices=HUE_CHOICES, default="slate"),
        Field("rotting_days", Kind.INTEGER, _("Idle after days"), min_value=1, max_value=32767),
        Field("work_limit", Kind.INTEGER, _("Work limit"), min_value=1, max_value=32767),
        Field("required_fields", Kind.JSON, _("Required fields"), default=list, sortable=False, filterable=False,
              extra={"empty": [], "schema": {"type": ["array", "null"], "items": {"type": "string", "maxLength": 120}}}),
        Field("entry_condition", Kind.JSON, _("Entry condition"), sortable=False, filterable=False,
              extra={"schema": {"type": "object", "minProperties": 1}}),
    )

    def before_delete(self, obj: Any, actor: Any) -> None:
        """Keep the place where deals begin."""
        if _is_last_open(obj.pk, obj.pipeline_id, obj.outcome):
            raise Conflict(str(_("A pipeline needs at least one open stage.")))

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """What a stage asks for must be something that a deal has; deals have where to begin."""
        before = saving(draft).before
        for name in sorted({"outcome", "pipeline"} & changed):
            if before and _is_last_open(draft.pk, before["pipeline_id"], before["outcome"]):
                yield name, _("A pipeline needs at least one open stage.")
        names = draft.required_fields
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            yield "required_fields", _("A list of field names is expected.")
        else:
            known = {k for k, f in DEAL.all_fields().items() if f.writable} - {"stage", "pipeline"}
            for i, name in enumerate(names):
                if name not in known:
                    yield f"required_fields.{i}", _("Unknown field “%(name)s”.") % {"name": name[:60]}
        if draft.entry_condition is not None and "entry_condition" in changed:
            try:
                draft.entry_condition = validate(
                    draft.entry_condition, Deal, actor, trusted=True, path="entry_condition"
                )
            except Invalid as refusal:
                for detail in refusal.details:
                    yield detail.field, detail.message

    def find(self, queryset: Any, title: str) -> Any:
        """Find a stage by code or name, in the default pipeline first."""
        return (
            queryset.filter(Q(code__iexact=title) | Q(name__iexact=title))
            .order_by("-pipeline__is_default", "pipeline__position", "position")
            .first()
        )


def _is_last_open(pk: uuid.UUID, pipeline_id: uuid.UUID, outcome: str) -> bool:
    """Tell whether no deal could begin if this stage were gone."""
    open_stages = Stage.objects.filter(pipeline_id=pipeline_id, pipeline__is_default=True, outcome=Stage.Outcome.OPEN)
    return outcome == Stage.Outcome.OPEN and not open_stages.exclude(pk=pk).exists()


class LossReasonEntity(Entity):
    """Why a deal was won or lost."""

    name = "loss_reason"
    plural = "loss-reasons"
    model = LossReason
    label = _("Reason")
    label_plural = _("Reasons")
    sort = ("position",)
    owner = None
    abilities = REFERENCE
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=120),
        Field("outcome", Kind.CHOICE, _("Outcome"), choices=(Choice("won", _("Won"), "success"), Choice("lost", _("Lost"), "danger")),
              default="lost"),
        Field("position", Kind.INTEGER, _("Order"), min_value=0, max_value=32767, default=0),
        Field("is_active", Kind.BOOLEAN, _("Active"), default=True),
    )


class GoalEntity(Entity):
    """What a person is to win in a quarter."""

    name = "goal"
    plural = "goals"
    model = Goal
    label = _("Goal")
    label_plural = _("Goals")
    icon = "target"
    sort = ("user",)
    owner = None
    abilities = REFERENCE
    fields = (
        Field("user", Kind.USER, _("Person"), required=True, unique=True),
        Field("amount", Kind.NUMBER, _("Value per quarter"), required=True, min_value=1, max_value=10**15, extra={"places": 2}),
    )


class ProductEntity(Entity):
    """A thing or service that we sell."""

    name = "product"
    plural = "products"
    model = Product
    label = _("Product")
    label_plural = _("Products")
    icon = "package"
    hue = "olive"
    sort = ("name",)
    owner = None
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=200, group=ABOUT, in_list=True, quick=True,
              aliases=("product", "product name", "item")),
        Field("code", Kind.TEXT, _("Code"), max_length=60, unique=True, group=ABOUT, in_list=True, quick=True, aliases=("sku", "product code")),
        Field("family", Kind.TEXT, _("Family"), max_length=120, group=ABOUT, in_list=True, quick=True, aliases=("series", "category")),
        Field("price", Kind.MONEY, _("Price"), currency="currency", min_value=0, group=SALE, in_list=True, quick=True, default=0,
              aliases=("sales price", "sales_price", "list price", "unit price")),
        Field("currency", Kind.CURRENCY, _("Currency"), max_length=3, group=SALE, default=base_currency),
        Field("unit", Kind.TEXT, _("Unit"), max_length=40, group=SALE),
        Field("description", Kind.LONG_TEXT, _("Description"), max_length=20_000, group=ABOUT, sortable=False),
        Field("is_active", Kind.BOOLEAN, _("Active"), group=SALE, in_list=True, default=True),
        Field("tags", Kind.TAGS, _("Tags"), group=ABOUT, sortable=False),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, group=ABOUT),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False, group=ABOUT),
    )


class DealEntity(Entity):
    """An opportunity."""

    name = "deal"
    plural = "deals"
    model = Deal
    label = _("Deal")
    label_plural = _("Deals")
    icon = "handshake"
    hue = "violet"
    title = ("title",)
    sort = ("-created_at",)
    columns = ("company", "stage", "value", "expected_close_date", "assigned_user", "last_activity_at", "next_task")
    layouts = (("board", _("Board")), ("forecast", _("Forecast")))
    abilities = Entity.abilities | {"merge", "share", "timeline", "board"}
    constraint_messages = {
        "deal_closed_has_date": _("A closed deal needs a closing date, an open one has none."),
    }
    fields = (
        Field("title", Kind.TEXT, _("Title"), required=True, max_length=255, group=ABOUT, in_list=True, quick=True, width=212,
              aliases=("name", "deal name", "opportunity", "opportunity name", "dealname")),
        Field("customer", Kind.LINK, _("Customer"), link="customer", group=ABOUT, in_list=True, quick=True,
              extra={"by_name": True}, aliases=("contact", "contact name", "associated contact", "primary contact", "full name", "person")),
        Field("company", Kind.LINK, _("Company"), link="company", find_or_make=True, group=ABOUT, in_list=True, quick=True, width=130,
              aliases=("account", "account name", "company name", "organization")),
        Field("value", Kind.MONEY, _("Value"), currency="currency", min_value=0, group=SALE, in_list=True, quick=True,
              aggregate="sum", default=0, width=110, place="amount", aliases=("amount", "close_value", "close value", "deal value", "budget")),
        Field("currency", Kind.CURRENCY, _("Currency"), max_length=3, group=SALE, default=base_currency, aliases=("currency iso code",)),
        Field("pipeline", Kind.LINK, _("Pipeline"), link="pipeline", group=SALE, extra={"by_name": True}),
        Field("stage", Kind.LINK, _("Stage"), link="stage", group=SALE, width=122, in_list=True, quick=True, extra={"by_name": True},
              aliases=("stage name", "stagename", "deal stage", "deal_stage", "sales stage")),
        Field("outcome", Kind.CHOICE, _("Outcome"), writable=False, group=SALE, formula=_("Follows from the stage"),
              choices=choices_of(Stage.Outcome, open="info", won="success", lost="danger")),
        Field("probability", Kind.INTEGER, _("Probability"), min_value=0, max_value=100, group=SALE, in_list=True, aggregate="avg",
              extra={"share": True, "rounds": True}, help=_("In percent. It follows the stage until you set it; the next stage sets it anew.")),
        Field("expected_close_date", Kind.DATE, _("Expected close"), group=SALE, in_list=True, width=132, quick=True,
              aliases=("close date", "closedate", "expected close date", "closing date", "expected closing")),
        Field("actual_close_date", Kind.DATE, _("Closed on"), group=CLOSING, aliases=("close_date", "closed date", "date closed", "actual close date")),
        Field("engaged_on", Kind.DATE, _("Engaged on"), group=SALE, aliases=("engage_date", "engage date")),
        Field("product", Kind.LINK, _("Product"), link="product", group=SALE, extra={"by_name": True}, aliases=("product name", "product__c", "item")),
        Field("next_step", Kind.TEXT, _("Agreed next step"), max_length=255, group=SALE, aliases=("nextstep",)),
        Field("source", Kind.TEXT, _("Source"), max_length=120, group=ABOUT, aliases=("lead source", "leadsource")),
        Field("description", Kind.LONG_TEXT, _("Description"), max_length=20_000, group=ABOUT, sortable=False, aliases=("notes",)),
        Field("close_reason", Kind.LINK, _("Reason"), link="loss_reason", group=CLOSING, extra={"by_name": True},
              aliases=("loss reason", "lost reason", "closed lost reason", "win loss reason")),
        Field("close_note", Kind.TEXT, _("Note on closing"), max_length=500, group=CLOSING),
        Field("competitor", Kind.TEXT, _("Competitor"), max_length=120, group=CLOSING),
        Field("assigned_user", Kind.USER, _("Owner"), group=ABOUT, in_list=True, width=126,
              aliases=("owner", "deal owner", "sales agent", "sales_agent", "ownerid", "sales rep")),
        Field("external_id", Kind.TEXT, _("External id"), max_length=120, unique=True, group=ABOUT,
              aliases=("opportunity id", "opportunity_id", "deal id", "id")),
        Field("is_active", Kind.BOOLEAN, _("Active"), group=ABOUT, default=True),
        Field("tags", Kind.TAGS, _("Tags"), group=ABOUT, in_list=True, sortable=False),
        Field("last_activity_at", Kind.DATETIME, _("Last activity"), writable=False, in_form=False, group=SALE, width=154, place="first",
              formula=_("When the last e-mail, call, meeting or message was")),
        Field("entered_stage_at", Kind.DATETIME, _("Entered its stage"), writable=False, group=SALE,
              formula=_("The moment at which it came into its stage")),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, group=ABOUT),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False, group=ABOUT),
    )

    def defaults(self, actor: Any) -> dict[str, Any]:
        """Start in the first open stage of the default pipeline."""
        stage = first_open_stage()
        found = super().defaults(actor)
        if stage is not None:
            found.update(stage=stage, pipeline=stage.pipeline, probability=stage.probability)
        return found

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """Stage and pipeline fit together; the stage's conditions are met; closed deals have a date."""
        if draft.stage_id is None:
            yield "stage", _("There is no pipeline yet; make one first.")
            return
        if "pipeline" in changed and "stage" not in changed and draft.stage.pipeline_id != draft.pipeline_id:
            stage = first_open_stage(draft.pipeline)
            if stage is None:
                yield "pipeline", _("This pipeline has no open stage.")
                return
            draft.stage = stage
            changed.add("stage")
        elif "pipeline" in changed and "stage" in changed and draft.stage.pipeline_id != draft.pipeline_id:
            yield "stage", _("This stage belongs to another pipeline.")
            return
        if "actual_close_date" in changed and draft.actual_close_date and draft.stage.outcome == Stage.Outcome.OPEN:
            yield "actual_close_date", _("Only a won or lost deal has a closing date.")
        if "stage" in changed:
            self._stays_closed(draft)
            yield from missing_for(draft, draft.stage)

    def _stays_closed(self, draft: Any) -> None:
        """Refuse to move a won or lost deal, except by reopening it."""
        before = saving(draft).before
        if saving(draft).doing == "reopen" or before.get("outcome") in (None, Stage.Outcome.OPEN):
            return
        words = {Stage.Outcome.WON: _("This deal is won. Reopen it first."),
                 Stage.Outcome.LOST: _("This deal is lost. Reopen it first.")}
        message = str(words[before["outcome"]])
        raise Conflict(message, details=[Detail("stage", message)])

    def before_save(self, obj: Any, changed: set[str], actor: Any) -> None:
        """Follow the stage: pipeline, outcome, probability, dates."""
        obj.pipeline_id = obj.stage.pipeline_id
        obj.outcome = obj.stage.outcome
        if "stage" in changed or obj._state.adding:
            if "probability" not in changed or obj.outcome != Stage.Outcome.OPEN:
                obj.probability = obj.stage.probability
            if "stage" in changed and not obj._state.adding:
                obj.entered_stage_at = timezone.now()
                obj.rank = top_rank()
        if obj.outcome == Stage.Outcome.OPEN:
            obj.actual_close_date = None
            if saving(obj).doing == "reopen":
                obj.close_reason, obj.close_note = None, ""
        elif obj.actual_close_date is None:
            obj.actual_close_date = timezone.localdate()

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Hold the stage's entry condition against the stored deal, and announce the move."""
        left_id = saving(obj).before.get("stage_id")
        if left_id == obj.stage_id:
            return
        condition = obj.stage.entry_condition
        if condition and not matches(obj, condition, SYSTEM, trusted=True):
            raise Invalid.field(
                "stage", _("This deal does not meet the conditions of “%(stage)s”.") % {"stage": obj.stage.name}
            )
        for happened in self._facts(obj, left_id):
            publish(happened, about=obj, subjects=self.timeline_subjects(obj), quiet=saving(obj).quiet)

    def _facts(self, obj: Any, left_id: uuid.UUID | None) -> Iterable[Any]:
        """Yield what a new stage means: moved, won, lost, reopened."""
        if left_id is not None:
            yield DealMoved(deal_id=obj.pk, from_stage_id=left_id, to_stage_id=obj.stage_id, pipeline_id=obj.pipeline_id,
                            from_pipeline_id=saving(obj).before["pipeline_id"], owner_id=obj.assigned_user_id)
        closing = {"deal_id": obj.pk, "customer_id": obj.customer_id, "company_id": obj.company_id,
                   "owner_id": obj.assigned_user_id, "value": str(obj.value), "currency": obj.currency}
        if obj.outcome == Stage.Outcome.WON:
            yield DealWon(**closing)
        elif obj.outcome == Stage.Outcome.LOST:
            yield DealLost(**closing, reason_id=obj.close_reason_id)
        elif saving(obj).before.get("outcome", Stage.Outcome.OPEN) != Stage.Outcome.OPEN and left_id is not None:
            yield DealReopened(deal_id=obj.pk, from_stage_id=left_id, to_stage_id=obj.stage_id,
                               owner_id=obj.assigned_user_id)

    def to_hand_over(self, rows: Any) -> Any:
        """Return the open deals: who won or lost the others stays true."""
        return rows.filter(outcome=Stage.Outcome.OPEN)

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the customer and the company."""
        return [obj.customer_id, obj.company_id]


register(PipelineEntity())
register(StageEntity())
register(LossReasonEntity())
register(GoalEntity())
register(ProductEntity())
DEAL = register(DealEntity())
