"""Jobs: work that is longer than a page, kept as rows. Celery only wakes workers; the row is the truth."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.ids import uuid7


class Job(models.Model):
    """One piece of work: what it is, how far it is, who holds it, how it ended.

    ``attempts`` and ``fruitless`` are raised when a worker claims the job, before any of its code runs: a job that
    kills its process is counted all the same. A checkpoint since then makes the next attempt the first fruitless
    one again. ``change_set`` is the change set that everything it writes belongs to.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        DEAD = "dead", _("Given up")

    FINISHED = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.DEAD)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=80)
    key = models.CharField(max_length=200, null=True, help_text=_("Work with this key is queued only once."))
    queue = models.CharField(max_length=20, default="default")
    label = models.CharField(max_length=200, blank=True, default="")
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    fruitless = models.PositiveSmallIntegerField(default=0, db_default=0, help_text=_("Attempts in a row that left no checkpoint."))
    max_attempts = models.PositiveSmallIntegerField(default=3)
    due_at = models.DateTimeField(db_default=models.functions.Now())
    leased_by = models.CharField(max_length=120, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    progress_message = models.CharField(max_length=300, blank=True, default="")
    result = models.JSONField(null=True)
    error = models.TextField(blank=True, default="", help_text=_("What went wrong, in words for its user."))
    trace = models.TextField(blank=True, default="", help_text=_("What went wrong, for those who run the system."))
    cancel_requested_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True, help_text=_("Its worker is shutting down."))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="jobs")
    change_set = models.UUIDField(default=uuid7)
    created_at = models.DateTimeField(db_default=models.functions.Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="job_key_unique", condition=models.Q(key__isnull=False)),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "succeeded", "failed", "cancelled", "dead"]),
                name="job_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "due_at"], name="job_waiting", condition=models.Q(state="queued")),
            models.Index(fields=["lease_until"], name="job_leased", condition=models.Q(state="running")),
            models.Index(fields=["user", "-created_at"], name="job_by_user"),
            models.Index(fields=["-created_at", "-id"], name="job_recent"),
        ]

    def __str__(self) -> str:
        return self.label or self.kind

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing more will happen to it by itself."""
        return self.state in self.FINISHED

    @property
    def percent(self) -> int | None:
        """Return how much is done, or None while the whole is unknown."""
        if self.state == self.State.SUCCEEDED:
            return 100
        if not self.progress_total:
            return None
        return max(0, min(100, int(self.progress_done * 100 / self.progress_total)))


class Checkpoint(models.Model):
    """How far a job came: written in the transaction of each batch, read when it is resumed.

    A row of its own, so that a long batch never stands in the way of the job's heartbeat.
    """

    job = models.OneToOneField(Job, models.CASCADE, primary_key=True, related_name="saved")
    data = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.job_id}"


class Pulse(models.Model):
    """When a background process (worker of a queue, beat, relay) was last seen at work."""

    name = models.CharField(max_length=60, primary_key=True)
    seen_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.seen_at:%H:%M:%S}"
