"""Remembering what a person searched for and opened, in one statement each: it happens with every search and every record."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from crm.lib.ids import uuid7
from crm.lib.text import clean_line
from crm.search.models import RecentSearch, RecentVisit

KEPT = 30
NOT_AGAIN_WITHIN = timedelta(minutes=1)

# That it is lost with a power cut is better than that every page waits for the disk.
_SEARCHED = """
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
kept AS (
    INSERT INTO search_recentsearch (id, created_at, updated_at, user_id, words, used_at)
    SELECT %(id)s, %(now)s, %(now)s, %(user)s, %(words)s, %(now)s FROM quick
    ON CONFLICT (user_id, words) DO UPDATE SET used_at = excluded.used_at, updated_at = excluded.updated_at
)
DELETE FROM search_recentsearch WHERE id IN (
    SELECT id FROM search_recentsearch WHERE user_id = %(user)s AND words <> %(words)s ORDER BY used_at DESC OFFSET %(others)s
)
"""
_VISITED = """
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
kept AS (
    INSERT INTO search_recentvisit (id, created_at, updated_at, user_id, entity, record_id, used_at)
    SELECT %(id)s, %(now)s, %(now)s, %(user)s, %(entity)s, %(record)s, %(now)s FROM quick
    ON CONFLICT (user_id, record_id) DO UPDATE SET used_at = excluded.used_at, updated_at = excluded.updated_at
)
DELETE FROM search_recentvisit WHERE id IN (
    SELECT id FROM search_recentvisit WHERE user_id = %(user)s AND record_id <> %(record)s ORDER BY used_at DESC OFFSET %(others)s
)
"""


def _note(statement: str, user: Any, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": uuid7(), "now": timezone.now(), "user": user.pk, "others": KEPT - 1, **values})


def remember_search(user: Any, q: str) -> None:
    """Put the words on top of the user's search history, which keeps thirty."""
    words = clean_line(q)[:200]
    if words and not _looks_on(user):
        _note(_SEARCHED, user, words=words)


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
    known = RecentVisit.objects.filter(user=user, record_id=record_id)
    if not known.filter(used_at__gt=timezone.now() - NOT_AGAIN_WITHIN).exists():
        _note(_VISITED, user, entity=entity, record=record_id)


def _looks_on(user: Any) -> bool:
    """Tell whether an administrator looks at the application as a role: of that nothing is kept."""
    return bool(getattr(user, "previewing", ""))


def recent_visits(user: Any, limit: int = 8) -> list[tuple[str, uuid.UUID]]:
    """Return entity and id of the records that the user opened last, newest first."""
    rows = RecentVisit.objects.filter(user=user).order_by("-used_at")[:limit]
    return [(row.entity, row.record_id) for row in rows]
