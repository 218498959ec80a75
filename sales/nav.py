"""Where deals stand in the side bar, the settings and the “New” menu."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import nav_item, settings_item

nav_item("sell", _("Pipeline"), "/deals", "square-kanban", 30, needs=("view", "deal"), key="p")
settings_item(
    _("Sales"), _("Pipelines"), "/settings/pipelines", "square-kanban", 40, needs=("change", "pipeline"),
    help=_("Stages, probabilities, required fields, reasons."),
)
