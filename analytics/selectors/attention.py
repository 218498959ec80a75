"""What needs attention on Home: deals whose close date has passed, and those that stand idle with nothing planned."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.selectors.period import rows_of
from crm.access.rights import rights_of
from crm.lib.prepared import PreparedMany, Shelf
from crm.records.entity import entity
from crm.ui.figures import money
from crm.ui.values import for_eyes, sees_everything
from sales.models import Deal, Stage
from sales.selectors import number_overdue
from tasks.models import Task

SHOWN = 5
IDLE_DAYS = 14
LOOKED_AT = 300
"""So many open deals, those worth most, are asked whether they stand idle."""
FEW_OVERDUE = 2000
"""So many are sorted; among more, a walk from the most valuable one meets the first ones soon."""


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


# By the rights of who asks, and whether he leads: what each opening of Home asks in the same words.
_prepared: Shelf[PreparedMany[Deal]] = Shelf()
_NOBODY, _ONE_DAY = uuid.UUID(int=1), dt.date(1901, 2, 3)
_SHOWN_OF_A_DEAL = (
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
    walks = leads and sees_everything(user, Deal) and number_overdue(today) > FEW_OVERDUE

    def asked(name: str, build: Callable[..., QuerySet[Deal]]) -> list[Deal]:
        key = (rights.fingerprint, name, leads, walks) if rights.fingerprint else None
        samples, values = ((_ONE_DAY,), (today,)) if leads else ((_ONE_DAY, _NOBODY), (today, user.pk))
        rows = _prepared.get(key, lambda: PreparedMany(build, samples, planned=False)).all(*values)
        return for_eyes(rows, declared, user)

    found = []
    for deal in asked("overdue", lambda day, me=None: _overdue(user, day, me, walks=walks)):
        days = (today - (deal.expected_close_date or today)).days
        text = ngettext("Close date passed %(n)d day ago", "Close date passed %(n)d days ago", days) % {"n": days}
        found.append(_alert(user, deal, text, "danger" if days > 30 else "warning", _("Update"), "/deals/{}/close-date"))
    for deal in asked("idle", lambda day, me=None: _idle(user, day, me)):
        days = (timezone.now() - deal.quiet_since).days  # type: ignore[attr-defined]
        found.append(_alert(user, deal, _("No next step, idle for %(n)d days") % {"n": days}, "warning", _("Plan"), "/tasks/plan?deal={}"))
    return found[:SHOWN + 1]


def _open_deals(user: Any, me: uuid.UUID | None) -> QuerySet[Deal]:
    rows = rows_of(user, Deal).filter(outcome=Stage.Outcome.OPEN)
    return rows if me is None else rows.filter(assigned_user_id=me)


def _drawn(rows: QuerySet[Deal]) -> QuerySet[Deal]:
    return rows.select_related("company", "customer", "stage", "assigned_user").only(*_SHOWN_OF_A_DEAL)


def _overdue(user: Any, day: dt.date, me: uuid.UUID | None, *, walks: bool) -> QuerySet[Deal]:
    rows = _open_deals(user, me).filter(expected_close_date__lt=day)
    if walks:
        return _drawn(rows).order_by("-value_base", "id")[:SHOWN]
    if me is None and sees_everything(user, Deal):
        rows = rows.filter(stage__in=list(Stage.objects.filter(outcome=Stage.Outcome.OPEN).values_list("pk", flat=True)))
    # An order that no index has: the planner must not bet on a walk through all deals by their value.
    return _drawn(rows).order_by((F("value_base") + Value(0)).desc(), "id")[:SHOWN]


def _idle(user: Any, day: dt.date, me: uuid.UUID | None) -> QuerySet[Deal]:
    worth = F("value_base").desc() if me is None and sees_everything(user, Deal) else (F("value_base") + Value(0)).desc()
    looked_at = _open_deals(user, me).order_by(worth, "-id").values("pk")[:LOOKED_AT]
    planned = Task.objects.filter(deal=OuterRef("pk"), status__in=["PENDING", "IN_PROGRESS"])
    # As on the board: the limit is the stage's, and quiet is since the last activity or the last step.
    quiet_since = Greatest(Coalesce("last_activity_at", "entered_stage_at"), "entered_stage_at")
    allowed = ExpressionWrapper(
        Coalesce("stage__rotting_days", IDLE_DAYS) * Value(dt.timedelta(days=1)), output_field=DurationField()
    )
    idle = (
        Deal.objects.filter(pk__in=looked_at).annotate(quiet_since=quiet_since, allowed=allowed)
        .filter(quiet_since__lt=Now() - F("allowed")).exclude(expected_close_date__lt=day).filter(~Exists(planned))
        .order_by("-value_base", "id").values("pk")[:SHOWN]
    )
    return _drawn(Deal.objects.filter(pk__in=idle)).annotate(quiet_since=quiet_since).order_by("-value_base", "id")


def _alert(user: Any, deal: Deal, text: str, tone: str, verb: str, fix: str) -> Alert:
    about = deal.company or deal.customer
    owner = deal.assigned_user
    whose = owner.name if owner and owner.pk != user.pk else deal.stage.name
    told = [money(deal.value, deal.currency, short=True) if deal.value else "", str(about or ""), whose]
    return Alert(
        deal.title, str(about or deal.title), about.pk if about else deal.pk, text, " · ".join(filter(None, told)), tone, verb,
        f"/deals/{deal.pk}", fix.format(deal.pk),
    )
