"""The calendar that relative dates go by: this installation's first day of the week and fiscal year."""

from django.core.cache import cache

from crm.criteria.dates import Calendar, calendar_from
from crm.workspace.models import Workspace

KEPT = 60
"""Seconds: dates are computed in every list, and the calendar hardly ever changes."""


def calendar() -> Calendar:
    """Return the workspace's calendar."""
    found = cache.get("criteria:calendar")
    if not isinstance(found, tuple):
        row = Workspace.objects.values_list("first_day_of_week", "fiscal_year_starts").first()
        found = row or (1, 1)
        cache.set("criteria:calendar", found, KEPT)
    return Calendar(*found)


calendar_from(calendar)
