"""Where tasks stand in the side bar."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.notifications.kinds import quick_act
from crm.ui.nav import nav_item
from tasks.selectors import clauses, mine_or_team


def due(user: Any) -> int:
    """Return how many tasks of the user are late or due today (no more than 99)."""
    wanted = clauses()
    return mine_or_team(user, "mine").filter(wanted["late"] | wanted["today"]).order_by()[:99].count()


nav_item("", _("Tasks"), "/tasks", "circle-check", 30, needs=("view", "task"), badge=due, key="t")
quick_act("assigned", _("Mark done"), "{place}/complete", entity="task", post=True)
