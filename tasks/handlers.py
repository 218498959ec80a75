"""What follows from what happens to tasks: the boards on which the deal of a task stands show its next step."""

from django.utils.translation import gettext_lazy as _

from crm.activity.facts import Heard, reacts_to
from crm.notifications.kinds import kind
from crm.realtime.push import push
from crm.records.events import RecordChanged, RecordCreated, RecordDeleted, RecordRestored
from sales.models import Deal
from tasks.models import Task

REMINDER = kind("task_reminder", _("A reminder of a task of mine"), "alarm-clock")


@reacts_to(RecordCreated, RecordChanged, RecordDeleted, RecordRestored, name="tasks.tell_boards", when=lambda fact, about: fact.entity == "task")
def tell_boards(heard: Heard) -> None:
    """Let the board know that the next step of a deal may be another one now."""
    deal_id = Task.everything.filter(pk=heard.fact.record_id).values_list("deal", flat=True).first()
    found = Deal.objects.filter(pk=deal_id, outcome="open").values_list("pipeline_id", "stage_id").first() if deal_id else None
    if found is not None:
        push(f"board:{found[0]}", "deal.changed", {"id": str(deal_id), "stage": str(found[1])})
