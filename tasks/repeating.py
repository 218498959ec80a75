"""When a repeating task is due again (T9)."""

import datetime as dt

from dateutil.relativedelta import relativedelta
from django.utils import timezone

END_OF_WORK = dt.time(17, 0)
# The step, and the most days that it takes: so many steps can be taken at once without passing the present.
STEPS = {
    "DAILY": (relativedelta(days=1), 1), "WEEKDAYS": (relativedelta(days=1), 1), "WEEKLY": (relativedelta(weeks=1), 7),
    "FORTNIGHTLY": (relativedelta(weeks=2), 14), "MONTHLY": (relativedelta(months=1), 31),
    "QUARTERLY": (relativedelta(months=3), 92), "YEARLY": (relativedelta(years=1), 366),
}


def next_due(due: dt.datetime | None, repeat: str, now: dt.datetime | None = None) -> dt.datetime:
    """Return the next date after ``due`` that lies in the future, at the same time of day by the reader's clock."""
    present = timezone.localtime(now).replace(tzinfo=None)
    first = timezone.localtime(due).replace(tzinfo=None) if due else dt.datetime.combine(present, END_OF_WORK)
    step, days = STEPS[repeat]
    count = max(1, (present - first).days // days)
    # Counted from the first date, so that the 31st comes back after a shorter month.
    while (found := first + step * count) <= present or (repeat == "WEEKDAYS" and found.weekday() > 4):
        count += 1
    return timezone.make_aware(found)
