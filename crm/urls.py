"""The composition root of all addresses."""

from django.contrib import admin
from django.urls import include, path, re_path

from crm.api.views import UnknownView
from crm.lib.routing import ByFirstSegment

urlpatterns = [ByFirstSegment([
    path("api/v1/", include("crm.api.urls")),
    re_path(r"^api(?:/(?P<path>.*))?\Z", UnknownView.as_view()),
    path("admin/", admin.site.urls),
    path("", include("crm.accounts.urls")),
    path("", include("crm.workspace.urls")),
    path("", include("crm.workspace.record_urls")),
    path("", include("crm.activity.urls")),
    path("", include("crm.jobs.urls")),
    path("", include("crm.access.urls")),
    path("", include("crm.search.urls")),
    path("", include("crm.notifications.urls")),
    path("", include("crm.transfer.urls")),
    path("", include("analytics.urls")),
    path("", include("communications.urls")),
    path("", include("tasks.urls")),
    path("", include("sales.urls")),
    path("", include("customers.urls")),
    path("", include("crm.records.urls")),
    path("", include("crm.demo.urls")),
    path("", include("crm.lists.urls")),
    path("", include("crm.ui.urls")),
])]

handler400 = "crm.ui.errors.bad_request"
handler403 = "crm.ui.errors.permission_denied"
handler404 = "crm.ui.errors.page_not_found"
handler500 = "crm.ui.errors.server_error"
