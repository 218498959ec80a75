"""Where the demo data stands in the settings."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import settings_item
from crm.workspace.nav import WORKSPACE

settings_item(
    WORKSPACE, _("Demo data"), "/settings/demo", "flask-conical", 36, admin=True,
    help=_("Load an invented team with a year of work, or remove it."),
)
