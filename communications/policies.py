"""Who sees and changes interactions."""

from typing import Any

from django.db.models import Q

from communications.models import CallLog, Interaction, InteractionType, MeetingNote
from crm.access.policy import PartPolicy, Policy, seen_through
from crm.access.rights import Rights
from crm.records.policies import ReadByAllPolicy
from customers.models import Company, Customer
from sales.models import Deal


class InteractionPolicy(Policy, model=Interaction):
    """One's own; and whoever may see the customer, the company or the deal reads what was said to them."""

    owner = "user"

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return the interactions of the customers, companies and deals that the user sees, as far as a condition lets."""
        if action != "view" or not rights.may("view", "interaction"):
            return None
        found = seen_through(user, "customer", Customer) | seen_through(user, "company", Company)
        return (found | seen_through(user, "deal", Deal)) & self.fulfilling(rights, user, action)


class InteractionTypePolicy(ReadByAllPolicy, model=InteractionType):
    """Read by all, managed with the settings."""

    entity = "settings"


class CallLogPolicy(PartPolicy, model=CallLog, of="interaction"):
    """With the interaction."""


class MeetingNotePolicy(PartPolicy, model=MeetingNote, of="interaction"):
    """With the interaction."""
