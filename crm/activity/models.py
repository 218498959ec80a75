"""The one log of everything that happened, the intention each row belongs to, and its deliveries."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.ids import uuid7


class ChangeSet(models.Model):
    """One intention: who wanted what, from where. Everything that it changed refers to it.

    The row is written by the database the first time something is logged under it, so an intention that
    changes nothing leaves no trace (see ``migrations/0003_log.py``).
    """

    class Source(models.TextChoices):
        WEB = "web", _("Web page")
        API = "api", _("API")
        ADMIN = "admin", _("Admin")
        IMPORT = "import", pgettext_lazy("source", "Import")
        WORKFLOW = "workflow", _("Workflow")
        JOB = "job", _("Background job")
        COMMAND = "command", _("Command")
        UNDO = "undo", _("Undo")
        SYSTEM = "system", _("System")
        SQL = "sql", _("SQL")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    source = models.CharField(max_length=16, choices=Source, default=Source.SYSTEM)
    label = models.CharField(max_length=200, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")
    undoes = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, db_constraint=False, related_name="undone_by"
    )
    created_at = models.DateTimeField(db_default=models.functions.Now(), editable=False)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="changeset_recent"),
            models.Index(fields=["user", "-created_at"], name="changeset_by_user"),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.get_source_display()} {self.id}"


class ActivityLog(models.Model):
    """One line of what happened. Append-only; partitioned by month on ``created_at`` (E7).

    ``changes`` of a change row maps each column to ``[before, after]``; of a fact it is the payload.
    ``subjects`` holds the ids of other records whose timeline shows the row.
    """

    class Kind(models.TextChoices):
        CHANGE = "change", pgettext_lazy("kind of entry", "Change")
        FACT = "fact", _("Fact")
        ACCESS = "access", _("Access")

    pk = models.CompositePrimaryKey("id", "created_at")
    id = models.UUIDField(default=uuid7, editable=False)
    created_at = models.DateTimeField(db_default=models.functions.Now(), editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    action = models.CharField(max_length=80)
    entity = models.CharField(max_length=60, blank=True, default="")
    entity_id = models.UUIDField(null=True)
    table_name = models.CharField(max_length=63, blank=True, default="")
    changes = models.JSONField(default=dict)
    subjects = models.JSONField(default=list)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    change_set = models.ForeignKey(
        ChangeSet, models.DO_NOTHING, null=True, db_constraint=False, related_name="entries"
    )
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        managed = False  # made by migrations/0003: Django cannot declare a partitioned table
        db_table = "activity_log"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.entity} {self.entity_id or ''}".strip()


class LogLine(models.Model):
    """A line of the log as the Django admin reads it: a view of ``activity_log``, by the line's own id."""

    id = models.UUIDField(primary_key=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    kind = models.CharField(max_length=8, choices=ActivityLog.Kind)
    action = models.CharField(max_length=80)
    entity = models.CharField(max_length=60, blank=True)
    entity_id = models.UUIDField(null=True)
    table_name = models.CharField(max_length=63, blank=True)
    changes = models.JSONField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    change_set = models.ForeignKey(ChangeSet, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)

    class Meta:
        managed = False  # a view, made by migrations/0005
        db_table = "activity_log_line"
        ordering = ["-id"]
        verbose_name = "activity log line"

    def __str__(self) -> str:
        return f"{self.action} {self.entity} {self.entity_id or ''}".strip()


class Delivery(models.Model):
    """One fact to be handed to one reaction, at least once."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        DEAD = "dead", _("Dead letter")
        DISCARDED = "discarded", _("Discarded")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    log_id = models.UUIDField()
    log_created_at = models.DateTimeField()
    about_id = models.UUIDField(null=True, help_text=_("The record: its deliveries to one reaction keep their order."))
    reaction = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=models.functions.Now())
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=models.functions.Now(), editable=False)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["log_id", "reaction"], name="delivery_once_per_reaction"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="delivery_waiting", condition=models.Q(state="waiting")
            ),
            models.Index(fields=["-created_at"], name="delivery_dead", condition=models.Q(state="dead")),
            models.Index(
                fields=["reaction", "about_id", "log_created_at"], name="delivery_order",
                condition=models.Q(state="waiting", about_id__isnull=False),
            ),
            models.Index(fields=["done_at"], name="delivery_done", condition=models.Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"{self.reaction} ({self.get_state_display()})"
