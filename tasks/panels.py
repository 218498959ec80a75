"""What tasks bring to the pages of others: the next step on a deal's card, and the next steps at a record's side."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lists.related import related_panel
from tasks.selectors import next_steps

__all__ = ["next_steps"]

for _on in ("customer", "company", "deal"):
    related_panel(
        _on, "task", _on, 10, fields=("due_date", "priority"), title=_("Next steps"), only=Q(status__in=["PENDING", "IN_PROGRESS"]),
        sort="due_date", column="side", limit=4, key="next-steps",
    )
