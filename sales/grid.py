"""Boards with rows: stages by lanes, and the forecast of months by certainty. Both read the same filter as the board."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, Exists, F, Func, OuterRef, Q, QuerySet, Sum, TextField, Value, When, Window
from django.db.models.functions import Cast, Coalesce, RowNumber
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import field_rights, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.ui.values import sees_everything
from customers.models import Customer
from sales.cells import FORECAST, KEPT, LATER, NONE, PAST, Spot, are_few, first_of_spots, kept_cells
from sales.models import Deal, Stage
from sales.months import ends_of, month_after, month_name
from sales.selectors import Board, BoardFilter, Card, add_strip, as_cards, card_order, filtered, stages_of
from sales.totals import MONEY, ZERO, StageSum, amount, amounts_shown, stage_sums, weighted

PER_CELL = 10
MAX_LANES = 20
MONTHS = 4
"""How many months from this one on have a column of their own in the forecast."""
LANES: dict[str, Promise] = {
    "": gettext_lazy("None"), "owner": gettext_lazy("Owner"), "status": gettext_lazy("Customer status"),
    "month": gettext_lazy("Close month"),
}
CERTAINTY: dict[str, tuple[Promise, Promise, str]] = {
    "commit": (gettext_lazy("Commit"), gettext_lazy("75 % or more"), "teal"),
    "best": (gettext_lazy("Best case"), gettext_lazy("40 % or more"), "sky"),
    "pipeline": (gettext_lazy("Pipeline"), gettext_lazy("below 40 %"), "slate"),
}


@dataclass
class Sums:
    """How many deals stand somewhere, and what they are worth."""

    count: int = 0
    total: Decimal = ZERO
    weighted: Decimal = ZERO

    def add(self, count: int, total: Decimal, weighted: Decimal) -> None:
        """Count more deals in."""
        self.count += count
        self.total += total
        self.weighted += weighted


@dataclass
class Head(Sums):
    """A column: a stage, or a month."""

    key: str = ""
    label: str = ""
    hue: str = ""
    stage: Stage | None = None
    drop: bool = True
    folded: bool = False
    share: float = 0

    @property
    def over_limit(self) -> bool:
        """Tell whether more cards stand here than the stage allows."""
        return bool(self.stage and self.stage.work_limit and self.count > self.stage.work_limit)


@dataclass
class Cell:
    """Where a column and a lane meet: its first cards, and how many more there are."""

    head: Head
    count: int = 0
    cards: list[Card] = field(default_factory=list)
    drawn: str = ""
    """Its cards as the page shows them (``sales.cards``)."""

    @property
    def more(self) -> int:
        """Return how many cards are not shown yet."""
        return max(0, self.count - len(self.cards))


@dataclass
class Lane(Sums):
    """A row of the board."""

    key: str = ""
    label: str = ""
    note: str = ""
    hue: str = ""
    person: User | None = None
    folded: bool = False
    cells: list[Cell] = field(default_factory=list)


@dataclass
class Grid:
    """Columns, lanes, and how many lanes stand no more on the page."""

    heads: list[Head]
    lanes: list[Lane]
    board: Board
    rest: int = 0
    folded: list[Head] = field(default_factory=list)

    @property
    def sums(self) -> tuple[dict[str, Sums], dict[str, Sums]]:
        """Return the sums of the columns and of the lanes by key."""
        return {h.key: h for h in (*self.heads, *self.folded)}, {lane.key: lane for lane in self.lanes}


def lanes_of(user: Any, asked: str | None, kept: str | None) -> str:
    """Return the lanes to show: as asked, as last seen, and by owner for those who lead a team."""
    for wanted in (asked, kept):
        if wanted is not None:
            return wanted if wanted in LANES else ""
    return "owner" if rights_of(user).cell("deal", "view").scope in ("team", "tree") else ""


def stage_grid(user: Any, wanted: BoardFilter, lanes: str, folded: set[str]) -> Grid:
    """Return the board with lanes. Six statements, whatever the number of deals."""
    stages = stages_of(wanted.pipeline)
    heads = [Head(key=str(s.pk), label=s.name, hue=s.hue, stage=s, folded=wanted.folds(s)) for s in stages]
    return _grid(user, wanted, lanes, stages, heads, lambda found: _lanes(lanes, found), folded)


def forecast_grid(user: Any, wanted: BoardFilter, folded: set[str]) -> Grid:
    """Return the open deals by the month of their expected close and by how certain they are."""
    today = timezone.localdate()
    heads = [Head(key=PAST, label=_("Past"), hue="coral", drop=False)]
    for n in range(MONTHS):
        first = month_after(today, n)
        heads.append(Head(key=f"{first:%Y-%m}", label=month_name(first), hue="teal" if not n else "slate"))
    heads += [Head(key=LATER, label=_("Later"), hue="slate", drop=False), Head(key=NONE, label=_("No date"), hue="slate")]
    stages = stages_of(wanted.pipeline)
    made = _grid(user, wanted, FORECAST, stages, heads, lambda found: _certainties(), folded)
    made.heads = [h for h in made.heads if h.count or h.key not in (PAST, LATER)]
    kept = {h.key for h in made.heads}
    for lane in made.lanes:
        lane.cells = [c for c in lane.cells if c.head.key in kept]
    return made


def cell_cards(user: Any, wanted: BoardFilter, lanes: str, column: str, lane: str, offset: int) -> tuple[list[Card], int]:
    """Return the next cards of a cell (``lanes`` is “forecast” for that), and how many are left after them."""
    deals = filtered(user, wanted)
    order = card_order(Stage(outcome=Stage.Outcome.OPEN), wanted.order)
    if lanes == FORECAST:
        deals = deals.filter(outcome=Stage.Outcome.OPEN)
    rows = named(user, deals, lanes).filter(column=column, lane=lane)
    ids = list(rows.order_by(*order).values_list("pk", flat=True)[offset:offset + PER_CELL])
    cards = _cards(user, ids, stages_of(wanted.pipeline))
    return cards, max(0, rows.count() - offset - len(ids))


def place_of(user: Any, deal: Deal, lanes: str) -> tuple[str, str]:
    """Return the keys of the column and the lane in which a deal stands."""
    found = named(user, Deal.objects.filter(pk=deal.pk), lanes).values_list("column", "lane").first()
    return found or ("", "")


def sums_of(user: Any, deals: QuerySet[Deal], lanes: str) -> tuple[dict[str, Sums], dict[str, Sums]]:
    """Return the sums of every column and of every lane by key. Closed columns count in no lane."""
    columns: dict[str, Sums] = {}
    rows: dict[str, Sums] = {}
    if lanes == FORECAST:
        deals = deals.filter(outcome=Stage.Outcome.OPEN)
    for r in _counted(user, deals, keys_of(user, lanes)):
        columns.setdefault(r["column"], Sums()).add(r["n"], r["total"], r["weighted"])
        if r["outcome"] == Stage.Outcome.OPEN:
            rows.setdefault(r["lane"], Sums()).add(r["n"], r["total"], r["weighted"])
    return columns, rows


def keys_of(user: Any, lanes: str) -> dict[str, Any]:
    """Return the expressions that name the column and the lane of a deal."""
    nothing = Value(NONE, output_field=TextField())
    if lanes == FORECAST:
        rights = field_rights(user, Deal)
        return {
            "column": month_key(MONTHS) if rights.can_read("expected_close_date") else nothing,
            "lane": certainty_key() if rights.can_read("probability") else Value("pipeline", output_field=TextField()),
        }
    return {"column": Cast("stage_id", TextField()), "lane": _lane(user, lanes)}


def named(user: Any, deals: QuerySet[Deal], lanes: str) -> Any:
    """Return the deals with the names of their column and lane (``column``, ``lane``)."""
    return deals.annotate(**keys_of(user, lanes))


def month_key(months: int | None = None) -> Any:
    """Return the expression that names the month of the expected close."""
    today = timezone.localdate()
    cases = [
        When(expected_close_date=None, then=Value(NONE)),
        When(expected_close_date__lt=today.replace(day=1), then=Value(PAST)),
    ]
    if months:
        cases.append(When(expected_close_date__gte=month_after(today, months), then=Value(LATER)))
    named = Func(F("expected_close_date"), Value("YYYY-MM"), function="to_char", output_field=TextField())
    return Case(*cases, default=named, output_field=TextField())


def certainty_key() -> Any:
    """Return the expression that names how certain a deal is."""
    return Case(
        When(probability__gte=75, then=Value("commit")), When(probability__gte=40, then=Value("best")),
        default=Value("pipeline"), output_field=TextField(),
    )


def _lane(user: Any, lanes: str) -> Any:
    """Return the expression that names a deal's lane; what the reader may not see is no lane of its own."""
    rights = field_rights(user, Deal)
    if lanes == "owner" and rights.can_read("assigned_user"):
        return Coalesce(Cast("assigned_user_id", TextField()), Value(NONE), output_field=TextField())
    if lanes == "month" and rights.can_read("expected_close_date"):
        return month_key()
    if lanes == "status" and rights.can_read("customer") and field_rights(user, Customer).can_read("status"):
        seen = Q() if sees_everything(user, Customer) else Q(Exists(visible_to(user, Customer).filter(pk=OuterRef("customer_id"))))
        return Case(When(Q(customer__isnull=False) & seen, then=F("customer__status")), default=Value(NONE), output_field=TextField())
    return Value(NONE, output_field=TextField())


