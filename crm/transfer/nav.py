"""Where imports are found: under Settings, beside the other data."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import settings_item

settings_item(_("Data"), _("Imports"), "/imports", "upload", 60, help=_("Load files, see what they wrote, take it back."))
