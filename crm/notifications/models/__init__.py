"""What people are told, how many of it is unread, and by which way they want to hear it."""

from crm.notifications.models.notification import Notification, NotificationChoice, UnreadCount

__all__ = ["Notification", "NotificationChoice", "UnreadCount"]