def _lanes(lanes: str, found: dict[str, Sums]) -> list[Lane]:
    """Name the lanes that have deals, and put them into their order."""
    if lanes == "owner":
        people = User.objects.in_bulk([key for key in found if key != NONE])
        made = [Lane(key=str(pk), label=person.name, person=person) for pk, person in people.items()]
        made.sort(key=lambda lane: (-found[lane.key].total, lane.label.casefold()))
        last = _("Nobody")
    elif lanes == "status":
        hues = {"LEAD": "sky", "PROSPECT": "amber", "CUSTOMER": "green", "INACTIVE": "slate"}
        made = [Lane(key=s.value, label=str(s.label), hue=hues.get(s.value, "slate")) for s in Customer.Status if s.value in found]
        last = _("No customer")
    else:
        months = sorted(key for key in found if key not in (NONE, PAST))
        made = [Lane(key=PAST, label=_("Past"), hue="coral")] if PAST in found else []
        made += [Lane(key=key, label=month_name(dt.date.fromisoformat(f"{key}-01")), hue="slate") for key in months]
        last = _("No date")
    return [*made, *([Lane(key=NONE, label=last, hue="slate")] if NONE in found else [])]


def _certainties() -> list[Lane]:
    return [Lane(key=key, label=str(label), note=str(note), hue=hue) for key, (label, note, hue) in CERTAINTY.items()]


