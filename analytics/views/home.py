"""Home: what to do next."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from analytics.selectors.attention import attention
from analytics.selectors.home import checklist, day_in_words, forecast_weeks, greeting, waiting
from crm.access.policy import allows
from crm.accounts.preferences import preference, remember
from crm.search.recent import recent_visits
from crm.search.service import recent_hits
from crm.ui.nav import creatable_by
from crm.ui.pages import page, render
from sales.models import Deal
from tasks.models import Task
from tasks.selectors import following, grouped, mine_or_team

CARDS = {"day": "left", "forecast": "left", "setup": "right", "attention": "right", "waiting": "right", "recent": "right"}
"""The cards of Home, in their order, and the column that each stands in unless somebody moved it."""
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
        "waiting": waiting(user), "checklist": checklist(user), "creatable": creatable_by(user), **_arranged(user),
    }
    if not context["groups"] and allows(user, "view", Task):
        context["following"] = following(user)
    if allows(user, "view", Deal):
        context |= {"alerts": attention(user), "forecast": forecast_weeks(user)}
    return render(request, "analytics/home.html", context, part="day")


@page("POST")
def arrange(request: HttpRequest) -> HttpResponse:
    """Keep the order of the cards as somebody put them."""
    columns = {side: [key for key in request.POST.get(side, "").split(",") if key in CARDS] for side in ("left", "right")}
    remember(request.user, "home", **columns)
    return HttpResponse(status=204)


def _arranged(user: Any) -> dict[str, list[str]]:
    """Return the templates of the cards of each column; a card that nobody placed stands where it belongs."""
    kept = preference(user, "home")
    columns: dict[str, list[str]] = {"left": [], "right": []}
    placed: set[str] = set()
    for side, keys in columns.items():
        keys += [key for key in dict.fromkeys(kept.get(side, [])) if key in CARDS and key not in placed]
        placed.update(keys)
    for key, side in CARDS.items():
        if key not in placed:
            columns[side].append(key)
    return {side: [f"analytics/home/{key}.html" for key in keys] for side, keys in columns.items()}
