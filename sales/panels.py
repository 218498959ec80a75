"""What deals bring to record pages: the open ones at the side."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lists.related import related_panel

for _on in ("customer", "company"):
    related_panel(
        _on, "deal", _on, 20, fields=("stage", "value", "expected_close_date"), title=_("Open deals"), only=Q(outcome="open"),
        column="side", limit=5, key="open-deals",
    )
