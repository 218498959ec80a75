"""What this process last knew of the stamps. Loading a user's rights refreshes them, once a request."""

from django.db import transaction
from django.db.models import F

from crm.access.models import Stamp

_seen: dict[str, int] = {}


def saw(values: dict[str, int]) -> None:
    """Remember the stamps as the database told them just now."""
    _seen.update(values)


def seen(name: str) -> int:
    """Return the last known value of a stamp; 0 before the first look."""
    return _seen.get(name, 0)


def bump(name: str) -> None:
    """Raise a stamp inside the open transaction; other processes learn of it with their next request."""
    _, created = Stamp.objects.get_or_create(name=name, defaults={"value": 1})
    if not created:
        Stamp.objects.filter(name=name).update(value=F("value") + 1)
    _refresh(name)
    transaction.on_commit(lambda: _refresh(name), robust=True)


def _refresh(name: str) -> None:
    _seen[name] = Stamp.objects.values_list("value", flat=True).get(name=name)
