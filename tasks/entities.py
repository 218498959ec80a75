"""Tasks, declared."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.access.policy import SYSTEM
from crm.activity.facts import publish
from crm.records.entity import REFERENCE, Entity, register, saving
from crm.records.fields import HUE_CHOICES, Field, Kind, choices_of
from crm.records.services import create_record
from tasks.events import TaskAssigned, TaskCompleted, TaskReopened
from tasks.models import Task, TaskCategory
from tasks.repeating import next_due

ABOUT, PLAN = _("About"), _("Plan")


class TaskCategoryEntity(Entity):
    """A heading of one's own for tasks."""

    name = "task_category"
    plural = "task-categories"
    model = TaskCategory
    label = _("Task category")
    label_plural = _("Task categories")
    sort = ("position",)
    owner = None
    abilities = REFERENCE
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=80),
        Field("hue", Kind.CHOICE, _("Colour"), choices=HUE_CHOICES, default="slate"),
        Field("position", Kind.INTEGER, _("Order"), min_value=0, max_value=32767, default=0),
    )


class TaskEntity(Entity):
    """Something to do."""

    name = "task"
    plural = "tasks"
    model = Task
    label = _("Task")
    label_plural = _("Tasks")
    icon = "circle-check"
    layouts = (("list", _("List by date")), ("board", _("Board")))
    hue = "apricot"
    title = ("title",)
    sort = ("due_date",)
    fields = (
        Field("title", Kind.TEXT, _("Title"), required=True, max_length=255, group=ABOUT, in_list=True, quick=True,
              aliases=("subject", "task", "name")),
        Field("type", Kind.CHOICE, _("Type"), group=ABOUT, in_list=True, quick=True, default=Task.Type.FOLLOW_UP,
              choices=choices_of(Task.Type, FOLLOW_UP="hue:teal", DEMO="hue:violet", PROPOSAL="hue:blue", CONTRACT="hue:olive",
                                 SUPPORT="hue:coral", MEETING="hue:sky"),
              aliases=("task type", "type__c")),
        Field("priority", Kind.CHOICE, _("Priority"), group=PLAN, in_list=True, quick=True, default=Task.Priority.MEDIUM,
              choices=choices_of(Task.Priority, LOW="neutral", MEDIUM="info", HIGH="warning", URGENT="danger")),
        Field("status", Kind.CHOICE, _("Status"), group=PLAN, in_list=True, default=Task.Status.PENDING,
              choices=choices_of(Task.Status, PENDING="neutral", IN_PROGRESS="info", COMPLETED="success", CANCELLED="warning")),
        Field("category", Kind.LINK, _("Category"), link="task_category", group=ABOUT, extra={"by_name": True}),
        Field("due_date", Kind.DATETIME, _("Due"), group=PLAN, in_list=True, quick=True,
              aliases=("due", "activitydate", "due date", "deadline")),
        Field("repeat", Kind.CHOICE, _("Repeats"), group=PLAN, default=Task.Repeat.NEVER, aliases=("recurrence",),
              choices=tuple(c for c in choices_of(Task.Repeat) if c.value)),
        Field("remind_at", Kind.DATETIME, _("Remind at"), group=PLAN, aliases=("reminder",)),
        Field("completed_at", Kind.DATETIME, _("Completed"), writable=False, group=PLAN),
        Field("outcome", Kind.TEXT, _("Outcome"), max_length=500, group=PLAN),
        Field("customer", Kind.LINK, _("Customer"), link="customer", group=ABOUT, in_list=True, quick=True, extra={"by_name": True},
              aliases=("contact", "contact name", "related contact", "associated contact", "full name", "whoid")),
        Field("company", Kind.LINK, _("Company"), link="company", group=ABOUT, extra={"by_name": True}, aliases=("account",)),
        Field("deal", Kind.LINK, _("Deal"), link="deal", group=ABOUT, in_list=True, quick=True, extra={"by_name": True},
              aliases=("opportunity", "whatid")),
        Field("assigned_user", Kind.USER, _("Assigned to"), group=PLAN, in_list=True, quick=True, aliases=("owner", "ownerid", "assignee")),
        Field("description", Kind.LONG_TEXT, _("Description"), max_length=20_000, group=ABOUT, sortable=False, aliases=("notes",)),
        Field("tags", Kind.TAGS, _("Tags"), group=ABOUT, sortable=False),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, group=ABOUT),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False, group=ABOUT),
    )

    def before_save(self, obj: Any, changed: set[str], actor: Any) -> None:
        """Keep the time of completion in step with the status."""
        if obj.status == Task.Status.COMPLETED:
            obj.completed_at = obj.completed_at or timezone.now()
        else:
            obj.completed_at = None
        if "remind_at" in changed:
            obj.reminded_at = None

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Announce completion, reopening and a new assignee."""
        for happened in self._facts(obj, saving(obj).before, actor):
            publish(happened, about=obj, subjects=self.timeline_subjects(obj), quiet=saving(obj).quiet)
            if isinstance(happened, TaskCompleted) and obj.repeat and not saving(obj).quiet:
                self._repeat(obj)

    def _repeat(self, obj: Any) -> None:
        """Make the task that follows a repeating one, in the same change set: undoing the completion undoes it too."""
        due = next_due(obj.due_date, obj.repeat)
        data: dict[str, Any] = {name: getattr(obj, name) for name in ("title", "description", "type", "priority", "repeat")}
        data |= {f"{name}": getattr(obj, f"{name}_id") for name in ("category", "customer", "company", "deal", "assigned_user")}
        data["due_date"] = due
        if obj.remind_at and obj.due_date:
            data["remind_at"] = due - (obj.due_date - obj.remind_at)
        create_record(of="task", data={name: value for name, value in data.items() if value not in (None, "")}, actor=SYSTEM)

    def _facts(self, obj: Any, before: dict[str, Any], actor: Any) -> Iterable[Any]:
        was = before.get("status")
        if obj.status == Task.Status.COMPLETED and was != Task.Status.COMPLETED:
            yield TaskCompleted(task_id=obj.pk, owner_id=obj.assigned_user_id, customer_id=obj.customer_id,
                                deal_id=obj.deal_id, outcome=obj.outcome)
        elif was == Task.Status.COMPLETED and obj.status != Task.Status.COMPLETED:
            yield TaskReopened(task_id=obj.pk, owner_id=obj.assigned_user_id)
        if obj.assigned_user_id and obj.assigned_user_id != before.get("assigned_user_id"):
            if obj.assigned_user_id != getattr(actor, "pk", None):
                yield TaskAssigned(task_id=obj.pk, owner_id=obj.assigned_user_id)

    def to_hand_over(self, rows: Any) -> Any:
        """Return the open tasks: who did the others stays true."""
        return rows.filter(status__in=[Task.Status.PENDING, Task.Status.IN_PROGRESS])

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the customer, company and deal."""
        return [obj.customer_id, obj.company_id, obj.deal_id]


register(TaskCategoryEntity())
register(TaskEntity())
