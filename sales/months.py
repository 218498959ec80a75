"""Months as the columns and lanes of a board: their names, their ends, and the day that a close date moves to."""

import datetime as dt
from calendar import monthrange

from babel.dates import format_date
from django.utils import timezone

from crm.ui.figures import dates
from sales.cells import LATER, NONE, PAST


def month_after(day: dt.date, months: int) -> dt.date:
    """Return the first day of the month so many months after that of ``day``."""
    count = day.year * 12 + day.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


def month_name(first: dt.date) -> str:
    """Write a month in the reader's language."""
    return format_date(first, "LLLL" if first.year == timezone.localdate().year else "LLLL y", locale=dates()).capitalize()


def day_in(first: dt.date, was: dt.date | None) -> dt.date:
    """Return the day of a month that a close date moves to: the same day, never one that has passed."""
    last = first.replace(day=monthrange(first.year, first.month)[1])
    moved = first.replace(day=min(was.day, last.day)) if was else last
    return last if moved < timezone.localdate() else moved


def ends_of(month: str, months: int) -> tuple[str | None, str | None]:
    """Return the first day of a column of months, and that of the one after it; nothing for deals without a date."""
    first = timezone.localdate().replace(day=1)
    if month == NONE:
        return None, None
    if month == PAST:
        return "-infinity", str(first)
    if month == LATER:
        return str(month_after(first, months)), "infinity"
    first = dt.date.fromisoformat(f"{month}-01")
    return str(first), str(month_after(first, 1))
