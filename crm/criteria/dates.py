"""Dates as people say them, in the time zone of who asks.

Every value becomes a span ``[start, end)``: of days for a date, of moments for a date with a time. A date is
its day; a relative date is computed anew at every question.

- ``{"relative": "today" | "yesterday" | "tomorrow" | "now"}``
- ``{"relative": "last", "n": 30, "unit": "day"}``: from the same day 30 days ago, up to now; hours to the second
- ``{"relative": "next", "n": 2, "unit": "week"}``: from now to the end of the day two weeks ahead
- ``{"relative": "this" | "last" | "next", "unit": "month"}``: the calendar month itself
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dateutil.relativedelta import relativedelta
from django.utils import timezone

UNITS = ("hour", "day", "week", "month", "quarter", "year", "fiscal_quarter", "fiscal_year")
ROLLING = ("hour", "day", "week", "month", "quarter", "year")
POINTS = ("now", "today", "yesterday", "tomorrow")
WORDS = (*POINTS, "this", "last", "next")
MAX_N = {"hour": 100_000, "day": 36_500, "week": 5_200, "month": 1_200, "quarter": 400, "year": 100}


@dataclass(frozen=True)
class Calendar:
    """On which weekday a week begins (1 is Monday), and in which month a fiscal year."""

    first_day_of_week: int = 1
    fiscal_year_starts: int = 1


_calendar: list[Callable[[], Calendar]] = [Calendar]


def calendar_from(function: Callable[[], Calendar]) -> None:
    """Register where the calendar of this installation is kept."""
    _calendar[:] = [function]


def zone_of(viewer: Any) -> dt.tzinfo:
    """Return the time zone of who asks; UTC for the application and for an unknown name."""
    name = getattr(viewer, "time_zone", "") or "UTC"
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC


def now_in(zone: dt.tzinfo) -> dt.datetime:
    """Return the present moment in a zone."""
    return timezone.now().astimezone(zone)


def midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """Return the moment at which a day begins in a zone."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)


def back(day: Any, n: int, unit: str) -> Any:
    """Return a date or moment ``n`` units (negative: ahead) away."""
    if unit == "hour":
        return day - dt.timedelta(hours=n)
    if unit == "quarter":
        return day - relativedelta(months=3 * n)
    return day - relativedelta(**{f"{unit}s": n})  # type: ignore[arg-type]


def days_of(value: Any, zone: dt.tzinfo) -> tuple[dt.date, dt.date]:
    """Return the days ``[start, end)`` that a date or a relative date means."""
    if isinstance(value, dt.datetime):
        value = value.astimezone(zone).date()
    if isinstance(value, dt.date):
        return value, value + dt.timedelta(days=1)
    today = now_in(zone).date()
    word, n, unit = value["relative"], value.get("n"), value.get("unit", "day")
    one = dt.timedelta(days=1)
    if word in POINTS:
        day = today + {"yesterday": -one, "tomorrow": one}.get(word, dt.timedelta())
        return day, day + one
    if n is not None:
        if unit == "hour":
            now = now_in(zone)
            far = back(now, n if word == "last" else -n, "hour").date()
            return (far, today + one) if word == "last" else (today, far + one)
        return (back(today, n, unit), today + one) if word == "last" else (today, back(today, -n, unit) + one)
    start = _begin(today, unit)
    step = "year" if "year" in unit else "quarter" if "quarter" in unit else unit
    if word != "this":
        start = back(start, 1 if word == "last" else -1, step)
    return start, back(start, -1, step)


def moments_of(value: Any, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    """Return the moments ``[start, end)`` that a value means; an exact moment is a span of a microsecond."""
    tick = dt.timedelta(microseconds=1)
    if isinstance(value, dt.datetime):
        return value, value + tick
    if isinstance(value, dict):
        now = now_in(dt.UTC)
        word, n, unit = value["relative"], value.get("n"), value.get("unit")
        if word == "now":
            return now, now + tick
        if unit == "hour":
            if n is None:
                hour = now_in(zone).replace(minute=0, second=0, microsecond=0).astimezone(dt.UTC)
                hour += dt.timedelta(hours={"last": -1, "next": 1}.get(word, 0))
                return hour, hour + dt.timedelta(hours=1)
            return (back(now, n, "hour"), now + tick) if word == "last" else (now, back(now, -n, "hour") + tick)
        if n is not None:
            start, end = days_of(value, zone)
            return (midnight(start, zone), now + tick) if word == "last" else (now, midnight(end, zone))
    start, end = days_of(value, zone)
    return midnight(start, zone), midnight(end, zone)


def age_limit(value: dict[str, Any], zone: dt.tzinfo) -> dt.datetime:
    """Return the moment ``{"n", "unit"}`` ago."""
    found: dt.datetime = back(now_in(zone), value["n"], value["unit"])
    return found.astimezone(dt.UTC)


def _begin(day: dt.date, unit: str) -> dt.date:
    """Return the first day of the calendar unit around a day."""
    calendar = _calendar[0]()
    if unit == "week":
        return day - dt.timedelta(days=(day.isoweekday() - calendar.first_day_of_week) % 7)
    if unit == "month":
        return day.replace(day=1)
    first = calendar.fiscal_year_starts if unit.startswith("fiscal") else 1
    months = (day.month - first) % (3 if "quarter" in unit else 12) if unit != "day" else 0
    return day if unit == "day" else day.replace(day=1) - relativedelta(months=months)
