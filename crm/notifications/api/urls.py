"""The routes of notifications."""

from crm.api.routes import route
from crm.notifications.api.views import NotificationsView, NotificationView, ReadView, WaysView

route("notifications", NotificationsView)
route("notifications/read", ReadView)
route("notifications/settings", WaysView)
route("notifications/{id}", NotificationView)
