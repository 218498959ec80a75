"""Where Home, reports and dashboards stand in the side bar."""

from django.utils.translation import gettext_lazy as _

from crm.ui.nav import nav_item

nav_item("", _("Home"), "/", "house", 10, key="h")
nav_item("understand", _("Reports"), "/reports", "chart-column", 10, needs=("view", "report"), key="r")
nav_item("understand", _("Dashboard"), "/dashboards", "layout-dashboard", 20, needs=("view", "report"), also=("view", "deal"))
