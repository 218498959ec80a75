"""Remembering what a person searched for and opened."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from crm.lib.text import clean_line
from crm.search.models import RecentSearch, RecentVisit

KEPT = 30


def remember_search(user: Any, q: str) -> None:
    """Put the words on top of the user's search history, which keeps thirty."""
    words = clean_line(q)[:200]
    if not words or _looks_on(user):
        return
    RecentSearch.objects.bulk_create(
        [RecentSearch(user=user, words=words, used_at=timezone.now())],
        update_conflicts=True, unique_fields=["user", "words"], update_fields=["used_at", "updated_at"],
    )
    old = list(RecentSearch.objects.filter(user=user).order_by("-used_at").values_list("pk", flat=True)[KEPT:])
    if old:
        RecentSearch.objects.filter(pk__in=old).delete()


def recent_searches(user: Any, limit: int = 8) -> list[RecentSearch]:
    """Return the user's last searches, newest first."""
    return list(RecentSearch.objects.filter(user=user).order_by("-used_at")[:limit])


def forget_searches(user: Any) -> None:
    """Empty the user's search history."""
    RecentSearch.objects.filter(user=user).delete()


def remember_visit(user: Any, entity: str, record_id: uuid.UUID) -> None:
    """Put a record on top of those that the user opened, which keeps thirty; at most once a minute each."""
    if _looks_on(user):
        return
    now = timezone.now()
    known = RecentVisit.objects.filter(user=user, record_id=record_id)
    if known.filter(used_at__gt=now - timedelta(minutes=1)).exists():
        return
    RecentVisit.objects.update_or_create(
        user=user, record_id=record_id, defaults={"entity": entity, "used_at": now}
    )
    old = list(RecentVisit.objects.filter(user=user).order_by("-used_at").values_list("pk", flat=True)[KEPT:])
    if old:
        RecentVisit.objects.filter(pk__in=old).delete()


def _looks_on(user: Any) -> bool:
    """Tell whether an administrator looks at the application as a role: of that nothing is kept."""
    return bool(getattr(user, "previewing", ""))


def recent_visits(user: Any, limit: int = 8) -> list[tuple[str, uuid.UUID]]:
    """Return entity and id of the records that the user opened last, newest first."""
    rows = RecentVisit.objects.filter(user=user).order_by("-used_at")[:limit]
    return [(row.entity, row.record_id) for row in rows]
