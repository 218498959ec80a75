"""Facets: how many rows of a list fall to each value of a field, and how its numbers are spread."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.lists.query import matching
from crm.lists.sample import about, some_of
from crm.lists.state import ListState
from crm.records.entity import entity
from crm.records.fields import NUMERIC, Field, Kind
from crm.ui.values import sees_everything

MOST = 8
FIELDS = 6
HISTOGRAMS = 3
BUCKETS = 20
LEAST_SAMPLED = 8
"""A value that fewer rows of a sample have is not frequent enough to be told."""
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
    rough: bool = False
    """Its numbers are estimated from a sample."""


def facets(state: ListState) -> list[Facet]:
    """Return the facets of a list: one statement for all of them, and one for the names of each kind of linked records.

    A field that is limited already is counted without its own limit, in a statement of its own. Of very many rows a
    sample is counted; the facet then says that its numbers are ``rough``.
    """
    asked: list[_Asked] = []
    options = histograms = 0
    for f in state.fields.values():
        if f.custom or f.computed or not f.filterable or f.key not in state.askable:
            continue
        if f.kind in _KINDS and options < FIELDS:
            if f.kind == Kind.LINK and not sees_everything(state.user, entity(f.link).model):
                continue
            op = {Kind.TAGS: "has_any", Kind.BOOLEAN: "is"}.get(f.kind, "is_any_of")
            index = next((i for i, c in enumerate(state.clauses) if c.get("field") == f.key and c.get("op") in (op, "is")), None)
            options += 1
        elif f.kind in NUMERIC and histograms < HISTOGRAMS:
            op, (index, _low, _high) = "", range_of(state, f.key)
            histograms += 1
        else:
            continue
        asked.append(_Asked(f, op, index, state.without_clause(index) if index is not None else state))
    counted: dict[str, _Counted] = {}
    for index in dict.fromkeys(a.index for a in asked):
        counted |= _counted([a for a in asked if a.index == index])
    drawn = [_options(state, a, counted[a.field.key]) if a.op else _histogram(state, a, counted[a.field.key]) for a in asked]
    found = [facet for facet in drawn if facet is not None]
    return sorted(found, key=lambda facet: bool(facet.bars))


@dataclass
class _Asked:
    """A field to be counted, the filter that limits it, and the list without that."""

    field: Field
    op: str
    """How its values are chosen; nothing for a histogram."""
    index: int | None
    others: ListState


@dataclass
class _Counted:
    """The numbers of a field: by value, or by bucket between two ends."""

    numbers: list[tuple[str, int]] = dataclass_field(default_factory=list)
    least: Decimal | None = None
    most: Decimal | None = None
    rough: bool = False


def _counted(asked: list[_Asked]) -> dict[str, _Counted]:
    """Count some fields over the same rows, in one statement."""
    rows, stands_for = some_of(matching(asked[0].others).order_by())
    columns = [a.field.source for a in asked if a.field.kind != Kind.TAGS]
    found = {a.field.key: _Counted(rough=stands_for > 1) for a in asked}
    try:
        text, values = rows.values_list("pk", *columns).query.sql_with_params()
    except EmptyResultSet:
        return found
    least = LEAST_SAMPLED if stands_for > 1 else 1
    names = ["id", *(f"c{columns.index(source)}" for source in columns)]
    ends, lines, more = [], [], list(values)
    for at, a in enumerate(asked):
        if a.field.kind == Kind.TAGS:
            tagged = a.others.entity.model._default_manager.filter(pk__in=RawSQL("SELECT id FROM s", [])).order_by()
            each = tagged.filter(tags__isnull=False).values_list("tags").annotate(n=Count("pk", distinct=True))
            tags, given = each.query.sql_with_params()
            more += given
            lines.append(
                f"(SELECT {at}, t.v::text, NULL::numeric, NULL::numeric, t.n FROM ({tags}) t(v, n) WHERE n >= {least} "
                f"ORDER BY n DESC, 2 LIMIT {MOST})"
            )
            continue
        c = f"c{columns.index(a.field.source)}"
        if a.op:
            lines.append(
                f"(SELECT {at}, {c}::text, NULL::numeric, NULL::numeric, count(*) FROM s WHERE {c}::text <> '' GROUP BY {c} "
                f"HAVING count(*) >= {least} ORDER BY 5 DESC, 2 LIMIT {MOST})"
            )
            continue
        whole = a.field.kind == Kind.INTEGER
        step = f"ceil((max({c}) - min({c}) + 1) / {BUCKETS}.0)" if whole else f"(max({c}) - min({c})) / {BUCKETS}"
        ends.append(f"e{at}(low, high, step) AS (SELECT min({c})::numeric, max({c})::numeric, ({step})::numeric FROM s)")
        number = "ceil((high - low + 1) / step)::int" if whole else str(BUCKETS)
        lines.append(
            f"(SELECT {at}, width_bucket({c}::numeric, low, low + step * {number}, {number})::text, low, high, count(*) "
            f"FROM s, e{at} WHERE {c} IS NOT NULL AND low < high GROUP BY 2, 3, 4)"
        )
    parts = ", ".join([f"s({', '.join(names)}) AS MATERIALIZED ({text})", *ends])
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {parts} {' UNION ALL '.join(lines)}", more)
        answers = cursor.fetchall()
    for at, value, low, high, number in answers:
        counted = found[asked[at].field.key]
        counted.least, counted.most = low, high
        counted.numbers.append((value, about(number, stands_for)))
    return found


def _options(state: ListState, asked: _Asked, counted: _Counted) -> Facet | None:
    f, op, index, others = asked.field, asked.op, asked.index, asked.others
    value = state.clauses[index].get("value") if index is not None else []
    chosen = [str(v) for v in (value if isinstance(value, list) else [value])]
    if not counted.numbers or (f.kind == Kind.BOOLEAN and len(counted.numbers) < 2 and not chosen):
        return None
    numbers: list[tuple[Any, int]] = list(counted.numbers)
    if f.kind == Kind.BOOLEAN:
        numbers = [(v == "true", n) for v, n in numbers]
    known = _named(state, f, [v for v, _n in numbers])
    made = []
    for raw, number in numbers:
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
    return Facet(f, made, rough=counted.rough)


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


def _histogram(state: ListState, asked: _Asked, counted: _Counted) -> Facet | None:
    """Return how the numbers of a field are spread over buckets of one width; nothing where all are the same."""
    f = asked.field
    index, low, high = range_of(state, f.key)
    least, most = counted.least, counted.most
    if least is None or most is None:
        return None
    whole = f.kind == Kind.INTEGER
    span = most - least + (1 if whole else 0)
    step = (span / BUCKETS).to_integral_value(ROUND_CEILING) if whole else span / BUCKETS
    buckets = int((span / step).to_integral_value(ROUND_CEILING)) if whole else BUCKETS
    numbers = {int(bucket): n for bucket, n in counted.numbers}
    counts = [numbers.get(i + 1, 0) for i in range(buckets)]
    counts[-1] += numbers.get(buckets + 1, 0)
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
    clear = asked.others.url if index is not None else ""
    return Facet(f, bars=bars, least=least, most=most, low=low, high=high, index=index, clear=clear, rough=counted.rough)


def _plain(value: Decimal) -> str:
    """Return a number as an input takes it."""
    return f"{value.quantize(Decimal('1')) if value == value.to_integral_value() or abs(value) >= 100 else round(value, 2):f}"
