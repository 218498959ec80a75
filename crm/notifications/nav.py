"""Where the choice of notifications stands in the settings."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import settings_item

settings_item(
    _("Personal"), _("Notifications"), "/notifications/settings", "bell", 15, help=_("What you hear of, and how."),
)
