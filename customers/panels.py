"""What customers and companies bring to record pages."""

from django.utils.translation import gettext_lazy as _

from crm.lists.related import related_panel

related_panel(
    "company", "customer", "company", 30, fields=("job_title",), title=_("People"), sort="sort_key", column="side", limit=6,
    key="people-side",
)
related_panel("company", "company", "parent", 60, fields=("industry",), title=_("Subsidiaries"), sort="sort_key", key="subsidiaries")
