"""People and organisations: who they are, how to reach them, how they are connected."""

from customers.models.company import Company
from customers.models.contact import CustomerAddress, CustomerContact
from customers.models.customer import Customer
from customers.models.relationship import Relationship
from customers.models.shares import CompanyTeamShare, CompanyUserShare, CustomerTeamShare, CustomerUserShare

__all__ = [
    "Company",
    "CompanyTeamShare",
    "CompanyUserShare",
    "Customer",
    "CustomerAddress",
    "CustomerContact",
    "CustomerTeamShare",
    "CustomerUserShare",
    "Relationship",
]
