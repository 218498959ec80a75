"""What follows from what happens to deals: open boards are told, and the team of a win."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from crm.access.policy import visible_to
from crm.accounts.models import User
from crm.activity.facts import Heard, reacts_to
from crm.notifications.service import notify
from crm.realtime.push import push
from crm.records.events import (
    RecordChanged,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordsBulkChanged,
)
from sales.events import DealMoved, DealWon
from sales.models import Deal, Pipeline


def _shown(fact: Any, about: Any) -> bool:
    """Tell whether boards hear of a change by it: of a move they hear as such, unless it went to somebody else, too."""
    fields = getattr(fact, "fields", ())
    return fact.entity == "deal" and ("stage" not in fields or "assigned_user" in fields)


@reacts_to(RecordCreated, RecordChanged, RecordDeleted, RecordRestored, name="sales.tell_boards", when=_shown)
def tell_boards(heard: Heard) -> None:
    """Let the boards on which a deal stands know that it changed."""
    found = Deal.everything.filter(pk=heard.fact.record_id).values_list("pipeline_id", "stage_id").first()
    if found is not None and "assigned_user" in getattr(heard.fact, "fields", ()):
        # Who no longer sees the deal is told nothing about it, and yet must lose its card.
        push(f"board:{found[0]}", "list.dirty", {}, tab=heard.tab)
    elif found is not None:
        push(f"board:{found[0]}", "deal.changed", {"id": str(heard.fact.record_id), "stage": str(found[1]), **_by(heard)}, tab=heard.tab)


FACE = frozenset({"first_name", "last_name", "name", "status"})
"""What cards and lanes show of customers and companies."""
MANY = 50


def _has_a_face(fact: RecordChanged, about: Any) -> bool:
    return fact.entity in ("customer", "company") and not FACE.isdisjoint(fact.fields)


@reacts_to(RecordChanged, name="sales.tell_boards_of_customers", when=_has_a_face)
def tell_boards_of_customers(heard: Heard) -> None:
    """Let boards draw the cards of a customer or company anew when what they show of it changed."""
    fact = heard.fact
    found = list(
        Deal.objects.filter(**{fact.entity: fact.record_id}, archived_at=None).order_by("pk")
        .values_list("pk", "pipeline_id", "stage_id")[:MANY + 1]
    )
    if "status" in fact.fields or len(found) > MANY:
        for pipeline_id in {pipeline_id for _pk, pipeline_id, _stage_id in found}:
            push(f"board:{pipeline_id}", "list.dirty", {}, tab=heard.tab)
        return
    for pk, pipeline_id, stage_id in found:
        push(f"board:{pipeline_id}", "deal.changed", {"id": str(pk), "stage": str(stage_id)}, tab=heard.tab)


@reacts_to(DealMoved, name="sales.tell_boards_moved")
def tell_moved(heard: Heard) -> None:
    """Let the boards know which columns a moved deal concerns."""
    fact = heard.fact
    for pipeline_id in {fact.from_pipeline_id, fact.pipeline_id}:
        push(
            f"board:{pipeline_id}", "deal.moved",
            {"id": str(fact.deal_id), "from": str(fact.from_stage_id), "stage": str(fact.to_stage_id), **_by(heard)},
            tab=heard.tab,
        )


def _by(heard: Heard) -> dict[str, str]:
    """Return who did it, by id: the page asks for the name, as far as its reader may see it."""
    return {"by": str(heard.entry.user_id)} if heard.entry.user_id else {}


@reacts_to(RecordsBulkChanged, name="sales.tell_boards_of_bulk", when=lambda fact, about: fact.entity == "deal")
def tell_bulk(heard: Heard) -> None:
    """Let every board draw itself anew after an import or bulk edit of deals."""
    for pipeline_id in Pipeline.objects.filter(archived_at=None).values_list("pk", flat=True):
        push(f"board:{pipeline_id}", "list.dirty", {})


@reacts_to(DealWon, name="sales.tell_team_of_win")
def tell_team(heard: Heard) -> None:
    """Tell the owner's team of a win, as far as each may see the deal."""
    owner = User.objects.select_related("team").filter(pk=heard.fact.owner_id).first()
    if owner is None or owner.team is None:
        return
    actor = User.objects.filter(pk=heard.entry.user_id).first() if heard.entry.user_id else owner
    pk = heard.fact.deal_id
    for person in User.objects.active().filter(team=owner.team).exclude(pk=owner.pk):
        if visible_to(person, Deal).filter(pk=pk).exists():
            with override(person.language):
                text = _("%(name)s won a deal.") % {"name": owner}
            notify(
                user=person, kind="deal_won", text=text, url=f"/deals/{pk}", about=("deal", pk), actor=actor,
                key=f"deal_won:{heard.entry.id}",
            )