def _grid(
    user: Any, wanted: BoardFilter, lanes: str, stages: list[Stage], heads: list[Head], lanes_for: Any, folded: set[str]
) -> Grid:
    deals = filtered(user, wanted)
    sums = stage_sums(user, stages, deals, narrowed=wanted.narrowed)
    by_key = {h.key: h for h in heads}
    # Of a closed stage that is folded only the sum is shown.
    away = [h.stage for h in heads if h.folded and h.stage and h.stage.outcome != Stage.Outcome.OPEN]
    for stage in away:
        sum_of = sums.get(stage.pk, StageSum())
        by_key[str(stage.pk)].add(sum_of.n, sum_of.total, sum_of.weighted)
    left = [s for s in stages if s not in away and (lanes != FORECAST or s.outcome == Stage.Outcome.OPEN)]
    deals = deals.filter(stage__in=left)
    quick = _is_quick(user, wanted, lanes)
    found: dict[str, Sums] = {}
    counts: dict[tuple[str, str], int] = {}
    standing: dict[tuple[str, str, Any], int] = {}
    made = Board(wanted.pipeline, [])
    for r in _cells(user, deals, lanes, left, quick=quick):
        if r["outcome"] == Stage.Outcome.OPEN:
            made.count, made.total, made.weighted = made.count + r["n"], made.total + r["total"], made.weighted + r["weighted"]
        head = by_key.get(r["column"])
        if head is None:
            continue
        head.add(r["n"], r["total"], r["weighted"])
        if r["outcome"] == Stage.Outcome.OPEN:
            found.setdefault(r["lane"], Sums()).add(r["n"], r["total"], r["weighted"])
        elif not head.folded:
            found.setdefault(r["lane"], Sums())
        counts[r["column"], r["lane"]] = counts.get((r["column"], r["lane"]), 0) + r["n"]
        place = (r["column"], r["lane"], r.get("stage") or (head.stage.pk if head.stage else None))
        standing[place] = standing.get(place, 0) + r["n"]
    add_strip(made, stages, sums)
    aside, heads = [h for h in heads if h.folded], [h for h in heads if not h.folded]
    top = max((h.total for h in heads), default=ZERO)
    for h in heads:
        h.share = float(100 * h.total / top) if top else 0
    every = lanes_for(found)
    drawn = every[:MAX_LANES]
    for lane in drawn:
        sum_here = found.get(lane.key, Sums())
        lane.add(sum_here.count, sum_here.total, sum_here.weighted)
        lane.folded = lane.key in folded
        lane.cells = [Cell(h, counts.get((h.key, lane.key), 0)) for h in heads]
    unfolded = [lane for lane in drawn if not lane.folded]
    if quick and wanted.order == ("rank", "id"):
        places = first_of_spots(filtered(user, wanted), lanes, _spots(lanes, unfolded, left, standing), PER_CELL)
    else:
        places = _first_of_each(deals, wanted.order, keys_of(user, lanes), heads, [lane.key for lane in unfolded])
    cards = {card.deal.pk: card for card in _cards(user, [pk for some in places.values() for pk in some], stages)}
    for lane in drawn:
        for cell in lane.cells:
            cell.cards = [cards[pk] for pk in places.get((cell.head.key, lane.key), ()) if pk in cards]
    return Grid(heads, drawn, made, len(every) - len(drawn), aside)


