"""Reading and keeping what a person likes a page to be."""

import uuid
from typing import Any

from crm.accounts.models import Preference
from crm.lib.prepared import PreparedTuples

_KEPT = PreparedTuples(
    lambda user, name: Preference.objects.filter(user=user, name=name).values_list("value"), (uuid.UUID(int=1), "\x7fname")
)


def preference(user: Any, name: str) -> dict[str, Any]:
    """Return what the user chose on the page of that name; nothing yet is empty."""
    kept = next((value for (value,) in _KEPT.ask((user.pk, name))), None)
    return kept if isinstance(kept, dict) else {}


def remember(user: Any, name: str, **choices: Any) -> dict[str, Any]:
    """Keep some choices of the page of that name beside the earlier ones, and return all of them."""
    row, _made = Preference.objects.get_or_create(user=user, name=name)
    row.value = {**row.value, **choices}
    row.save(update_fields=["value", "updated_at"])
    return dict(row.value)
