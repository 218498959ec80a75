"""Who sees and changes deals, and what they are made of."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from crm.access.policy import EVERYTHING, NOTHING, PartPolicy, Policy
from crm.access.rights import Rights
from crm.records.policies import ReadByAllPolicy
from sales.models import (
    Deal,
    DealContact,
    DealProduct,
    DealTeamShare,
    DealUserShare,
    Goal,
    LossReason,
    Pipeline,
    Product,
    Stage,
    StageChange,
)

SLIP = timedelta(minutes=15)


class DealPolicy(Policy, model=Deal):
    """By owner and scope, or shared. A won or lost deal is changed by those who lead: whose reach is more than their own.

    For a while after closing it whoever works it may still put right what was a slip.
    """

    user_share = DealUserShare
    group_share = DealTeamShare

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Leave closed deals out of what one changes who works only his own."""
        rows = super().rows(rights, user, action)
        leads = rights.cell(self.entity, "change").scope not in ("none", "own")
        if action not in ("change", "delete", "assign", "merge") or leads or rows == NOTHING:
            return rows
        return rows & (Q(outcome=Stage.Outcome.OPEN) | Q(entered_stage_at__gte=Now() - SLIP))


class DealProductPolicy(PartPolicy, model=DealProduct, of="deal"):
    """With the deal."""


class DealContactPolicy(PartPolicy, model=DealContact, of="deal"):
    """With the deal."""


class StageChangePolicy(PartPolicy, model=StageChange, of="deal"):
    """With the deal."""


class ProductPolicy(Policy, model=Product):
    """By the matrix; products have no owner."""

    owner = None


class PipelinePolicy(ReadByAllPolicy, model=Pipeline):
    """Read by all, managed by the matrix."""


class StagePolicy(ReadByAllPolicy, model=Stage):
    """With its pipeline."""

    entity = "pipeline"


class LossReasonPolicy(ReadByAllPolicy, model=LossReason):
    """With the pipelines."""

    entity = "pipeline"


class GoalPolicy(Policy, model=Goal):
    """Seen for those whose deals one sees by scope; set with the pipelines."""

    entity = "pipeline"
    owner = None

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the goals of the people that the scope reaches."""
        if action != "view":
            return super().rows(rights, user, action)
        scope = rights.cell("deal", "view").scope
        if scope == "all":
            return EVERYTHING
        return NOTHING if scope == "none" else Q(user__in=rights.owners(scope))
