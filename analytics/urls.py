"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from analytics.views import home, reports

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("home/arrange", home.arrange, name="home-arrange"),
    path("reports", reports.library, name="reports"),
    path("reports/sales", reports.sales, name="report-sales"),
    path("reports/customers", reports.customers, name="report-customers"),
    path("reports/activities", reports.activities, name="report-activities"),
    path("dashboards", reports.dashboards, name="dashboards"),
]
