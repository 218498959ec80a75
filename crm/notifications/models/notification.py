"""Notifications. The record is named, not told: its title is shown only while the reader may see it."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model
from crm.notifications.kinds import kinds


class Notification(Model):
    """One thing a person is told."""

    activity_skip = "what it tells of is in the log itself"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.CharField(_("text"), max_length=300)
    url = models.CharField(max_length=300, blank=True, default="")
    entity = models.CharField(max_length=60, blank=True, default="")
    record_id = models.UUIDField(null=True)
    key = models.CharField(
        max_length=120, blank=True, default="", help_text=_("What was announced; the same is not told twice.")
    )
    in_app = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    # What a page says beside it (crm.notifications.titles).
    title: str = ""
    entity_icon: str = ""
    act: Any = None

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="notification_once", condition=~models.Q(key="")),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_by_user"),
            models.Index(fields=["user"], name="notification_unread", condition=models.Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def day(self) -> date:
        """Return the day it was told, on the reader's clock."""
        return timezone.localtime(self.created_at).date()

    @property
    def icon(self) -> str:
        """Return the icon of its kind."""
        known = kinds().get(self.kind)
        return known.icon if known is not None else "bell"


class UnreadCount(models.Model):
    """How many notifications a person has not read: kept in step by a trigger, so that no page counts."""

    activity_skip = "a counter"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="unread_count"
    )
    count = models.IntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return str(self.count)


class NotificationChoice(Model):
    """By which ways a person wants to hear of one kind of event. Without a row the kind's defaults hold."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notification_choices")
    kind = models.CharField(max_length=40)
    in_app = models.BooleanField(default=True)
    digest = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="notificationchoice_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.kind}"
