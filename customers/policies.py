"""Who sees and changes people and companies."""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from crm.access.policy import PartPolicy, Policy, visible_to
from crm.access.rights import Rights
from customers.models import (
    Company,
    CompanyTeamShare,
    CompanyUserShare,
    Customer,
    CustomerAddress,
    CustomerContact,
    CustomerTeamShare,
    CustomerUserShare,
    Relationship,
)


class CompanyPolicy(Policy, model=Company):
    """By owner and scope, or shared."""

    user_share = CompanyUserShare
    group_share = CompanyTeamShare


class CustomerPolicy(Policy, model=Customer):
    """By owner and scope, or shared."""

    user_share = CustomerUserShare
    group_share = CustomerTeamShare


class CustomerContactPolicy(PartPolicy, model=CustomerContact, of="customer"):
    """With the customer."""


class CustomerAddressPolicy(PartPolicy, model=CustomerAddress, of="customer"):
    """With the customer."""


class RelationshipPolicy(Policy, model=Relationship):
    """Seen by who sees both ends; changed by who may change one of them."""

    entity = "customer"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the relationships both of whose ends are visible."""

        def end(name: str, model: type[Any], do: str) -> Q:
            return Q(Exists(visible_to(user, model, do).filter(pk=OuterRef(f"{name}_id"))))

        seen = (Q(from_customer=None) | end("from_customer", Customer, "view")) & (
            Q(from_company=None) | end("from_company", Company, "view")
        )
        seen &= (Q(to_customer=None) | end("to_customer", Customer, "view")) & (
            Q(to_company=None) | end("to_company", Company, "view")
        )
        if action == "view":
            return seen
        may = end("from_customer", Customer, "change") | end("from_company", Company, "change")
        return seen & (may | end("to_customer", Customer, "change") | end("to_company", Company, "change"))
