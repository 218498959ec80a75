"""The routes of the reports."""

from analytics.api.views import ActivityReportView, CustomerReportView, DashboardView, SalesReportView
from crm.api.routes import route

route("reports/sales", SalesReportView)
route("reports/dashboard", DashboardView)
route("reports/customers", CustomerReportView)
route("reports/activities", ActivityReportView)
