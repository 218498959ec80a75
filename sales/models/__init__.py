"""What we sell and how it goes: products, pipelines, deals and their way through the stages."""

from sales.models.deal import Deal, DealContact, DealProduct
from sales.models.goal import Goal
from sales.models.history import StageChange
from sales.models.pipeline import LossReason, Pipeline, Stage
from sales.models.product import Product
from sales.models.shares import DealTeamShare, DealUserShare
from sales.models.totals import DealTotal

__all__ = [
    "Deal",
    "DealContact",
    "DealProduct",
    "DealTeamShare",
    "DealTotal",
    "DealUserShare",
    "Goal",
    "LossReason",
    "Pipeline",
    "Product",
    "Stage",
    "StageChange",
]
