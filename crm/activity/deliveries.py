"""What people do with dead letters: look, replay, discard."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.activity.facts import record_access
from crm.activity.models import Delivery
from crm.activity.wake import ring


def replay(deliveries: Iterable[Delivery], *, actor: Any) -> int:
    """Put dead or discarded deliveries back to be tried again; return how many."""
    return _move(deliveries, (Delivery.State.DEAD, Delivery.State.DISCARDED), Delivery.State.WAITING, actor)


def discard(deliveries: Iterable[Delivery], *, actor: Any) -> int:
    """Give up dead deliveries for good; return how many."""
    return _move(deliveries, (Delivery.State.DEAD,), Delivery.State.DISCARDED, actor)


def _move(deliveries: Iterable[Delivery], before: tuple[str, ...], after: str, actor: Any) -> int:
    with transaction.atomic():
        rows = Delivery.objects.select_for_update().filter(pk__in=[d.pk for d in deliveries], state__in=before)
        found = list(rows.values_list("pk", flat=True))
        Delivery.objects.filter(pk__in=found).update(state=after, attempts=0, due_at=timezone.now())
        if found:
            record_access(f"deliveries.{after}", user=actor, deliveries=[str(pk) for pk in found])
        if after == Delivery.State.WAITING:
            transaction.on_commit(ring, robust=True)
    return len(found)
