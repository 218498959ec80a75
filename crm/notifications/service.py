"""Telling people something, and what they do with it."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.accounts.models import User
from crm.lib.prepared import PreparedTuples
from crm.notifications.kinds import Kind, kinds
from crm.notifications.models import Notification, NotificationChoice, UnreadCount
from crm.realtime.push import push

KEPT_UNREAD = 99
"""The bell says “99+” beyond this."""


def notify(
    *,
    user: User,
    kind: str,
    text: Any,
    url: str = "",
    about: tuple[str, uuid.UUID] | None = None,
    actor: User | None = None,
    key: str = "",
) -> Notification | None:
    """Tell ``user`` something, by the ways they chose. ``key`` names the event: it is told once.

    ``text`` says what happened without the record's title; ``about`` (entity and id) names the record.
    Nobody is told of what they did themselves.
    """
    if not user.is_active or (actor is not None and actor.pk == user.pk):
        return None
    ways = choices_of(user)[kind]
    if not (ways.in_app or ways.digest):
        return None
    entity, record_id = about or ("", None)
    with transaction.atomic():
        made = Notification(
            user=user, kind=kind, actor=actor, text=str(text)[:300], url=url[:300], entity=entity,
            record_id=record_id, key=key[:120], in_app=ways.in_app, read_at=None if ways.in_app else timezone.now(),
        )
        if key:
            Notification.objects.bulk_create([made], ignore_conflicts=True)
            if not Notification.objects.filter(pk=made.pk).exists():
                return None
        else:
            made.save()
        if ways.in_app:
            push(f"user:{user.pk}", "notification.new", {"kind": kind})
    return made


def choices_of(user: User) -> dict[str, NotificationChoice]:
    """Return the ways of every kind: what the user chose, or the defaults."""
    chosen = {row.kind: row for row in NotificationChoice.objects.filter(user=user)}
    return {
        name: chosen.get(name) or NotificationChoice(user=user, kind=name, in_app=k.in_app, digest=k.digest)
        for name, k in kinds().items()
    }


def choose(*, user: User, ways: dict[str, tuple[bool, bool]]) -> None:
    """Keep by which ways (in the app, in the daily mail) the user wants to hear of each kind."""
    known: dict[str, Kind] = kinds()
    rows = [
        NotificationChoice(user=user, kind=name, in_app=in_app, digest=digest)
        for name, (in_app, digest) in ways.items()
        if name in known
    ]
    NotificationChoice.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind"], update_fields=["in_app", "digest", "updated_at"]
    )


# Asked with every page.
_UNREAD = PreparedTuples(lambda user: UnreadCount.objects.filter(user_id=user).values_list("count"), (uuid.UUID(int=1),))


def unread_count(user: User) -> int:
    """Return how many notifications the user has not read."""
    found = _UNREAD.ask([user.pk])
    return max(found[0][0], 0) if found else 0


def mark_read(*, user: User, ids: Iterable[uuid.UUID] | None = None) -> int:
    """Mark some notifications of the user as read, or all of them; return how many were not."""
    rows = Notification.objects.filter(user=user, read_at=None)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    changed = rows.update(read_at=timezone.now(), updated_at=timezone.now())
    if changed:
        push(f"user:{user.pk}", "notification.read", {})
    return changed


def mark_unread(*, user: User, pk: uuid.UUID) -> int:
    """Mark one notification of the user as not read."""
    changed = Notification.objects.filter(user=user, pk=pk, in_app=True).exclude(read_at=None).update(
        read_at=None, updated_at=timezone.now()
    )
    if changed:
        push(f"user:{user.pk}", "notification.read", {})
    return changed
