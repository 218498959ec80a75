"""The deals of the year: each goes its way through the stages, some to the end."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import connection

from crm.demo import words
from crm.demo.dating import backdate
from crm.demo.story import Story
from crm.records.events import RecordCreated
from customers.models import Customer
from sales.events import DealLost, DealMoved, DealWon
from sales.models import Deal, LossReason, Pipeline, Stage, StageChange

DEALS = 118


@dataclass
class Step:
    """A deal entered a stage at a moment."""

    stage: Stage
    at: datetime


class Deals:
    """Invents the deals and walks them through the default pipeline."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.random = story.random
        self.pipeline = Pipeline.objects.get(is_default=True)
        stages = list(self.pipeline.stages.order_by("position"))
        self.open = [s for s in stages if s.outcome == Stage.Outcome.OPEN]
        self.won = next(s for s in stages if s.outcome == Stage.Outcome.WON)
        self.lost = next(s for s in stages if s.outcome == Stage.Outcome.LOST)
        self.reasons = list(LossReason.objects.filter(is_active=True))
        self.ways: dict[Any, list[Step]] = {}

    def make(self) -> list[tuple[Deal, float, float]]:
        """Make the deals with their history; return each with the days ago of its first and last step."""
        deals = [self._deal(number) for number in range(DEALS)]
        Deal.objects.bulk_create(deals)
        self._walk(deals)
        backdate(Deal, {d.pk: (self.ways[d.pk][0].at, self.ways[d.pk][-1].at) for d in deals})
        self._own_history()
        self._tell(deals)
        self._worth()
        now = self.story.now
        return [(d, (now - self.ways[d.pk][0].at).days, (now - self.ways[d.pk][-1].at).days) for d in deals]

    def _deal(self, number: int) -> Deal:
        company = self.random.choice(self.story.companies)
        people = self.story.people_of(company)
        product = self.random.choice(self.story.products)
        value = Decimal(product.price) * self.random.randint(1, 6) * Decimal(self.random.choice(["0.9", "1", "1", "1.15"]))
        deal = Deal(
            title=f"{product.name} {self.random.choice(words.PURPOSES)}",
            description=self.random.choice(words.SAID),
            value=value.quantize(Decimal("1")),
            currency="USD",
            pipeline=self.pipeline,
            stage=self.open[0],
            probability=self.open[0].probability,
            company=company,
            customer=self.random.choice(people),
            product=product,
            source=company.source,
            assigned_user=company.assigned_user,
            created_by=company.assigned_user,
        )
        way = self._way(deal, number)
        deal.entered_stage_at = way[0].at
        deal.expected_close_date = (way[0].at + timedelta(days=self.random.randint(35, 110))).date()
        if number % 3 == 0 and deal.expected_close_date < self.story.now.date():
            deal.expected_close_date = (self.story.now + timedelta(days=self.random.randint(3, 60))).date()
        self.ways[deal.pk] = way
        return deal

    def _way(self, deal: Deal, number: int) -> list[Step]:
        """Return the stages a deal goes through: two thirds of the deals are closed, more won than lost."""
        closed = number % 3 != 0
        begun = self.random.uniform(70, 350) if closed else self.random.uniform(2, 80)
        depth = self.random.randint(2, len(self.open)) if closed else self.random.randint(1, len(self.open))
        ends_after = min(begun - 1, self.random.uniform(20, 95)) if closed else begun * self.random.uniform(0.5, 0.95)
        stages = self.open[:depth]
        if closed:
            stages = [*stages, self.won if self.random.random() < 0.6 else self.lost]
        pause = ends_after / max(1, len(stages) - 1)
        moments = [begun - pause * place for place in range(len(stages))]
        steps = [Step(stage, self.story.ago(days)) for stage, days in zip(stages, moments, strict=True)]
        for earlier, later in pairwise(steps):
            later.at = max(later.at, earlier.at + timedelta(hours=2))
        return steps

    def _walk(self, deals: list[Deal]) -> None:
        """Move all deals one stage on, as often as the longest way needs; a trigger writes the history."""
        for place in range(1, max(len(w) for w in self.ways.values())):
            moved = [d for d in deals if len(self.ways[d.pk]) > place]
            for deal in moved:
                step = self.ways[deal.pk][place]
                deal.stage, deal.entered_stage_at = step.stage, step.at
                deal.outcome, deal.probability = step.stage.outcome, step.stage.probability
                if not deal.is_open:
                    deal.actual_close_date = step.at.date()
                    deal.close_reason = self.random.choice([r for r in self.reasons if r.outcome == deal.outcome] or [None])
            Deal.objects.bulk_update(
                moved, ["stage", "entered_stage_at", "outcome", "probability", "actual_close_date", "close_reason"]
            )
        for deal in deals:
            deal.last_activity_at = self.ways[deal.pk][-1].at
            deal.rank = -deal.last_activity_at.timestamp()
        Deal.objects.bulk_update(deals, ["last_activity_at", "rank"])

    def _own_history(self) -> None:
        """Let the moves be those of the deals' owners, when they happened."""
        table, deal = (connection.ops.quote_name(m._meta.db_table) for m in (StageChange, Deal))
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} AS c SET user_id = d.assigned_user_id, created_at = c.happened_at, updated_at = c.happened_at "
                f"FROM {deal} AS d WHERE d.id = c.deal_id AND c.deal_id = ANY(%s)",
                [list(self.ways)],
            )

    def _tell(self, deals: list[Deal]) -> None:
        chronicle = self.story.chronicle
        for deal in deals:
            about: dict[str, Any] = {
                "about": deal, "user": deal.assigned_user, "subjects": [deal.customer_id, deal.company_id],
            }
            way = self.ways[deal.pk]
            chronicle.tell(RecordCreated(entity="deal", record_id=deal.pk), at=way[0].at, **about)
            for earlier, later in pairwise(way):
                moved = DealMoved(
                    deal_id=deal.pk, from_stage_id=earlier.stage.pk, to_stage_id=later.stage.pk,
                    pipeline_id=self.pipeline.pk, owner_id=deal.assigned_user_id,
                )
                chronicle.tell(moved, at=later.at, **about)
            ended: dict[str, Any] = {
                "deal_id": deal.pk, "customer_id": deal.customer_id, "company_id": deal.company_id,
                "owner_id": deal.assigned_user_id, "value": str(deal.value), "currency": deal.currency,
            }
            if deal.outcome == Stage.Outcome.WON:
                chronicle.tell(DealWon(**ended), at=way[-1].at, **about)
            elif deal.outcome == Stage.Outcome.LOST:
                chronicle.tell(DealLost(**ended, reason_id=deal.close_reason_id), at=way[-1].at, **about)

    def _worth(self) -> None:
        """Give the buyers the value of what they bought."""
        worth: dict[Any, Decimal] = defaultdict(Decimal)
        for won in Deal.objects.filter(pk__in=self.ways, outcome=Stage.Outcome.WON).values_list("customer_id", "value"):
            worth[won[0]] += won[1]
        buyers = [p for p in self.story.people if p.pk in worth]
        for buyer in buyers:
            buyer.lifetime_value = worth[buyer.pk]
            buyer.status = Customer.Status.CUSTOMER
        Customer.objects.bulk_update(buyers, ["lifetime_value", "status"])
