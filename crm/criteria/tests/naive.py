"""Criteria evaluated the naive way, in plain Python over loaded records: the measure of the compiler.

It knows the meaning from the README and shares no code with the compiler.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from crm.lib.text import fold


class Naive:
    """Evaluates trees for one viewer at one moment."""

    def __init__(self, now: dt.datetime, zone: str, me: Any, my_team: set[Any], kinds: dict[str, dict[str, str]],
                 related: dict[str, Callable[[Any], list[Any]]]) -> None:
        self.now, self.zone, self.me, self.my_team = now, ZoneInfo(zone), me, my_team
        self.kinds, self.related = kinds, related

    def holds(self, node: dict[str, Any], obj: Any) -> bool:
        """Tell whether ``obj`` fulfils the tree."""
        if "all" in node:
            return all(self.holds(n, obj) for n in node["all"])
        if "any" in node:
            return any(self.holds(n, obj) for n in node["any"])
        if "not" in node:
            return not self.holds(node["not"], obj)
        if "related" in node:
            return self._related(node, obj)
        kind = self.kinds[type(obj).__name__][node["field"]]
        return self.compare(kind, self.value(obj, node["field"], kind), node["op"], node.get("value"))

    def value(self, obj: Any, name: str, kind: str) -> Any:
        """Return a value as its kind reads it; what a custom value of another shape says counts as nothing."""
        if kind == "tags":
            return {t.name for t in obj.tags.all()}
        if kind in ("user", "link"):
            return getattr(obj, f"{name}_id")
        if not name.startswith("custom."):
            return getattr(obj, name)
        raw = obj.custom.get(name.removeprefix("custom."))
        if raw in (None, "", []):
            return [] if kind == "choices" else None
        if kind == "number":
            return Decimal(str(raw)) if re.fullmatch(r"[+-]?\d{1,60}(\.\d{1,60})?", str(raw)) else BAD
        if kind in ("date", "moment"):
            return self._stored_date(str(raw), kind)
        if kind == "boolean":
            return raw if isinstance(raw, bool) else BAD
        if kind == "choices":
            return raw if isinstance(raw, list) else BAD
        return raw if isinstance(raw, str) else BAD

    def _stored_date(self, raw: str, kind: str) -> Any:
        try:
            if kind == "date":
                return dt.date.fromisoformat(raw) if re.fullmatch(r"\d{4}-\d\d-\d\d", raw) else BAD
            return dt.datetime.fromisoformat(raw) if raw.endswith("Z") else BAD
        except ValueError:
            return BAD

    def compare(self, kind: str, have: Any, op: str, want: Any) -> bool:
        """Tell whether a value stands in a relation to another; negatives are opposites."""
        opposite = {"is_not": "is", "is_none_of": "is_any_of", "not_contains": "contains", "has_none": "has_any",
                    "is_not_empty": "is_empty"}.get(op)
        if opposite:
            return not self.compare(kind, have, opposite, want)
        if op == "is_empty":
            return have in (None, "") or (isinstance(have, list | set) and not have)
        if have is None or have is BAD:
            return False
        if op == "is_any_of":
            return any(self.compare(kind, have, "is", w) for w in want)
        if kind == "text":
            have, want = fold(have), fold(want)
            return {"is": have == want, "contains": want in have, "starts_with": have.startswith(want),
                    "ends_with": have.endswith(want)}[op]
        if kind == "number":
            if op == "between":
                return Decimal(want[0]) <= have <= Decimal(want[1])
            want = Decimal(want)
            return {"is": have == want, "lt": have < want, "lte": have <= want, "gt": have > want, "gte": have >= want}[op]
        if kind in ("date", "moment"):
            return self._temporal(kind, have, op, want)
        if kind in ("choices", "tags"):
            hits = [w in have for w in want]
            return all(hits) if op == "has_all" else any(hits)
        if kind == "user":
            if op == "in_my_team":
                return have in self.my_team
            want = self.me if op == "is_me" or want == "me" else want
        return str(have) == str(want)

    def _related(self, node: dict[str, Any], obj: Any) -> bool:
        rows = [r for r in self.related[node["related"]](obj) if "where" not in node or self.holds(node["where"], r)]
        if "count" in node:
            n, want = len(rows), node["count"]["value"]
            return {"at_least": n >= want, "at_most": n <= want, "exactly": n == want, "more_than": n > want,
                    "fewer_than": n < want}[node["count"]["op"]]
        for measure in ("sum", "avg", "max"):
            if measure in node:
                found = [getattr(r, node[measure]) for r in rows]
                if measure == "sum":
                    have = sum(found, Decimal(0))
                elif not found:
                    have = None
                else:
                    have = max(found) if measure == "max" else sum(found, Decimal(0)) / len(found)
                return self.compare("number", have, node["op"], node.get("value"))
        return bool(rows)

    # -- dates ------------------------------------------------------------------------------------

    def _temporal(self, kind: str, have: Any, op: str, want: Any) -> bool:
        if op in ("older_than", "newer_than"):
            limit: Any = self._away(self.now.astimezone(self.zone), -want["n"], want["unit"])
            have, limit = (have, limit.date()) if kind == "date" else (have, limit)
            return have < limit if op == "older_than" else have >= limit
        if op == "between":
            return self._span(kind, want[0])[0] <= have < self._span(kind, want[1])[1]
        start, end = self._span(kind, want)
        return {"before": have < start, "after": have >= end, "on_or_before": have < end, "on_or_after": have >= start,
                "on": start <= have < end, "in": start <= have < end, "is": start <= have < end}[op]

    def _span(self, kind: str, want: Any) -> tuple[Any, Any]:
        tick = dt.timedelta(microseconds=1)
        today = self.now.astimezone(self.zone).date()
        if isinstance(want, str):
            if len(want) > 10:
                moment = dt.datetime.fromisoformat(want)
                return (moment, moment + tick) if kind == "moment" else self._day(kind, moment.astimezone(self.zone).date())
            return self._day(kind, dt.date.fromisoformat(want))
        word, n, unit = want["relative"], want.get("n"), want.get("unit")
        if word == "now" and kind == "moment":
            return self.now, self.now + tick
        if word in ("now", "today", "yesterday", "tomorrow"):
            return self._day(kind, today + dt.timedelta(days={"yesterday": -1, "tomorrow": 1}.get(word, 0)))
        if n is not None and word == "last":
            first = self._away(today, -n, unit)
            return (first, today + dt.timedelta(days=1)) if kind == "date" else (self._start(first), self.now + tick)
        if n is not None:
            last = self._away(today, n, unit) + dt.timedelta(days=1)
            return (today, last) if kind == "date" else (self.now, self._start(last))
        first = {"day": today, "week": today - dt.timedelta(days=today.weekday()), "month": today.replace(day=1),
                 "quarter": today.replace(day=1, month=(today.month - 1) // 3 * 3 + 1),
                 "year": today.replace(day=1, month=1)}[unit]
        first = self._away(first, {"this": 0, "last": -1, "next": 1}[word], unit)
        last = self._away(first, 1, unit)
        return (first, last) if kind == "date" else (self._start(first), self._start(last))

    def _day(self, kind: str, day: dt.date) -> tuple[Any, Any]:
        after = day + dt.timedelta(days=1)
        return (day, after) if kind == "date" else (self._start(day), self._start(after))

    def _start(self, day: dt.date) -> dt.datetime:
        # Through UTC: two moments of one zone would be compared by their wall clock.
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

    def _away(self, day: Any, n: int, unit: str) -> Any:
        if unit in ("day", "week"):
            return day + dt.timedelta(days=n * (7 if unit == "week" else 1))
        months = n * {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return day.replace(year=year, month=month + 1, day=min(day.day, last))


BAD = object()
"""A stored custom value that is not of its kind: not empty, and nothing else either."""
