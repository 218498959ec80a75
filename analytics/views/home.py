"""Home: what to do next."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from analytics.selectors.home import attention, checklist, day_in_words, forecast_weeks, greeting, waiting
from crm.access.policy import allows
from crm.search.recent import recent_visits
from crm.search.service import recent_hits
from crm.ui.pages import page, render
from sales.models import Deal
from tasks.models import Task
from tasks.selectors import following, grouped, mine_or_team

DAY, WEEK = ("late", "today"), ("late", "today", "week")


@page()
def home(request: HttpRequest) -> HttpResponse:
    """Show one's day: what is due, what needs attention, how the quarter goes."""
    user: Any = request.user
    span = "week" if request.GET.get("span") == "week" else "day"
    groups = grouped(user, mine_or_team(user, "mine"), keys=WEEK if span == "week" else DAY, limit=12) if allows(user, "view", Task) else []
    context: dict[str, Any] = {
        "span": span, "groups": [g for g in groups if g.count],
        "greeting": greeting(user, timezone.localtime()), "words": day_in_words(groups),
        "today": timezone.localdate(), "recent": recent_hits(user, recent_visits(user, 6)),
        "waiting": waiting(user), "checklist": checklist(user),
    }
    if not context["groups"] and allows(user, "view", Task):
        context["following"] = following(user)
    if allows(user, "view", Deal):
        context |= {"alerts": attention(user), "forecast": forecast_weeks(user)}
    return render(request, "analytics/home.html", context, part="day")
