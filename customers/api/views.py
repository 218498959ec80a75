"""What the API can do with customers beyond reading and writing them: how to reach them, how they are connected."""

from typing import Any

from crm.api.parts import Parts, PartsView, PartView
from crm.records.fields import Field, Kind, choices_of
from customers.models import CustomerAddress, CustomerContact, Relationship
from customers.services.contacts import (
    add_address,
    add_contact_method,
    change_address,
    change_contact_method,
    remove_contact,
)

CONTACTS = Parts(
    of="customer", model=CustomerContact, parent="customer", name="contacts", order=("kind", "-is_primary", "created_at"),
    fields=(
        Field("kind", Kind.CHOICE, "Kind", required=True, choices=choices_of(CustomerContact.Kind)),
        Field("label", Kind.TEXT, "Label", max_length=60),
        Field("value", Kind.TEXT, "Value", required=True, max_length=500),
        Field("is_primary", Kind.BOOLEAN, "Primary", default=False),
    ),
)
ADDRESSES = Parts(
    of="customer", model=CustomerAddress, parent="customer", name="addresses", order=("kind", "-is_primary", "created_at"),
    fields=(
        Field("kind", Kind.CHOICE, "Kind", choices=choices_of(CustomerAddress.Kind), default=CustomerAddress.Kind.PHYSICAL),
        Field("line1", Kind.TEXT, "Street", max_length=255),
        Field("line2", Kind.TEXT, "Street, second line", max_length=255),
        Field("city", Kind.TEXT, "City", max_length=120),
        Field("region", Kind.TEXT, "State or region", max_length=120),
        Field("postal_code", Kind.TEXT, "Postal code", max_length=30),
        Field("country", Kind.TEXT, "Country", max_length=120),
        Field("is_primary", Kind.BOOLEAN, "Primary", default=False),
    ),
)
_RELATIONSHIP_FIELDS = (
    Field("kind", Kind.CHOICE, "Kind", required=True, choices=choices_of(Relationship.Kind)),
    Field("to_customer", Kind.LINK, "Customer", link="customer"),
    Field("to_company", Kind.LINK, "Company", link="company"),
    Field("note", Kind.TEXT, "Note", max_length=300),
)
RELATIONSHIPS = Parts(
    of="customer", model=Relationship, parent="from_customer", name="relationships", fields=_RELATIONSHIP_FIELDS
)
COMPANY_RELATIONSHIPS = Parts(
    of="company", model=Relationship, parent="from_company", name="relationships", fields=_RELATIONSHIP_FIELDS
)


class ContactsView(PartsView):
    """How to reach a customer."""

    parts = CONTACTS

    def add(self, parent: Any, body: dict[str, Any]) -> Any:
        """Add a way to reach the customer."""
        return add_contact_method(customer=parent, data=body, actor=self.request.user)


class ContactView(PartView):
    """One way to reach a customer."""

    parts = CONTACTS

    def alter(self, part: Any, body: dict[str, Any]) -> Any:
        """Change it."""
        return change_contact_method(method=part, data=body, actor=self.request.user)

    def remove(self, part: Any) -> None:
        """Remove it."""
        remove_contact(part=part, actor=self.request.user)


class AddressesView(PartsView):
    """Where a customer is."""

    parts = ADDRESSES

    def add(self, parent: Any, body: dict[str, Any]) -> Any:
        """Add an address."""
        return add_address(customer=parent, data=body, actor=self.request.user)


class AddressView(PartView):
    """One address of a customer."""

    parts = ADDRESSES

    def alter(self, part: Any, body: dict[str, Any]) -> Any:
        """Change it."""
        return change_address(address=part, data=body, actor=self.request.user)

    def remove(self, part: Any) -> None:
        """Remove it."""
        remove_contact(part=part, actor=self.request.user)


class RelationshipsView(PartsView):
    """Whom a customer is connected with."""

    parts = RELATIONSHIPS


class RelationshipView(PartView):
    """One connection of a customer."""

    parts = RELATIONSHIPS


class CompanyRelationshipsView(PartsView):
    """Whom a company is connected with."""

    parts = COMPANY_RELATIONSHIPS


class CompanyRelationshipView(PartView):
    """One connection of a company."""

    parts = COMPANY_RELATIONSHIPS
