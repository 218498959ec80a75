"""Imports: each run of a file, the mappings that were settled, and the ids that other programs gave."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.ids import uuid7
from crm.lib.models import Model


class ImportRun(Model):
    """One file on its way in: what it is, how its columns are read, what a check found, what was written.

    Its rows wait in two tables of their own (``staging_table`` and ``plan_table``), which are dropped when
    the run is closed. Everything it writes belongs to ``change_set``.
    """

    activity_skip = "its own rows are its history"

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")
        UNDONE = "undone", _("Undone")

    entity = models.CharField(max_length=60)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="imports")
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    file = models.FileField(max_length=300)
    file_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    source = models.JSONField(default=dict, help_text=_("What the reader found: kind, encoding, delimiter, headers."))
    mapping = models.JSONField(default=dict)
    report = models.JSONField(default=dict, help_text=_("What the check found, and what the run did."))
    change_set = models.UUIDField(default=uuid7, editable=False)
    job_id = models.UUIDField(null=True)
    staged_at = models.DateTimeField(null=True)
    planned_at = models.DateTimeField(null=True)
    written_to = models.BigIntegerField(default=0, help_text=_("The last row whose batch is committed."))
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="importrun_by_user"),
            models.Index(fields=["sha256"], name="importrun_by_content"),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def staging_table(self) -> str:
        """Return the name of the table that holds the file's rows."""
        return f"transfer_rows_{self.pk.hex}"

    @property
    def plan_table(self) -> str:
        """Return the name of the table that holds what the check decided for each row."""
        return f"transfer_plan_{self.pk.hex}"


class RememberedMapping(Model):
    """How the columns of a set of headers were read the last time."""

    activity_skip = "a convenience of the wizard"

    entity = models.CharField(max_length=60)
    shape = models.CharField(max_length=64, help_text=_("A hash of the headers."))
    mapping = models.JSONField(default=dict)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "shape", "user"], name="mapping_one_per_shape")]

    def __str__(self) -> str:
        return f"{self.entity} {self.shape[:8]}"


class ExternalId(Model):
    """The id that another program gave to a record, so that its other files find it."""

    system = models.CharField(max_length=60, blank=True, default="")
    entity = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    record_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "key", "system"], name="externalid_unique"),
        ]
        indexes = [models.Index(fields=["record_id"], name="externalid_by_record")]

    def __str__(self) -> str:
        return f"{self.system}:{self.key}"
