"""What tasks tell in the lists of customers, companies and deals: what comes next with each of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import field_rights, visible_to
from crm.access.rights import rights_of
from crm.records.entity import lend
from crm.records.fields import Field, Kind
from crm.ui.details import Cell, detail
from crm.ui.figures import due
from crm.ui.html import esc
from crm.ui.marks import icon
from sales.models import Deal, Stage
from tasks.models import Task
from tasks.selectors import OPEN

DAYS_AHEAD = 3
"""When a next step is due unless somebody says otherwise."""


def offered(user: Any) -> bool:
    """Tell whether a user may see tasks and what they are."""
    return rights_of(user).may("view", "task") and field_rights(user, Task).can_read("title")


def _next(on: str, user: Any) -> QuerySet[Task]:
    return visible_to(user, Task).filter(OPEN, archived_at=None, **{on: OuterRef("pk")}).order_by("due_date", "created_at")


def _title(on: str) -> Callable[[Any], Any]:
    return lambda user: Subquery(_next(on, user).values("title")[:1])


def _told(on: str) -> Callable[[Any], Any]:
    """Return the next task; where there is none, whether there should be: a deal is open."""

    def told(user: Any) -> Any:
        day = {"due": F("due_date")} if field_rights(user, Task).can_read("due_date") else {}
        task = Subquery(_next(on, user).values(_told=JSONObject(id=F("id"), title=F("title"), **day))[:1])
        if on == "deal":
            return task
        # Not EXISTS: for the many rows that a list could have, the database would look at every deal once.
        open_deals = visible_to(user, Deal).filter(outcome=Stage.Outcome.OPEN, archived_at=None, **{on: OuterRef("pk")})
        return Coalesce(task, JSONObject(wanted=Subquery(open_deals.order_by().values(_one=Value(True))[:1])))

    return told


def _cell(on: str) -> Callable[[Any], Cell]:
    def cell(user: Any) -> Cell:
        now, words, plus = timezone.now(), esc(_("Plan a next step")), icon("plus", "icon-sm")
        soon = (timezone.localtime() + timedelta(days=DAYS_AHEAD)).strftime("%Y-%m-%dT09:00")
        dot = icon("circle-check", "icon-sm")
        may_plan = rights_of(user).may("create", "task")

        def write(obj: Any, step: Any) -> str:
            if step and "id" in step:
                at = datetime.fromisoformat(step["due"]) if step.get("due") else None
                title, late = esc(step["title"]), " data-late" if at is not None and at < now else ""
                shown = due(at) if at is not None else ""
                return f'<a class="next" href="/tasks/{step["id"]}" data-record title="{title}"{late}>{dot}<span class="tx">{title}</span>{shown}</a>'
            if not may_plan or obj.archived_at is not None or not getattr(obj, "is_open", True):
                return ""
            wanted = " data-wanted" if step is None or step["wanted"] else ""
            there = f"/tasks/new?quick=1&amp;stay=1&amp;due_date={soon}&amp;{on}={obj.pk}"
            return (
                f'<button class="next-none" type="button"{wanted} aria-label="{words}" hx-get="{there}" hx-target="#dialog-body">'
                f'{plus}<span>{words}</span></button>'
            )

        return write

    return cell


for _on, _name in (("customer", "next_step"), ("company", "next_step"), ("deal", "next_task")):
    lend(_on, Field(
        _name, Kind.TEXT, gettext_lazy("Next step"), writable=False, sortable=False, filterable=False, in_form=False,
        formula=gettext_lazy("The open task that is due first, of those that you see"), expression=_title(_on), offered=offered, lent=True,
        width=186 if _on == "deal" else 208, place="second",
    ))
    detail(_on, _name, _told(_on), _cell(_on))
