"""Tasks (E5)."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model, folded, owner_index, search_indexes
from crm.records.models import Record, Tag
from customers.models import Company, Customer
from sales.models import Deal
from tasks.repeating import next_due

LIVING = models.Q(deleted_at=None)
OPEN = models.Q(status__in=["PENDING", "IN_PROGRESS"])


class TaskCategory(Model):
    """A heading of one's own for tasks (T10)."""

    name = models.CharField(_("name"), max_length=80)
    hue = models.CharField(max_length=10, default="slate")
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "task categories"
        constraints = [models.UniqueConstraint(models.functions.Lower("name"), name="taskcategory_unique")]

    def __str__(self) -> str:
        return self.name


class Task(Record):
    """Something to do. Completed exactly when it has a time of completion."""

    class Type(models.TextChoices):
        FOLLOW_UP = "FOLLOW_UP", _("Follow-up")
        DEMO = "DEMO", _("Demo")
        PROPOSAL = "PROPOSAL", _("Proposal")
        CONTRACT = "CONTRACT", _("Contract")
        SUPPORT = "SUPPORT", _("Support")
        MEETING = "MEETING", _("Meeting")

    class Priority(models.TextChoices):
        LOW = "LOW", _("Low")
        MEDIUM = "MEDIUM", _("Medium")
        HIGH = "HIGH", _("High")
        URGENT = "URGENT", _("Urgent")

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        IN_PROGRESS = "IN_PROGRESS", _("In progress")
        COMPLETED = "COMPLETED", _("Completed")
        CANCELLED = "CANCELLED", _("Cancelled")

    class Repeat(models.TextChoices):
        NEVER = "", _("Never")
        DAILY = "DAILY", _("Every day")
        WEEKDAYS = "WEEKDAYS", _("Every working day")
        WEEKLY = "WEEKLY", _("Every week")
        FORTNIGHTLY = "FORTNIGHTLY", _("Every two weeks")
        MONTHLY = "MONTHLY", _("Every month")
        QUARTERLY = "QUARTERLY", _("Every quarter")
        YEARLY = "YEARLY", _("Every year")

    # When a reminder was sent is the application's note to itself.
    activity_never = ("reminded_at",)

    title = models.CharField(_("title"), max_length=255)
    description = models.TextField(_("description"), blank=True, default="", max_length=20_000)
    type = models.CharField(_("type"), max_length=12, choices=Type, default=Type.FOLLOW_UP)
    priority = models.CharField(_("priority"), max_length=8, choices=Priority, default=Priority.MEDIUM)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    category = models.ForeignKey(
        TaskCategory, models.SET_NULL, null=True, blank=True, related_name="tasks", verbose_name=_("category")
    )
    due_date = models.DateTimeField(_("due"), null=True, blank=True)
    repeat = models.CharField(
        _("repeats"), max_length=12, choices=Repeat, blank=True, default=Repeat.NEVER, db_default="",
        help_text=_("When it is done, the next one is made with the next date."),
    )
    remind_at = models.DateTimeField(_("remind at"), null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True, editable=False)
    outcome = models.CharField(_("outcome"), max_length=500, blank=True, default="")
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="tasks", verbose_name=_("customer")
    )
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, blank=True, related_name="tasks", verbose_name=_("company")
    )
    deal = models.ForeignKey(
        Deal, models.PROTECT, null=True, blank=True, related_name="tasks", verbose_name=_("deal")
    )
    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="tasks",
        verbose_name=_("assigned to"),
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="tasks", verbose_name=_("tags"))
    sort_key = folded("title")
    search_text = folded("title", "description")

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        base_manager_name = "everything"
        constraints = [
            models.CheckConstraint(condition=~models.Q(title=""), name="task_title_given"),
            models.CheckConstraint(
                condition=models.Q(status="COMPLETED", completed_at__isnull=False)
                | (~models.Q(status="COMPLETED") & models.Q(completed_at=None)),
                name="task_completed_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["PENDING", "IN_PROGRESS", "COMPLETED", "CANCELLED"]),
                name="task_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(priority__in=["LOW", "MEDIUM", "HIGH", "URGENT"]), name="task_priority_known"
            ),
        ]
        indexes = [
            *Record.record_indexes("task"),
            models.Index(fields=["assigned_user", "due_date", "id"], name="task_open_by_owner",
                         condition=LIVING & OPEN),
            models.Index(fields=["assigned_user", "-completed_at", "id"], name="task_done_by_owner",
                         condition=LIVING & models.Q(status="COMPLETED")),
            models.Index(fields=["remind_at"], name="task_to_remind",
                         condition=LIVING & models.Q(remind_at__isnull=False, reminded_at=None)),
            models.Index(fields=["due_date", "id"], name="task_by_due", condition=LIVING),
            models.Index(fields=["sort_key", "id"], name="task_by_title", condition=LIVING),
            *(models.Index(fields=[name, "due_date", "id"], name=f"task_by_{name}", condition=LIVING) for name in ("type", "priority", "status")),
            models.Index(fields=["assigned_user", "due_date", "id"], name="task_by_owner_due", condition=LIVING),
            models.Index(fields=["assigned_user", "-created_at", "-id"], name="task_by_owner", condition=LIVING),
            models.Index(fields=["customer", "due_date"], name="task_by_customer", condition=LIVING),
            models.Index(fields=["company", "due_date"], name="task_by_company", condition=LIVING),
            models.Index(fields=["deal", "due_date"], name="task_by_deal", condition=LIVING),
            *(models.Index(fields=[about, "due_date", "created_at"], name=f"task_next_of_{about}", condition=LIVING & OPEN)
              for about in ("customer", "company", "deal")),
            owner_index("task"),
            *search_indexes("task"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def next_due(self) -> dt.datetime | None:
        """Return when the task that follows a repeating one will be due."""
        return next_due(self.due_date, self.repeat) if self.repeat else None