def _is_quick(user: Any, wanted: BoardFilter, lanes: str) -> bool:
    """Tell whether the board shows all deals of a pipeline, to one who sees what its lanes are made of."""
    if wanted.narrowed or not sees_everything(user, Deal):
        return False
    rights = field_rights(user, Deal)
    if lanes == "status":
        return rights.can_read("customer") and field_rights(user, Customer).can_read("status") and sees_everything(user, Customer)
    return all(map(rights.can_read, ("assigned_user",) if lanes == "owner" else ("expected_close_date", "probability")))


def _cells(user: Any, deals: QuerySet[Deal], lanes: str, stages: list[Stage], *, quick: bool) -> list[dict[str, Any]]:
    """Return what the deals of each cell come to: by the kept sums, which know closed deals by the day they were closed."""
    is_open = [s for s in stages if s.outcome == Stage.Outcome.OPEN]
    if not quick or lanes not in KEPT or (lanes == "month" and len(is_open) < len(stages)):
        return _counted(user, deals, keys_of(user, lanes))
    today = timezone.localdate()
    later = month_after(today, MONTHS) if lanes == FORECAST else None
    return kept_cells(stages, lanes, first=today.replace(day=1), later=later, amounts=amounts_shown(user))


def _spots(lanes: str, rows: list[Lane], stages: list[Stage], standing: dict[tuple[str, str, Any], int]) -> list[Spot]:
    """Return how the deals of each cell that has some are found, stage by stage; ``standing`` tells how many of which stages."""
    found = []
    in_stage: dict[Any, int] = {}
    for (_column, _lane, pk), number in standing.items():
        in_stage[pk] = in_stage.get(pk, 0) + number
    for row in rows:
        for cell in row.cells:
            if not cell.count:
                continue
            month = {"month": row.key, FORECAST: cell.head.key}.get(lanes, NONE)
            low, high = ends_of(month, MONTHS)
            owner = row.person.pk if row.person else None
            status = row.key if lanes == "status" and row.key != NONE else ""
            band = row.key if lanes == FORECAST else "pipeline"
            for stage in stages:
                here = standing.get((cell.head.key, row.key, stage.pk), 0)
                if here:
                    few = lanes in ("month", FORECAST) and are_few(here, in_stage[stage.pk], PER_CELL)
                    found.append(Spot(cell.head.key, row.key, stage.pk, owner, low, high, band, status, few))
    return found


def _counted(user: Any, deals: QuerySet[Deal], keys: dict[str, Any]) -> list[dict[str, Any]]:
    rows: Any = deals.order_by().annotate(**keys)
    return list(rows.values("column", "lane", "outcome").annotate(
        n=Count("pk"), total=Coalesce(Sum(amount(user)), ZERO, output_field=MONEY),
        weighted=Coalesce(Sum(weighted(user)), ZERO, output_field=MONEY),
    ))


def _first_of_each(
    deals: Any, ordered: tuple[str, ...], keys: dict[str, Any], heads: list[Head], lanes: list[str]
) -> dict[tuple[str, str], list[Any]]:
    """Return the first deals of each cell, sorted out of all of them."""
    order = [F(name[1:]).desc(nulls_last=True) if name.startswith("-") else F(name).asc(nulls_last=True) for name in ordered]
    named_rows: Any = deals.order_by().annotate(**keys)
    rows = (
        named_rows.filter(column__in=[h.key for h in heads], lane__in=lanes)
        .annotate(place=Window(RowNumber(), partition_by=[F("column"), F("lane")], order_by=order))
        .filter(place__lte=PER_CELL).order_by("place").values_list("pk", "column", "lane")
    )
    found: dict[tuple[str, str], list[Any]] = {}
    for pk, column, lane in rows if lanes else ():
        found.setdefault((column, lane), []).append(pk)
    return found


def _cards(user: Any, ids: list[Any], stages: list[Stage]) -> list[Card]:
    """Return the deals of the ids as cards, in the same order."""
    by_pk = {card.deal.pk: card for cards in as_cards(user, ids, stages).values() for card in cards}
    return [by_pk[pk] for pk in ids if pk in by_pk]
