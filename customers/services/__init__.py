"""What can be done with people and companies beside editing them."""

from customers.services.contacts import (
    add_address,
    add_contact_method,
    change_address,
    change_contact_method,
    remove_contact,
)
from customers.services.relationships import relate, unrelate

__all__ = [
    "add_address",
    "add_contact_method",
    "change_address",
    "change_contact_method",
    "relate",
    "remove_contact",
    "unrelate",
]
