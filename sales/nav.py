"""Where deals stand in the side bar, the settings and the “New” menu."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import settings_item

settings_item(
    _("Sales"), _("Pipelines"), "/settings/pipelines", "square-kanban", 40, needs=("change", "pipeline"),
    help=_("Stages, probabilities, required fields, reasons."),
)
