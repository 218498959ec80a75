"""What a report is about: a period, a pipeline, an owner; and the criteria that name the same rows in a list."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.lib.errors import Denied, Detail, Invalid
from sales.models import Pipeline

T = TypeVar("T")

MOST_YEARS = 10
"""A chart over more years than this shows only the months that have something."""

PERIODS = {
    "": gettext_lazy("All time"),
    "month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
    "quarter": gettext_lazy("This quarter"),
    "last_quarter": gettext_lazy("Last quarter"),
    "year": gettext_lazy("This year"),
    "last_year": gettext_lazy("Last year"),
    "days_90": gettext_lazy("Last 90 days"),
}


@dataclass(frozen=True)
class Scope:
    """Which rows a report counts. The period is that of the close date; open deals are as of now."""

    start: dt.date | None = None
    end: dt.date | None = None
    pipeline: Pipeline | None = None
    owner: User | None = None
    period: str = ""

    def criteria(self, *more: dict[str, Any], closed: bool = False) -> dict[str, Any]:
        """Return the criteria of the same deals; with ``closed`` the period counts too."""
        clauses = list(more)
        if self.pipeline is not None:
            clauses.append({"field": "pipeline", "op": "is", "value": str(self.pipeline.pk)})
        if self.owner is not None:
            clauses.append({"field": "assigned_user", "op": "is", "value": str(self.owner.pk)})
        if closed and self.start:
            clauses.append({"field": "actual_close_date", "op": "on_or_after", "value": self.start.isoformat()})
        if closed and self.end:
            clauses.append({"field": "actual_close_date", "op": "on_or_before", "value": self.end.isoformat()})
        return {"version": 1, "all": clauses}


    def owned(self, *more: dict[str, Any], field: str = "assigned_user") -> dict[str, Any]:
        """Return the criteria of rows that have an owner and no pipeline (customers, tasks)."""
        mine = [{"field": field, "op": "is", "value": str(self.owner.pk)}] if self.owner is not None else []
        return {"version": 1, "all": [*more, *mine]}


def scope_of(user: Any, params: Mapping[str, str]) -> Scope:
    """Read a scope from parameters (``period`` or ``from`` and ``to``, ``pipeline``, ``owner``); refuse by name.

    Every report begins here, so it is here that those are refused who may not read reports.
    """
    if not rights_of(user).may("view", "report"):
        raise Denied
    problems: list[Detail] = []
    period = params.get("period") or ""
    if period not in PERIODS:
        problems.append(Detail("period", _("Known: %(names)s.") % {"names": ", ".join(p for p in PERIODS if p)}))
    start, end = _named(period)
    for name in ("from", "to"):
        text = params.get(name)
        if not text:
            continue
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            problems.append(Detail(name, _("This is not a date (YYYY-MM-DD).")))
            continue
        start, end = (day, end) if name == "from" else (start, day)
    if start and end and start > end:
        problems.append(Detail("to", _("The period ends before it begins.")))
    pipeline = owner = None
    if params.get("pipeline"):
        pipeline = _pipeline(user, params["pipeline"])
        if pipeline is None:
            problems.append(Detail("pipeline", _("There is no such pipeline.")))
    if params.get("owner"):
        owner = user if params["owner"] == "me" else _person(params["owner"])
        if owner is None:
            problems.append(Detail("owner", _("There is no such person.")))
    if problems:
        raise Invalid(details=problems)
    return Scope(start, end, pipeline, owner, period)


def rows_of(user: Any, model: type[Any]) -> QuerySet[Any]:
    """Return what reports count: what ``user`` may see and lists show, so without the archived."""
    return visible_to(user, model).filter(archived_at=None)


def list_url(plural: str, criteria: dict[str, Any]) -> str:
    """Return the page that lists what a number counted."""
    params = {"layout": "table"} if plural in ("deals", "tasks") else {}
    if criteria.get("all"):
        params["filter"] = json.dumps(criteria["all"], separators=(",", ":"))
    return f"/{plural}?{urlencode(params)}" if params else f"/{plural}"


def api_url(plural: str, criteria: dict[str, Any]) -> str:
    """Return the API's list of what a number counted."""
    params = {"filter": json.dumps(criteria, separators=(",", ":"))} if criteria.get("all") else {}
    return f"/api/v1/{plural}?{urlencode(params)}" if params else f"/api/v1/{plural}"


def _pipeline(user: Any, named: str) -> Pipeline | None:
    rows = visible_to(user, Pipeline)
    try:
        return rows.filter(pk=uuid.UUID(named)).first()
    except ValueError:
        return rows.filter(code=named[:40].replace("\x00", "")).first()


def _person(named: str) -> User | None:
    try:
        return User.objects.filter(pk=uuid.UUID(named)).first()
    except ValueError:
        return None


def every_month(rows: list[tuple[dt.date, T]], empty: T) -> list[tuple[dt.date, T]]:
    """Return the rows with ``empty`` for each month between them that has none, so that a chart skips no month."""
    known = {(month.year, month.month): row for month, row in rows}
    if not rows or (last := rows[-1][0]).year - (first := rows[0][0]).year > MOST_YEARS:
        return rows
    months = (_next(first.replace(day=1), n) for n in range((last.year - first.year) * 12 + last.month - first.month + 1))
    return [(month, known.get((month.year, month.month), empty)) for month in months]


def _named(period: str) -> tuple[dt.date | None, dt.date | None]:
    """Return first and last day of a named period, in the reader's time zone."""
    today = timezone.localdate()
    month = today.replace(day=1)
    quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    year = today.replace(month=1, day=1)
    day = dt.timedelta(days=1)
    match period:
        case "month":
            return month, _next(month, 1) - day
        case "last_month":
            return _next(month, -1), month - day
        case "quarter":
            return quarter, _next(quarter, 3) - day
        case "last_quarter":
            return _next(quarter, -3), quarter - day
        case "year":
            return year, _next(year, 12) - day
        case "last_year":
            return _next(year, -12), year - day
        case "days_90":
            return today - 90 * day, today
    return None, None


def _next(first: dt.date, months: int) -> dt.date:
    """Return the first day of the month so many months on."""
    count = first.year * 12 + first.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)
