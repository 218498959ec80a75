"""The addresses of this package's pages."""

from django.urls import URLPattern, URLResolver, path

from crm.notifications.views import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("notifications", pages.notifications, name="notifications"),
    path("notifications/bell", pages.bell_view, name="notifications-bell"),
    path("notifications/popover", pages.popover, name="notifications-popover"),
    path("notifications/read", pages.read, name="notifications-read"),
    path("notifications/settings", pages.settings, name="notifications-settings"),
    path("notifications/<uuid:pk>", pages.open_one, name="notification"),
]
