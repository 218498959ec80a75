"""What stands under the columns of a list, and under each of its groups: sums, averages, ends, numbers of values."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy

from crm.criteria.sql import AsDay, AsMoment, AsNumber
from crm.lists.query import matching
from crm.lists.state import ListState
from crm.records.fields import NUMERIC, TEMPORAL, Field, Kind
from crm.ui.figures import money, number, when

LABELS = {
    "none": gettext_lazy("Nothing"), "sum": gettext_lazy("Sum"), "avg": gettext_lazy("Average"), "min": gettext_lazy("Least"),
    "max": gettext_lazy("Greatest"), "filled": gettext_lazy("Filled"), "empty": gettext_lazy("Empty"), "distinct": gettext_lazy("Different"),
}
_FUNCTIONS: dict[str, Any] = {"sum": Sum, "avg": Avg, "min": Min, "max": Max}
MAX_GROUPS = 60


@dataclass
class Figure:
    """What a column comes to: its words and its value as text."""

    label: Any
    values: list[Any]


def possible(f: Field) -> list[tuple[str, Any]]:
    """Return what may be calculated under a column."""
    if f.total is not None:
        return [(n, LABELS[n]) for n in ("none", "sum")]
    if f.computed or f.kind in (Kind.TAGS, Kind.ADDRESS, Kind.JSON):
        return []
    names = ["none", "filled", "empty", "distinct"]
    if f.kind in TEMPORAL:
        names[1:1] = ["min", "max"]
    elif f.kind in NUMERIC:
        names[1:1] = ["sum", "avg", "min", "max"]
    return [(n, LABELS[n]) for n in names]


def calculated(state: ListState) -> list[tuple[Field, str]]:
    """Return the columns under which something stands, each with what."""
    found = [(f, state.calculation(f)) for f in state.shown]
    return [(f, name) for f, name in found if name and name in dict(possible(f))]


def totals(state: ListState) -> dict[str, Figure]:
    """Return what stands under the columns: one statement for all fields, and one for each measure that is lent."""
    found = _measured(state, matching(state), None).get(None, {}) if any(f.total is None for f, _name in calculated(state)) else {}
    for f, _name in calculated(state):
        if f.total is not None:
            amount, code = f.total(matching(state), state.user)
            found[f.key] = Figure(LABELS["sum"], [money(amount, code, True)] if amount else [])
    return found


def group_totals(state: ListState, keys: Iterable[Any]) -> dict[Any, dict[str, Figure]]:
    """Return what stands under the columns for each of these groups, and their sizes (``""``), in one statement."""
    group = state.fields.get(state.group)
    wanted = list(dict.fromkeys(keys))[:MAX_GROUPS]
    if group is None or not wanted:
        return {}
    clause = Q(**{f"{group.source}__in": [k for k in wanted if k is not None]})
    if None in wanted:
        clause |= Q(**{f"{group.source}__isnull": True})
    return _measured(state, matching(state).filter(clause), group)


def _measured(state: ListState, rows: Any, group: Field | None) -> dict[Any, dict[str, Figure]]:
    wanted = [(f, name) for f, name in calculated(state) if f.total is None]
    measures = {f"m{i}": _measure(f, name) for i, (f, name) in enumerate(wanted)}
    counts = {f"n{i}": Count(_value(f)) for i, (f, name) in enumerate(wanted) if name == "avg"}
    own = state.entity.own_fields
    currency = next((own[f.currency] for f, name in wanted if f.kind == Kind.MONEY and name in _FUNCTIONS and f.currency in own), None)
    by = {**({"g": F(group.source)} if group else {}), **({"code": F(currency.source)} if currency else {})}
    ordered = rows.order_by()
    found = list(ordered.values(**by).annotate(rows=Count("pk"), **measures, **counts)) if by else [ordered.aggregate(rows=Count("pk"), **measures, **counts)]
    parts: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        parts[row.get("g")].append(row)
    return {
        key: {"": Figure("", [number(sum(r["rows"] for r in some))]), **{f.key: _figure(i, f, name, some) for i, (f, name) in enumerate(wanted)}}
        for key, some in parts.items()
    }


def _value(f: Field) -> Any:
    if not f.custom:
        return F(f.source)
    text = KeyTextTransform(f.name, "custom")
    return AsNumber(text) if f.kind in NUMERIC else AsDay(text) if f.kind == Kind.DATE else AsMoment(text) if f.kind == Kind.DATETIME else text


def _measure(f: Field, name: str) -> Any:
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](_value(f))
    if name == "distinct":
        return Count(_value(f), distinct=True)
    filled = Q(custom__has_key=f.name) if f.custom else Q(**{f"{f.source}__isnull": False})
    if not f.custom and f.kind not in (*NUMERIC, *TEMPORAL, Kind.BOOLEAN, Kind.USER, Kind.LINK):
        filled &= ~Q(**{f.source: ""})
    return Count("pk", filter=filled if name == "filled" else ~filled)


def _figure(at: int, f: Field, name: str, rows: list[dict[str, Any]]) -> Figure:
    """Return one figure out of its parts by currency: amounts stay apart, numbers come together."""
    parts = [(row[f"m{at}"], row.get("code") or "", row["rows"], row.get(f"n{at}", 0)) for row in rows if row[f"m{at}"] is not None]
    if f.kind == Kind.MONEY and name in _FUNCTIONS:
        largest = sorted(parts, key=lambda p: -p[2])
        return Figure(LABELS[name], [money(v, code, True) for v, code, _rows, _n in largest if v or name != "sum"])
    if not parts:
        return Figure(LABELS[name], [])
    values = [p[0] for p in parts]
    if name == "avg":
        weight = sum(p[3] for p in parts) or 1
        return Figure(LABELS[name], [number(round(sum(Decimal(p[0]) * p[3] for p in parts) / weight, 1))])
    value: Any = {"min": min, "max": max}[name](values) if name in ("min", "max") else sum(values)
    if f.kind in TEMPORAL:
        return Figure(LABELS[name], [value if f.custom else when(value)])
    return Figure(LABELS[name], [number(value)])
