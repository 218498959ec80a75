"""What follows from what happens to deals: open boards are told."""

from crm.activity.facts import Heard, reacts_to
from crm.realtime.push import push
from crm.records.events import (
    RecordChanged,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordsBulkChanged,
)
from sales.events import DealMoved
from sales.models import Deal, Pipeline


@reacts_to(RecordCreated, RecordChanged, RecordDeleted, RecordRestored, name="sales.tell_boards")
def tell_boards(heard: Heard) -> None:
    """Let the boards on which a deal stands know that it changed."""
    if heard.fact.entity != "deal":
        return
    found = Deal.everything.filter(pk=heard.fact.record_id).values_list("pipeline_id", "stage_id").first()
    if found is not None:
        push(f"board:{found[0]}", "deal.changed", {"id": str(heard.fact.record_id), "stage": str(found[1])})


@reacts_to(DealMoved, name="sales.tell_boards_moved")
def tell_moved(heard: Heard) -> None:
    """Let the boards know which columns a moved deal concerns."""
    fact = heard.fact
    push(
        f"board:{fact.pipeline_id}", "deal.moved",
        {"id": str(fact.deal_id), "from": str(fact.from_stage_id), "stage": str(fact.to_stage_id)},
    )


@reacts_to(RecordsBulkChanged, name="sales.tell_boards_of_bulk")
def tell_bulk(heard: Heard) -> None:
    """Let every board draw itself anew after an import or bulk edit of deals."""
    if heard.fact.entity == "deal":
        for pipeline_id in Pipeline.objects.filter(archived_at=None).values_list("pk", flat=True):
            push(f"board:{pipeline_id}", "list.dirty", {})
