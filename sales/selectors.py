"""Reading the pipelines: the board with its columns and sums, the forecast, the numbers above them."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from crm.access.policy import field_rights, policy_of, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.criteria import compile_criteria, validate
from crm.lib.prepared import PreparedMany, PreparedTuples, Shelf
from crm.records.entity import entity
from crm.search.words import contains, searchable_rows, words_of
from crm.ui.values import for_eyes, sees_everything, value_of, with_links
from crm.workspace.selectors import base_currency
from sales.cells import FORECAST, NONE, kept_cells
from sales.goals import days_left, goal_of
from sales.models import Deal, Pipeline, Stage
from sales.totals import (
    COMMIT,
    WEIGHTED,
    ZERO,
    StageSum,
    amount,
    amounts_shown,
    busiest_owners,
    kept_by_day,
    number_overdue,
    stage_sums,
    weighted,
)

__all__ = [
    "COMMIT", "WEIGHTED", "Board", "BoardFilter", "Card", "Column", "Month", "NextStep", "add_strip", "amounts_shown", "as_cards", "base_currency",
    "board", "card_order", "days_left",
    "filtered", "finds_next_steps", "first_cards", "forecast", "goal_of", "kept_by_day", "more_cards", "number_overdue", "owners_on", "pipelines", "stages_of",
]

PER_COLUMN = 25


@dataclass(frozen=True)
class NextStep:
    """Whether something is planned for a deal: what, when, and how urgent it looks."""

    title: str
    due: Any
    tone: str
    icon: str
    words: str


_next_steps: list[Callable[[Any, Sequence[uuid.UUID]], dict[uuid.UUID, NextStep]]] = []


def finds_next_steps(function: Callable[[Any, Sequence[uuid.UUID]], dict[uuid.UUID, NextStep]]) -> Any:
    """Register what knows the next step of deals (the tasks do)."""
    _next_steps[:] = [function]
    return function


@dataclass(frozen=True)
class BoardFilter:
    """Which deals a board shows: one pipeline, and whatever narrows it further."""

    pipeline: Pipeline
    owners: tuple[uuid.UUID, ...] = ()
    q: str = ""
    criteria: dict[str, Any] | None = None
    flipped: frozenset[str] = frozenset()
    """The codes of the stages that are folded although they are open, or shown although they are closed."""
    order: tuple[str, ...] = ("rank", "id")

    def folds(self, stage: Stage) -> bool:
        """Tell whether the column of a stage is folded: closed ones are, unless somebody has said otherwise."""
        return (stage.outcome != Stage.Outcome.OPEN) != (stage.code in self.flipped)

    @property
    def narrowed(self) -> bool:
        """Tell whether it shows less than the whole pipeline."""
        return bool(self.owners or words_of(self.q) or self.criteria)


@dataclass
class Column:
    """A stage with its cards and sums."""

    stage: Stage
    count: int = 0
    total: Decimal = ZERO
    weighted: Decimal = ZERO
    cards: list["Card"] = field(default_factory=list)
    more: int = 0
    folded: bool = False
    share: float = 0
    drawn: str = ""
    """Its cards as the page shows them (``sales.cards``)."""

    @property
    def over_limit(self) -> bool:
        """Tell whether more cards stand here than the stage allows."""
        return bool(self.stage.work_limit and self.count > self.stage.work_limit)


@dataclass(frozen=True)
class Card:
    """A deal as the board shows it."""

    deal: Deal
    idle_days: int | None
    late: bool
    next_step: NextStep | None
    tags: Sequence[Any] = ()
    veiled: bool = False


@dataclass
class Board:
    """Everything a board page shows."""

    pipeline: Pipeline
    columns: list[Column]
    count: int = 0
    total: Decimal = ZERO
    weighted: Decimal = ZERO
    closing_this_month: Decimal = ZERO
    slipping: int = 0
    won_this_quarter: Decimal = ZERO
    win_rate: float | None = None
    win_change: int | None = None
    """By how many points the win rate differs from that of the ninety days before."""

    @property
    def likely(self) -> Decimal:
        """Return what is won in this quarter, and what is expected to close this month."""
        return self.won_this_quarter + self.closing_this_month


_STAGES = PreparedMany(lambda pipeline: Stage.objects.filter(pipeline=pipeline).order_by("position"), (uuid.UUID(int=1),))
_PEOPLE = PreparedMany(
    lambda some: User.objects.filter(pk__among=some).only("first_name", "last_name", "email"), ([uuid.UUID(int=1)],)
)
# By the rights of who asks.
_pipelines: Shelf[PreparedMany[Pipeline]] = Shelf()
_firsts: Shelf[PreparedTuples] = Shelf()
_cards: Shelf[PreparedMany[Deal]] = Shelf()


def pipelines(user: Any) -> list[Pipeline]:
    """Return the pipelines in use, in their order."""
    return _pipelines.get(rights_of(user).fingerprint or None, lambda: PreparedMany(
        lambda: visible_to(user, Pipeline).filter(archived_at=None).order_by("position", "name"), ()
    )).all()


def stages_of(pipeline: Pipeline) -> list[Stage]:
    """Return the stages of a pipeline in their order, read once for this object."""
    known: list[Stage] | None = getattr(pipeline, "_in_order", None)
    if known is None:
        known = _STAGES.all(pipeline.pk)
        pipeline._in_order = known  # type: ignore[attr-defined]
    return known


def filtered(user: Any, wanted: BoardFilter) -> QuerySet[Deal]:
    """Return the deals of a board that ``user`` may see."""
    deals = visible_to(user, Deal).filter(pipeline=wanted.pipeline, archived_at=None)
    if wanted.owners:
        deals = deals.filter(assigned_user__in=wanted.owners)
    words = words_of(wanted.q)
    if words:
        deals, column = searchable_rows(deals, ("title", "external_id", "next_step"), user)
        deals = deals.filter(contains(words, column))
    if wanted.criteria:
        deals = deals.filter(compile_criteria(validate(wanted.criteria, Deal, user), Deal, user))
    return deals


def board(user: Any, wanted: BoardFilter) -> Board:
    """Return the columns with their first cards, and the sums. Five statements, whatever the number of deals."""
    deals = filtered(user, wanted)
    stages = stages_of(wanted.pipeline)
    columns = [Column(stage, folded=wanted.folds(stage)) for stage in stages]
    sums = stage_sums(user, stages, deals, narrowed=wanted.narrowed)
    shown = [c for c in columns if not c.folded]
    cards = first_cards(user, deals, [c.stage for c in shown], wanted.order, kept=not wanted.narrowed)
    for column in columns:
        found = sums.get(column.stage.pk, StageSum())
        column.count, column.total, column.weighted = found.n, found.total, found.weighted
        column.cards = cards.get(column.stage.pk, [])
        column.more = max(0, column.count - len(column.cards)) if not column.folded else 0
    top = max((c.total for c in columns if c.stage.outcome == Stage.Outcome.OPEN), default=ZERO)
    for column in columns:
        column.share = float(100 * column.total / top) if top else 0
    made = Board(wanted.pipeline, columns)
    for column in columns:
        if column.stage.outcome == Stage.Outcome.OPEN:
            made.count += column.count
            made.total += column.total
            made.weighted += column.weighted
    add_strip(made, stages, sums)
    return made


def add_strip(made: Board, stages: Iterable[Stage], sums: dict[uuid.UUID, StageSum]) -> None:
    """Add the numbers above the board."""
    by_outcome = {o: [sums[s.pk] for s in stages if s.outcome == o and s.pk in sums] for o in Stage.Outcome}
    made.closing_this_month = sum((s.closing for s in by_outcome[Stage.Outcome.OPEN]), ZERO)
    made.slipping = sum(s.slipping for s in by_outcome[Stage.Outcome.OPEN])
    made.won_this_quarter = sum((s.quarter for s in by_outcome[Stage.Outcome.WON]), ZERO)
    won, lost = (sum(s.recent for s in by_outcome[o]) for o in (Stage.Outcome.WON, Stage.Outcome.LOST))
    made.win_rate = 100 * won / (won + lost) if won + lost else None
    won, lost = (sum(s.earlier for s in by_outcome[o]) for o in (Stage.Outcome.WON, Stage.Outcome.LOST))
    if made.win_rate is not None and won + lost:
        made.win_change = round(made.win_rate) - round(100 * won / (won + lost))


def first_cards(
    user: Any, deals: QuerySet[Deal], stages: list[Stage], order: tuple[str, ...] = ("rank", "id"), *, kept: bool = False
) -> dict[uuid.UUID, list[Card]]:
    """Return the first cards of each stage: one walk of the board index per column, in one statement.

    ``kept``: nothing but rights narrows ``deals``, so that the statement is the same the next time.
    """
    if not stages:
        return {}

    def build() -> Any:
        branches = [
            deals.filter(stage=stage).order_by(*card_order(stage, order)).values_list("pk")[:PER_COLUMN] for stage in stages
        ]
        return reduce(lambda a, b: a.union(b, all=True), branches)

    fingerprint = rights_of(user).fingerprint
    if not kept or not fingerprint:
        return as_cards(user, [pk for (pk,) in build()], stages)
    key = (fingerprint, order, *(stage.pk for stage in stages))
    # For whoever sees some of the deals the best way to them depends on how many those are.
    found = _firsts.get(key, lambda: PreparedTuples(build, (), planned=sees_everything(user, Deal)))
    return as_cards(user, [pk for (pk,) in found.ask(())], stages)


def more_cards(
    user: Any, deals: QuerySet[Deal], stage: Stage, offset: int, order: tuple[str, ...] = ("rank", "id")
) -> list[Card]:
    """Return the cards of a column after the first ``offset``."""
    ids = list(
        deals.filter(stage=stage).order_by(*card_order(stage, order)).values_list("pk", flat=True)[offset:offset + PER_COLUMN]
    )
    return as_cards(user, ids, [stage]).get(stage.pk, [])


def card_order(stage: Stage, order: tuple[str, ...] = ("rank", "id")) -> tuple[str, ...]:
    """Return how a column is ordered: as chosen, a closed one by the day of closing."""
    return order if stage.outcome == Stage.Outcome.OPEN else ("-actual_close_date", "-id")


def as_cards(user: Any, ids: Iterable[uuid.UUID], stages: list[Stage]) -> dict[uuid.UUID, list[Card]]:
    """Return the deals of the given ids as cards by stage, each column in its order."""
    wanted = list(ids)
    if not wanted:
        return {}
    known = {stage.pk: stage for stage in stages}
    declared = entity("deal")
    tagged = field_rights(user, Deal).can_read("tags")
    names = ("company", "customer", "tags") if tagged else ("company", "customer")

    def build(some: Any) -> Any:
        chosen = Deal.objects.filter(pk__among=some) if isinstance(some, list) else Deal.objects.filter(pk=some)
        rows = (
            chosen.select_related("customer", "company", "assigned_user")
            .only("title", "value", "value_base", "currency", "stage_id", "pipeline_id", "outcome", "version", "probability",
                  "expected_close_date", "rank", "actual_close_date", "entered_stage_at", "last_activity_at",
                  "customer__first_name", "customer__last_name", "customer__email", "company__name",
                  "assigned_user__first_name", "assigned_user__last_name", "assigned_user__email")
        )
        return with_links(rows, declared, [declared.own_fields[name] for name in names], user)

    # One card by itself: the server would make the plan of a short array anew each time.
    sample, asked = (uuid.UUID(int=1), wanted[0]) if len(wanted) == 1 else ([uuid.UUID(int=1)], wanted)
    fingerprint = rights_of(user).fingerprint
    rows = list(_cards.get((fingerprint, len(wanted) == 1) if fingerprint else None, lambda: PreparedMany(build, (sample,))).all(asked))
    held = {deal.pk for deal in rows if deal.customer_id or deal.company_id}
    deals = {deal.pk: deal for deal in for_eyes(rows, declared, user)}
    if not amounts_shown(user):
        for deal in deals.values():
            deal.value_base = ZERO
    steps = _next_steps[0](user, wanted) if _next_steps else {}
    found: dict[uuid.UUID, list[Card]] = {}
    today = timezone.localdate()
    for pk in wanted:
        if pk in deals:
            deal = deals[pk]
            tags = value_of(deal, declared.own_fields["tags"]) if tagged else ()
            found.setdefault(deal.stage_id, []).append(_card(deal, known[deal.stage_id], steps.get(pk), today, tags, pk in held))
    return found


def _card(deal: Deal, stage: Stage, step: NextStep | None, today: date, tags: Sequence[Any], held: bool) -> Card:
    idle = None
    if stage.rotting_days and deal.is_open and not (step and step.due):
        quiet = (timezone.now() - max(filter(None, (deal.entered_stage_at, deal.last_activity_at)))).days
        idle = quiet if quiet >= stage.rotting_days else None
    late = bool(deal.is_open and deal.expected_close_date and deal.expected_close_date < today)
    return Card(deal, idle, late, step, tags, held and not (deal.customer_id or deal.company_id))


def owners_on(user: Any, pipeline: Pipeline, limit: int = 12) -> list[Any]:
    """Return the people who own open deals in the pipeline, those with most first."""
    seen = _owners_seen(user)
    if seen is not None or sees_everything(user, Deal):
        rows = busiest_owners([s.pk for s in stages_of(pipeline) if s.outcome == Stage.Outcome.OPEN], limit, seen)
    else:
        rows = list(
            visible_to(user, Deal).filter(pipeline=pipeline, outcome="open", archived_at=None).exclude(assigned_user=None)
            .order_by().values("assigned_user").annotate(n=Count("pk")).order_by("-n", "assigned_user")
            .values_list("assigned_user", flat=True)[:limit]
        )
    return sorted(_PEOPLE.all(rows), key=lambda u: u.name.casefold()) if rows else []


def _owners_seen(user: Any) -> list[uuid.UUID] | None:
    """Return whose deals a person sees, if by their owners alone; None where shares or conditions have a say, or all are seen."""
    rights, policy = rights_of(user), policy_of(Deal)
    scope = rights.cell("deal", "view").scope
    if scope not in ("own", "team", "tree"):
        return None
    owners = rights.owners(scope)
    return owners if policy.rows(rights, user, "view") == policy.owned_by(owners) else None


@dataclass(frozen=True)
class Month:
    """One column of the forecast."""

    first: date | None
    commit: Decimal
    best_case: Decimal
    pipeline: Decimal
    weighted: Decimal
    count: int


def forecast(user: Any, wanted: BoardFilter) -> list[Month]:
    """Return the open deals by the month of their expected close, sorted into commit, best case and pipeline.

    Commit is 75 % or more, best case 40 % or more. Deals without a date come last.
    """
    if not wanted.narrowed and sees_everything(user, Deal):
        return _kept_months(user, [s for s in stages_of(wanted.pipeline) if s.outcome == Stage.Outcome.OPEN])
    rows = (
        filtered(user, wanted).filter(outcome="open").order_by()
        .annotate(month=TruncMonth("expected_close_date")).values("month")
        .annotate(
            commit=Sum(amount(user), filter=Q(probability__gte=75)),
            best=Sum(amount(user), filter=Q(probability__gte=40, probability__lt=75)),
            rest=Sum(amount(user), filter=Q(probability__lt=40)),
            weighted=Sum(weighted(user)), n=Count("pk"),
        ).order_by("month")
    )
    made = [
        Month(r["month"], r["commit"] or ZERO, r["best"] or ZERO, r["rest"] or ZERO, r["weighted"] or ZERO, r["n"])
        for r in rows
    ]
    return [m for m in made if m.first] + [m for m in made if not m.first]


def _kept_months(user: Any, stages: list[Stage]) -> list[Month]:
    found: dict[str, dict[str, Any]] = {}
    for cell in kept_cells(stages, FORECAST, first=date.min, later=None, amounts=amounts_shown(user)):
        row = found.setdefault(cell["column"], dict.fromkeys(("commit", "best", "pipeline", "weighted"), ZERO) | {"n": 0})
        row[cell["lane"]] += cell["total"]
        row["weighted"] += cell["weighted"]
        row["n"] += cell["n"]
    return [
        Month(None if key == NONE else date.fromisoformat(f"{key}-01"), r["commit"], r["best"], r["pipeline"], r["weighted"], r["n"])
        for key, r in sorted(found.items(), key=lambda pair: (pair[0] == NONE, pair[0]))
    ]
