"""Pipelines, products and deals for tests."""

from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from customers.tests.factories import CustomerFactory
from sales.models import Deal, DealContact, DealProduct, LossReason, Pipeline, Product, Stage


class PipelineFactory(DjangoModelFactory[Pipeline]):
    """A pipeline that is not the default and has no stages."""

    class Meta:
        model = Pipeline

    name = factory.Sequence(lambda n: f"Pipeline {n}")
    code = factory.Sequence(lambda n: f"PIPELINE_{n}")
    position = factory.Sequence(lambda n: n % 30_000 + 100)


class StageFactory(DjangoModelFactory[Stage]):
    """An open stage of a pipeline of its own."""

    class Meta:
        model = Stage

    pipeline = factory.SubFactory(PipelineFactory)
    name = factory.Sequence(lambda n: f"Stage {n}")
    code = factory.Sequence(lambda n: f"STAGE_{n}")
    position = factory.Sequence(lambda n: n % 30_000 + 100)
    probability = 20


class LossReasonFactory(DjangoModelFactory[LossReason]):
    """A reason to lose."""

    class Meta:
        model = LossReason

    name = factory.Sequence(lambda n: f"Reason {n}")


class ProductFactory(DjangoModelFactory[Product]):
    """A product at 100 USD."""

    class Meta:
        model = Product

    name = factory.Sequence(lambda n: f"Product {n}")
    code = factory.Sequence(lambda n: f"P-{n}")
    price = 100


class DealFactory(DjangoModelFactory[Deal]):
    """An open deal over 1,000 USD with a customer; pipeline, outcome and probability follow its stage."""

    class Meta:
        model = Deal
        skip_postgeneration_save = True

    title = factory.Sequence(lambda n: f"Deal {n}")
    value = 1000
    customer = factory.SubFactory(CustomerFactory)
    stage = factory.SubFactory(StageFactory)
    pipeline = factory.LazyAttribute(lambda o: o.stage.pipeline)
    outcome = factory.LazyAttribute(lambda o: o.stage.outcome)
    probability = factory.LazyAttribute(lambda o: o.stage.probability)
    actual_close_date = factory.LazyAttribute(lambda o: None if o.outcome == "open" else timezone.localdate())

    @factory.post_generation
    def tags(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Put tags on it: ``DealFactory(tags=[tag])``."""
        if create and extracted:
            self.tags.set(extracted)


class DealProductFactory(DjangoModelFactory[DealProduct]):
    """One piece of a product."""

    class Meta:
        model = DealProduct

    deal = factory.SubFactory(DealFactory)
    product = factory.SubFactory(ProductFactory)
    unit_price = 100


class DealContactFactory(DjangoModelFactory[DealContact]):
    """A person in a deal."""

    class Meta:
        model = DealContact

    deal = factory.SubFactory(DealFactory)
    customer = factory.SubFactory(CustomerFactory)
