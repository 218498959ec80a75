"""What Home shows beside the tasks: alerts, the quarter, who waits for an answer, what is left to set up."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Greatest, Now, TruncWeek
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
from crm.records.entity import entity
from crm.ui.figures import day_of_year, money
from crm.ui.values import for_eyes, sees_everything
from crm.workspace.models import Workspace
from customers.models import Customer
from sales.models import Deal, Stage
from sales.selectors import COMMIT, amounts_shown, base_currency, days_left, goal_of, kept_by_day
from tasks.models import Task

ZERO = Decimal(0)
SHOWN = 5
IDLE_DAYS = 14


@dataclass(frozen=True)
class Alert:
    """Something that goes wrong, with the one verb that mends it."""

    title: str
    name: str
    key: Any
    text: str
    detail: str
    tone: str
    verb: str
    url: str
    fix: str = ""
    """The dialog that mends it."""


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


# By the rights of who asks, and whether he leads: what each opening of Home asks in the same words.
_overdue: Shelf[PreparedMany[Deal]] = Shelf()
_idle: Shelf[PreparedMany[Deal]] = Shelf()
_unanswered: Shelf[PreparedMany[Interaction]] = Shelf()
_NOBODY, _ONE_DAY = uuid.UUID(int=1), dt.date(1901, 2, 3)
_ALERTED = (
    "title", "value", "currency", "expected_close_date", "last_activity_at", "entered_stage_at", "stage__name", "company__name",
    "customer__first_name", "customer__last_name", "customer__email", "assigned_user__first_name", "assigned_user__last_name",
    "assigned_user__email",
)


def attention(user: Any) -> list[Alert]:
    """Return one's deals whose close date has passed, and those with nothing planned that stand idle.

    Who leads sees those of everybody that he reaches, and whose they are.
    """
    today, rights, declared = timezone.localdate(), rights_of(user), entity("deal")
    leads = rights.cell("deal", "view").scope in ("team", "tree", "all") and rights.may("change", "deal")
    key = (rights.fingerprint, leads) if rights.fingerprint else None
    samples, values = ((_ONE_DAY,), (today,)) if leads else ((_ONE_DAY, _NOBODY), (today, user.pk))

    def late(day: dt.date, me: uuid.UUID | None = None) -> QuerySet[Deal]:
        return _open_deals(user, me).filter(expected_close_date__lt=day).order_by("-value_base", "id")[:SHOWN]

    def idle(day: dt.date, me: uuid.UUID | None = None) -> QuerySet[Deal]:
        planned = Task.objects.filter(deal=OuterRef("pk"), status__in=["PENDING", "IN_PROGRESS"])
        # As on the board: the limit is the stage's, and quiet is since the last activity or the last step.
        return (
            _open_deals(user, me).annotate(
                quiet_since=Greatest(Coalesce("last_activity_at", "entered_stage_at"), "entered_stage_at"),
                allowed=ExpressionWrapper(
                    Coalesce("stage__rotting_days", IDLE_DAYS) * Value(dt.timedelta(days=1)), output_field=DurationField()
                ),
            ).filter(quiet_since__lt=Now() - F("allowed"))
            .exclude(expected_close_date__lt=day).filter(~Exists(planned)).order_by("-value_base", "id")[:SHOWN]
        )

    found = []
    overdue = _overdue.get(key, lambda: PreparedMany(late, samples, planned=False)).all(*values)
    for deal in for_eyes(overdue, declared, user):
        days = (today - (deal.expected_close_date or today)).days
        text = ngettext("Close date passed %(n)d day ago", "Close date passed %(n)d days ago", days) % {"n": days}
        found.append(_alert(user, deal, text, "danger" if days > 30 else "warning", _("Update"), "/deals/{}/close-date"))
    for deal in for_eyes(_idle.get(key, lambda: PreparedMany(idle, samples, planned=False)).all(*values), declared, user):
        days = (timezone.now() - deal.quiet_since).days
        found.append(_alert(user, deal, _("No next step, idle for %(n)d days") % {"n": days}, "warning", _("Plan"), "/tasks/plan?deal={}"))
    return found[:SHOWN + 1]


def _open_deals(user: Any, me: uuid.UUID | None) -> QuerySet[Deal]:
    rows = rows_of(user, Deal).filter(outcome=Stage.Outcome.OPEN)
    if me is not None:
        rows = rows.filter(assigned_user_id=me)
    return rows.select_related("company", "customer", "stage", "assigned_user").only(*_ALERTED)


def _alert(user: Any, deal: Deal, text: str, tone: str, verb: str, fix: str) -> Alert:
    about = deal.company or deal.customer
    owner = deal.assigned_user
    whose = owner.name if owner and owner.pk != user.pk else deal.stage.name
    told = [money(deal.value, deal.currency, short=True) if deal.value else "", str(about or ""), whose]
    return Alert(
        deal.title, str(about or deal.title), about.pk if about else deal.pk, text, " · ".join(filter(None, told)), tone, verb,
        f"/deals/{deal.pk}", fix.format(deal.pk),
    )


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

    samples = (dt.datetime(1901, 2, 3, tzinfo=dt.UTC), dt.datetime(1902, 3, 4, tzinfo=dt.UTC), _NOBODY)
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
