"""What Home shows beside the tasks: alerts, the quarter, who waits for an answer, what is left to set up."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncWeek
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.selectors.period import list_url, rows_of
from communications.models import Interaction
from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.activity.models import ChangeSet
from crm.lib.prepared import PreparedMany, PreparedTuples, Shelf
from crm.ui.figures import day_of_year
from crm.ui.values import sees_everything
from crm.workspace.models import Workspace
from customers.models import Customer
from sales.models import Deal, Stage
from sales.selectors import COMMIT, amounts_shown, base_currency, days_left, goal_of, kept_by_day
from tasks.models import Task

ZERO = Decimal(0)
SHOWN = 5


@dataclass(frozen=True)
class Step:
    """One step of setting up, ticked by itself."""

    label: str
    url: str
    done: bool


def greeting(user: Any, now: dt.datetime) -> str:
    """Return the greeting of the hour."""
    words = _("Good morning") if now.hour < 12 else _("Good afternoon") if now.hour < 18 else _("Good evening")
    return f"{words}, {user.get_short_name()}"


def day_in_words(groups: list[Any]) -> str:
    """Return the day in a sentence."""
    counts = {g.key: g.count for g in groups}
    due, late = counts.get("today", 0), counts.get("late", 0)
    if not due and not late:
        return _("Nothing is due today.")
    parts = []
    if due:
        parts.append(ngettext("%(n)d thing due today", "%(n)d things due today", due) % {"n": due})
    if late:
        parts.append(ngettext("%(n)d running late", "%(n)d running late", late) % {"n": late})
    return ", ".join(parts) + "."


def forecast_weeks(user: Any) -> dict[str, Any]:
    """Return the quarter by week: won, and what is open by how certain it is."""
    today = timezone.localdate()
    first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    last = (first + dt.timedelta(days=100)).replace(day=1) - dt.timedelta(days=1)
    by_week = _weeks(user, first, last)
    weeks, week = [], first - dt.timedelta(days=first.weekday())
    while week <= last:
        row = by_week.get(week, {})
        values = {k: float(row.get(k) or 0) for k in ("won", "commit", "weighted")}
        days = [max(week, first).isoformat(), min(week + dt.timedelta(days=6), last).isoformat()]
        either = [
            {"all": [{"field": "outcome", "op": "is", "value": outcome}, {"field": name, "op": "between", "value": days}]}
            for outcome, name in (("won", "actual_close_date"), ("open", "expected_close_date"))
        ]
        url = list_url("deals", {"version": 1, "all": [{"any": either}]})
        weeks.append({"label": day_of_year(week), "values": values, "url": url})
        week += dt.timedelta(days=7)
    sums = {k: sum((r[k] for r in by_week.values()), ZERO) for k in ("won", "commit", "weighted")}
    series = [("won", _("Won")), ("commit", _("Commit")), ("weighted", _("Weighted open"))]
    goal = goal_of(user)
    return {
        "weeks": weeks, "series": series, "currency": base_currency(), "any": any(sums.values()), "goal": goal,
        "weekly_goal": float(goal) / len(weeks) if goal else None, "likely": sums["won"] + sums["commit"], "days_left": days_left(), **sums,
    }


def _weeks(user: Any, first: dt.date, last: dt.date) -> dict[dt.date, dict[str, Decimal]]:
    """Return by Mondays what is won and what is expected, from the kept sums for whoever sees all deals."""
    if not amounts_shown(user):
        return {}
    found: dict[dt.date, dict[str, Decimal]] = {}
    if sees_everything(user, Deal):
        for day, outcome, band, value, weighted in kept_by_day(first, last):
            name = "won" if outcome == "won" else "commit" if band == COMMIT else "weighted"
            if outcome != "lost":
                week = found.setdefault(day - dt.timedelta(days=day.weekday()), dict.fromkeys(("won", "commit", "weighted"), ZERO))
                week[name] += weighted if name == "weighted" else value
        return found
    won, is_open = Q(outcome="won"), Q(outcome="open")
    rows = (
        rows_of(user, Deal).annotate(day=Coalesce("actual_close_date", "expected_close_date"))
        .filter(won & Q(actual_close_date__range=(first, last)) | is_open & Q(expected_close_date__range=(first, last)))
        .order_by().annotate(week=TruncWeek("day")).values("week").annotate(
            won=Sum("value_base", filter=won), commit=Sum("value_base", filter=is_open & Q(probability__gte=75)),
            weighted=Sum(F("value_base") * F("probability") / Decimal(100), filter=is_open & Q(probability__lt=75)),
        )
    )
    return {r["week"]: {name: r[name] or ZERO for name in ("won", "commit", "weighted")} for r in rows}


# By the rights of who asks.
_unanswered: Shelf[PreparedMany[Interaction]] = Shelf()


def waiting(user: Any) -> list[Interaction]:
    """Return the newest inbound interactions of one's customers that nobody has answered."""
    rights, now = rights_of(user), timezone.now()
    if not rights.may("view", "interaction"):
        return []

    def unanswered(since: dt.datetime, until: dt.datetime, me: uuid.UUID) -> QuerySet[Interaction]:
        later = Interaction.objects.filter(
            customer=OuterRef("customer"), direction="OUTBOUND", happened_at__gt=OuterRef("happened_at")
        )
        mine = visible_to(user, Customer).filter(assigned_user_id=me).values("pk")
        rows = visible_to(user, Interaction).filter(
            direction="INBOUND", customer__in=mine, happened_at__gte=since, happened_at__lte=until
        )
        shown = ("subject", "happened_at", "type__name", "customer__first_name", "customer__last_name", "customer__email")
        return (
            rows.filter(~Exists(later)).select_related("customer", "type").only(*shown).order_by("-happened_at", "-id")[:SHOWN]
        )

    samples = (dt.datetime(1901, 2, 3, tzinfo=dt.UTC), dt.datetime(1902, 3, 4, tzinfo=dt.UTC), uuid.UUID(int=1))
    prepared = _unanswered.get(rights.fingerprint or None, lambda: PreparedMany(unanswered, samples, planned=False))
    return prepared.all(now - dt.timedelta(days=30), now, user.pk)


# One statement for all steps, of a table that has one row.
_SET_UP = PreparedTuples(
    lambda: Workspace.objects.order_by("pk").values_list(
        Exists(User.objects.active()[1:]), Exists(ChangeSet.objects.filter(source="import")), Exists(Stage.objects.filter(version__gt=1)),
        Exists(Deal.objects.all()), Exists(Task.objects.all()),
    )[:1], (),
)


def checklist(user: Any) -> list[Step]:
    """Return the steps of setting up while one of them is left; only administrators see them."""
    if not rights_of(user).is_admin:
        return []
    invited, imported, shaped, sold, planned = next(iter(_SET_UP.ask(())), (False,) * 5)
    steps = [
        Step(_("Invite a colleague"), "/settings/users", invited),
        Step(_("Import your data"), "/import", imported),
        Step(_("Shape the pipeline"), "/settings/pipelines", shaped),
        Step(_("Create a deal"), "/deals/new", sold),
        Step(_("Plan a task"), "/tasks", planned),
    ]
    return [] if all(s.done for s in steps) else steps
