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
from crm.demo.story import Story, plan_for
from crm.records.events import RecordCreated
from customers.models import Customer
from sales.events import DealLost, DealMoved, DealWon
from sales.models import Deal, DealContact, DealProduct, LossReason, Pipeline, Stage, StageChange

DEALS = 118
DEPTHS = (1, 2, 1, 3, 1, 2, 4, 1, 2, 3)
"""How far open deals have come, one after the other: a pipeline is wider where it begins."""
TAGGED = {3: "Renewal", 5: "Renewal", 9: "Expansion", 11: "Expansion", 15: "Key account"}
"""Which of 21 deals has a tag; every third deal is open."""


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
        self.lines: list[DealProduct] = []
        self.contacts: list[DealContact] = []

    def make(self) -> list[tuple[Deal, float, float]]:
        """Make the deals with their history; return each with the days ago of its first and last step."""
        deals = [self._deal(number) for number in range(DEALS)]
        Deal.objects.bulk_create(deals)
        DealProduct.objects.bulk_create(self.lines)
        tags = {tag.name: tag for tag in self.story.tags}
        Deal.tags.through.objects.bulk_create(
            Deal.tags.through(deal_id=deal.pk, tag_id=tags[TAGGED[n % 21]].pk) for n, deal in enumerate(deals) if n % 21 in TAGGED
        )
        self._walk(deals)
        self._people(deals)
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
        deal = Deal(
            title=f"{product.name.split(',')[0]}, {self.random.choice(words.PURPOSES)}",
            description=self.random.choice(words.SAID),
            value=Decimal(0),
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
        way = self._way(number)
        deal.entered_stage_at = way[0].at
        deal.expected_close_date = (way[0].at + timedelta(days=self.random.randint(35, 110))).date()
        if number % 3 == 0:
            # Every seventh open deal is slipping, the others close within the next months.
            days = -self.random.randint(2, 12) if number % 7 == 0 else self.random.randint(2, 100)
            deal.expected_close_date = (self.story.now + timedelta(days=days)).date()
        self.ways[deal.pk] = way
        self._lines(deal, product)
        return deal

    def _lines(self, deal: Deal, product: Any) -> None:
        """Put products on a deal; their total is its value."""
        also = [p for p in self.story.products if p.family == "Services" and p.pk != product.pk]
        chosen = [(product, self.random.randint(1, 6)), *((p, 1) for p in self.random.sample(also, self.random.randint(0, 2)))]
        for place, (one, quantity) in enumerate(chosen):
            line = DealProduct(
                deal=deal, product=one, quantity=quantity, unit_price=Decimal(one.price), position=place,
                discount_percent=self.random.choice([0, 0, 0, 5, 10]) if place == 0 else 0,
            )
            self.lines.append(line)
            deal.value += line.total

    def _people(self, deals: list[Deal]) -> None:
        """Say who has a say in each deal; only in the open ones is that known of more than one."""
        roles = [DealContact.Role.CHAMPION, DealContact.Role.BUYER, DealContact.Role.DECIDER, DealContact.Role.BLOCKER, DealContact.Role.USER]
        for deal in deals:
            others = [p for p in self.story.people_of(deal.company) if p.pk != deal.customer_id] if deal.is_open and deal.company else []
            for place, person in enumerate([deal.customer, *others[:3]]):
                self.contacts.append(DealContact(deal=deal, customer=person, role=roles[place] if place else self.random.choice(roles[:3])))
        DealContact.objects.bulk_create(self.contacts)

    def _way(self, number: int) -> list[Step]:
        """Return the stages a deal goes through: two thirds of the deals are closed, more won than lost."""
        closed = number % 3 != 0
        begun = self.random.uniform(70, 350) if closed and number % 6 != 1 else self.random.uniform(50, 95)
        depth = self.random.randint(2, len(self.open)) if closed else min(len(self.open), DEPTHS[(number // 3) % len(DEPTHS)])
        # Of the open deals those that nobody plans anything for have stood still for weeks.
        quiet = self.random.uniform(24, 40) if plan_for(number // 3) == "none" else self.random.uniform(1, 8)
        if number % 6 == 1:
            # Won within the last weeks, so that the quarter is well on its way.
            quiet = self.random.uniform(1, 42)
        ends_after = min(begun - 1, self.random.uniform(20, 95)) if closed and number % 6 != 1 else begun - quiet
        stages = self.open[:depth]
        if closed:
            stages = [*stages, self.won if number % 6 == 1 or self.random.random() < 0.55 else self.lost]
        pause = ends_after / max(1, len(stages) - 1)
        moments = [begun - pause * place for place in range(len(stages))] if len(stages) > 1 else [begun - ends_after]
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
            deal.rank = -self.ways[deal.pk][-1].at.timestamp()
        Deal.objects.bulk_update(deals, ["rank"])

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
                    from_pipeline_id=self.pipeline.pk, pipeline_id=self.pipeline.pk, owner_id=deal.assigned_user_id,
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
