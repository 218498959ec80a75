"""The last searches and the last opened records of one person (Q7). Nobody else reads them."""

from django.conf import settings
from django.db import models

from crm.lib.models import Model


class RecentSearch(Model):
    """Words that a person searched for; the same words are kept once."""

    activity_skip = "a convenience of one person"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recent_searches")
    words = models.CharField(max_length=200)
    used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "words"], name="recentsearch_once")]
        indexes = [models.Index(fields=["user", "-used_at"], name="recentsearch_by_user")]

    def __str__(self) -> str:
        return self.words


class RecentVisit(Model):
    """A record that a person opened. Whether it is shown is asked anew each time."""

    activity_skip = "a convenience of one person"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recent_visits")
    entity = models.CharField(max_length=60)
    record_id = models.UUIDField()
    used_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "record_id"], name="recentvisit_once")]
        indexes = [models.Index(fields=["user", "-used_at"], name="recentvisit_by_user")]

    def __str__(self) -> str:
        return f"{self.entity} {self.record_id}"
