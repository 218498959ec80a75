"""Customers and companies for tests."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from customers.models import Company, Customer, CustomerAddress, CustomerContact, Relationship


class CompanyFactory(DjangoModelFactory[Company]):
    """An organisation without an owner."""

    class Meta:
        model = Company

    name = factory.Sequence(lambda n: f"Company {n}")
    domain = factory.Sequence(lambda n: f"company{n}.example")


class CustomerFactory(DjangoModelFactory[Customer]):
    """A person without an owner or company."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    first_name = factory.Sequence(lambda n: f"First{n}")
    last_name = factory.Sequence(lambda n: f"Last{n}")
    email = factory.Sequence(lambda n: f"person{n}@customers.example")

    @factory.post_generation
    def tags(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Put tags on it: ``CustomerFactory(tags=[tag])``."""
        if create and extracted:
            self.tags.set(extracted)


class CustomerContactFactory(DjangoModelFactory[CustomerContact]):
    """A second e-mail address."""

    class Meta:
        model = CustomerContact

    customer = factory.SubFactory(CustomerFactory)
    kind = CustomerContact.Kind.EMAIL
    value = factory.Sequence(lambda n: f"other{n}@customers.example")


class CustomerAddressFactory(DjangoModelFactory[CustomerAddress]):
    """A postal address."""

    class Meta:
        model = CustomerAddress

    customer = factory.SubFactory(CustomerFactory)
    line1 = factory.Sequence(lambda n: f"{n} Main Street")
    city = "Springfield"


class RelationshipFactory(DjangoModelFactory[Relationship]):
    """One person works with another."""

    class Meta:
        model = Relationship

    kind = Relationship.Kind.COLLEAGUE
    from_customer = factory.SubFactory(CustomerFactory)
    to_customer = factory.SubFactory(CustomerFactory)
