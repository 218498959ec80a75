"""Facets: how many rows of a list fall to each value of a field, and how its numbers are spread."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db.models import Count, F, Func, IntegerField, Max, Min, Value
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.lists.query import matching
from crm.lists.state import ListState
from crm.records.entity import entity
from crm.records.fields import NUMERIC, Field, Kind
from crm.ui.values import sees_everything

MOST = 8
FIELDS = 6
HISTOGRAMS = 3
BUCKETS = 20
_KINDS = (Kind.CHOICE, Kind.USER, Kind.LINK, Kind.TAGS, Kind.BOOLEAN)


@dataclass
class Option:
    """One value: its words, how many rows have it, whether it is chosen, and where choosing it leads."""

    label: Any
    count: int
    chosen: bool
    url: str
    tone: str = ""
    hue: str = ""
    user: Any = None


@dataclass
class Bar:
    """A bar of a histogram, in the coordinates of its drawing."""

    x: str
    y: str
    width: str
    height: str
    low: str
    high: str
    count: int
    chosen: bool


@dataclass
class Facet:
    """A field with its most frequent values, or with the histogram of its numbers."""

    field: Field
    options: list[Option] = dataclass_field(default_factory=list)
    bars: list[Bar] = dataclass_field(default_factory=list)
    least: Decimal | None = None
    most: Decimal | None = None
    low: str = ""
    high: str = ""
    index: int | None = None
    """The filter that holds the range."""
    clear: str = ""


def facets(state: ListState) -> list[Facet]:
    """Return the facets of a list: one statement each, and one for the names of linked records."""
    found: list[Facet] = []
    histograms: list[Facet] = []
    for f in state.fields.values():
        if f.custom or f.computed or not f.filterable or f.key not in state.askable:
            continue
        if f.kind in _KINDS and len(found) < FIELDS:
            if f.kind == Kind.LINK and not sees_everything(state.user, entity(f.link).model):
                continue
            options = _options(state, f)
            if options:
                found.append(Facet(f, options))
        elif f.kind in NUMERIC and len(histograms) < HISTOGRAMS:
            spread = _histogram(state, f)
            if spread is not None:
                histograms.append(spread)
    return [*found, *histograms]


def _options(state: ListState, f: Field) -> list[Option]:
    op = {Kind.TAGS: "has_any", Kind.BOOLEAN: "is"}.get(f.kind, "is_any_of")
    index = next((i for i, c in enumerate(state.clauses) if c.get("field") == f.key and c.get("op") in (op, "is")), None)
    value = state.clauses[index].get("value") if index is not None else []
    chosen = [str(v) for v in (value if isinstance(value, list) else [value])]
    others = state.without_clause(index) if index is not None else state
    rows = matching(others).order_by().values(f.source).annotate(n=Count("pk", distinct=f.kind == Kind.TAGS)).order_by("-n")[: MOST + 1]
    counted = [(row[f.source], row["n"]) for row in rows if row[f.source] not in (None, "")][:MOST]
    if f.kind == Kind.BOOLEAN and len(counted) < 2 and not chosen:
        return []
    known = _named(state, f, [v for v, _n in counted])
    made = []
    for raw, number in counted:
        key = str(raw)
        label, extra = known.get(key, (key, {}))
        clause: dict[str, Any] = {"field": f.key, "op": op}
        if f.kind == Kind.BOOLEAN:
            clause["value"] = raw
            there = others if key in chosen else state.with_clause(clause, index)
        else:
            clause["value"] = [c for c in chosen if c != key] if key in chosen else [*chosen, key]
            there = state.with_clause(clause, index) if clause["value"] else others
        made.append(Option(label, number, key in chosen, there.url, **extra))
    return made


def _named(state: ListState, f: Field, keys: list[Any]) -> dict[str, tuple[Any, dict[str, Any]]]:
    if f.kind == Kind.BOOLEAN:
        return {"True": (_yes(True), {}), "False": (_yes(False), {})}
    if f.kind == Kind.CHOICE:
        return {c.value: (c.label, {"tone": c.tone, "hue": c.hue}) for c in f.options}
    target = entity("user" if f.kind == Kind.USER else "tag" if f.kind == Kind.TAGS else f.link)
    rows = visible_to(state.user, target.model).filter(pk__in=keys)
    return {
        str(o.pk): (str(o), {"user": o} if f.kind == Kind.USER else {"hue": getattr(o, "hue", "") or ""}) for o in rows
    }


def _yes(value: bool) -> str:
    return _("Yes") if value else _("No")


def range_of(state: ListState, key: str) -> tuple[int | None, str, str]:
    """Return the filter that limits a number, and its two ends."""
    for index, clause in enumerate(state.clauses):
        if clause.get("field") == key and clause.get("op") in ("between", "gte", "lte"):
            value = clause["value"]
            if clause["op"] == "between":
                return index, str(value[0]), str(value[1])
            return (index, str(value), "") if clause["op"] == "gte" else (index, "", str(value))
    return None, "", ""


def with_range(state: ListState, key: str, low: str, high: str) -> ListState:
    """Return the state with a number limited to a range; without ends, not limited."""
    index, _low, _high = range_of(state, key)
    if not low and not high:
        return state.without_clause(index) if index is not None else state
    op, value = ("between", [low, high]) if low and high else ("gte", low) if low else ("lte", high)
    return state.with_clause({"field": key, "op": op, "value": value}, index)


def _histogram(state: ListState, f: Field) -> Facet | None:
    """Return how the numbers of a field are spread over buckets of one width; nothing where all are the same."""
    index, low, high = range_of(state, f.key)
    others = state.without_clause(index) if index is not None else state
    rows = matching(others).order_by().filter(**{f"{f.source}__isnull": False})
    ends = rows.aggregate(least=Min(f.source), most=Max(f.source))
    if ends["least"] is None or ends["least"] == ends["most"]:
        return None
    least, most = Decimal(ends["least"]), Decimal(ends["most"])
    whole = f.kind == Kind.INTEGER
    span = most - least + (1 if whole else 0)
    step = (span / BUCKETS).to_integral_value(ROUND_CEILING) if whole else span / BUCKETS
    buckets = int((span / step).to_integral_value(ROUND_CEILING)) if whole else BUCKETS
    bucket = Func(F(f.source), Value(least), Value(least + step * buckets), Value(buckets), function="width_bucket", output_field=IntegerField())
    counted = dict(rows.annotate(bucket=bucket).values("bucket").annotate(n=Count("pk")).values_list("bucket", "n"))
    counts = [counted.get(i + 1, 0) for i in range(buckets)]
    counts[-1] += counted.get(buckets + 1, 0)
    highest = max(counts) or 1
    width = 100 / buckets
    bars = []
    for i, n in enumerate(counts):
        start, end = least + step * i, least + step * (i + 1)
        tall = max(32 * (n / highest) ** 0.5, 1.5) if n else 0.75
        inside = (not low or end > Decimal(low)) and (not high or start <= Decimal(high))
        shown_end = end - 1 if whole else end
        x, y, wide, height = (f"{v:.2f}" for v in (i * width, 34 - tall, width - 0.8, tall))
        bars.append(Bar(x, y, wide, height, _plain(start), _plain(shown_end), n, inside))
    return Facet(f, bars=bars, least=least, most=most, low=low, high=high, index=index, clear=others.url if index is not None else "")


def _plain(value: Decimal) -> str:
    """Return a number as an input takes it."""
    return f"{value.quantize(Decimal('1')) if value == value.to_integral_value() or abs(value) >= 100 else round(value, 2):f}"
