"""Who sees and changes deals, and what they are made of."""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from crm.access.policy import EVERYTHING, Policy, visible_to
from crm.access.rights import Rights
from sales.models import (
    Deal,
    DealContact,
    DealProduct,
    DealTeamShare,
    DealUserShare,
    LossReason,
    Pipeline,
    Product,
    Stage,
    StageChange,
)


class DealPolicy(Policy, model=Deal):
    """By owner and scope, or shared."""

    user_share = DealUserShare
    group_share = DealTeamShare


class OfDealPolicy(Policy):
    """A part of a deal follows the deal."""

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the parts of the deals that the user may view or change."""
        action = "view" if action == "view" else "change"
        return Q(Exists(visible_to(user, Deal, action).filter(pk=OuterRef("deal_id"))))


class DealProductPolicy(OfDealPolicy, model=DealProduct):
    """With the deal."""

    entity = "deal"


class DealContactPolicy(OfDealPolicy, model=DealContact):
    """With the deal."""

    entity = "deal"


class StageChangePolicy(OfDealPolicy, model=StageChange):
    """With the deal."""

    entity = "deal"


class ProductPolicy(Policy, model=Product):
    """By the matrix; products have no owner."""

    owner = None


class ReferencePolicy(Policy):
    """Everyone who signs in reads it, since every board and form needs it; the matrix says who changes it."""

    owner = None

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return everything for reading, and by the matrix for the rest."""
        return EVERYTHING if action == "view" else super().rows(rights, user, action)


class PipelinePolicy(ReferencePolicy, model=Pipeline):
    """Read by all, managed by the matrix."""


class StagePolicy(ReferencePolicy, model=Stage):
    """With its pipeline."""

    entity = "pipeline"


class LossReasonPolicy(ReferencePolicy, model=LossReason):
    """With the pipelines."""

    entity = "pipeline"
