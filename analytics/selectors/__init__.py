"""Numbers over what a person may see, computed in SQL."""

from analytics.selectors.activities import ActivityReport, activity_report
from analytics.selectors.customers import CustomerReport, customer_report
from analytics.selectors.dashboard import Dashboard, dashboard
from analytics.selectors.period import Scope, scope_of
from analytics.selectors.sales import SalesReport, sales_report

__all__ = [
    "ActivityReport",
    "CustomerReport",
    "Dashboard",
    "SalesReport",
    "Scope",
    "activity_report",
    "customer_report",
    "dashboard",
    "sales_report",
    "scope_of",
]
