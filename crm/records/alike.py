"""The queue of likely duplicates: pairs that a search over all records found, in groups, for whoever may merge them."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from crm.access.policy import field_rights, visible_to
from crm.records.duplicates import Reason, Recognition, around, recognition
from crm.records.entity import Entity, all_entities
from crm.records.models import Alike, Different
from crm.records.services.merging import merge_records

BLOCK = 30
"""More records than this share a name without being the same one."""
RECENT = 2000
SHOWN = 200
TOGETHER = 10
LEAST = 75


def searched() -> list[Entity]:
    """Return the entities whose duplicates are searched for."""
    return [of for of in all_entities().values() if recognition(of) is not None]


# -- searching --------------------------------------------------------------------------------------


def search_all(of: Entity, told: Callable[[], None]) -> int:
    """Compare every record with those it shares something with; forget the pairs that are none any more."""
    how, began = recognition(of), timezone.now()
    if how is None:
        return 0
    found = 0
    for block in how.blocks:
        rows = _living(of).annotate(shared=block).exclude(shared=None).exclude(shared="")
        groups = rows.order_by().values("shared").annotate(ids=ArrayAgg("pk"), n=Count("pk")).filter(n__range=(2, BLOCK))
        for some in _batches(groups.values_list("ids", flat=True).iterator(chunk_size=500), 200):
            told()
            known = _living(of).only(*how.columns).in_bulk([pk for ids in some for pk in ids])
            found += _keep(of, how, (pair for ids in some for pair in combinations([known[pk] for pk in ids if pk in known], 2)))
    Alike.objects.filter(entity=of.name, updated_at__lt=began).delete()
    return found


def search_recent(of: Entity, since: dt.datetime) -> int:
    """Compare what was written lately with all that it may be the same as."""
    how, found = recognition(of), 0
    if how is None:
        return 0
    for obj in _living(of).only(*how.columns).filter(updated_at__gte=since).order_by("-updated_at")[:RECENT]:
        others = around(obj, _living(of).only(*how.columns), how, frozenset(), BLOCK)
        found += _keep(of, how, ((obj, other) for other in others))
    return found


def _living(of: Entity) -> QuerySet[Any]:
    found: QuerySet[Any] = of.model.objects.filter(archived_at=None)
    return found


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    some: list[Any] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _keep(of: Entity, how: Recognition, pairs: Iterable[tuple[Any, Any]]) -> int:
    """Keep those pairs that look alike."""
    made = {}
    for one, other in pairs:
        alike = how.compare(one, other, frozenset())
        if alike is not None and alike[0] * 100 >= LEAST:
            first, second = sorted((one.pk, other.pk))
            made[first, second] = Alike(entity=of.name, first=first, second=second, score=round(alike[0] * 100), reasons=alike[1])
    Alike.objects.bulk_create(
        made.values(), batch_size=500, update_conflicts=True, unique_fields=["entity", "first", "second"],
        update_fields=["score", "reasons", "updated_at"],
    )
    return len(made)


# -- the queue --------------------------------------------------------------------------------------


@dataclass
class Group:
    """Records that look like the same one, the fullest first, how sure it is and why."""

    records: list[Any]
    score: int
    reasons: list[Reason] = field(default_factory=list)


def waiting(of: Entity, user: Any, least: int = LEAST) -> QuerySet[Alike]:
    """Return the pairs that a user may merge and nobody has told apart, the surest first."""
    rows = visible_to(user, of.model, "merge")
    if hasattr(of.model, "archived_at"):
        rows = rows.filter(archived_at=None)
    told_apart = Different.objects.filter(entity=of.name, first=OuterRef("first"), second=OuterRef("second"))
    return Alike.objects.filter(
        Exists(rows.filter(pk=OuterRef("first"))), Exists(rows.filter(pk=OuterRef("second"))), ~Exists(told_apart),
        entity=of.name, score__gte=least,
    ).order_by("-score", "id")


def groups(of: Entity, user: Any, least: int = LEAST, most: int = SHOWN) -> list[Group]:
    """Return the surest pairs as groups of what belongs together. A reason that would tell a hidden field is not given."""
    how = recognition(of)
    if how is None:
        return []
    hidden = field_rights(user, of.model).hidden
    pairs = list(waiting(of, user, least)[:most])
    records = visible_to(user, of.model).in_bulk({pk for p in pairs for pk in (p.first, p.second)})
    held: dict[uuid.UUID, set[uuid.UUID]] = {}
    told: dict[uuid.UUID, list[Alike]] = {}
    for pair in pairs:
        reasons = [how.reasons[code] for code in pair.reasons if code in how.reasons]
        if pair.first not in records or pair.second not in records or all(hidden & {*r.fields} for r in reasons):
            continue
        one, other = held.setdefault(pair.first, {pair.first}), held.setdefault(pair.second, {pair.second})
        if len(one | other) <= TOGETHER:
            one |= other
            for pk in other:
                held[pk] = one
            told.setdefault(pair.first, []).append(pair)
    found, seen = [], set()
    for members in held.values():
        if id(members) in seen or len(members) < 2:
            continue
        seen.add(id(members))
        why = [pair for pk in members for pair in told.get(pk, [])]
        codes = dict.fromkeys(code for pair in why for code in pair.reasons)
        shown = [how.reasons[c] for c in codes if c in how.reasons and not hidden & {*how.reasons[c].fields}]
        found.append(Group(_fullest_first(of, [records[pk] for pk in members]), max(p.score for p in why), shown))
    return sorted(found, key=lambda group: -group.score)


def _fullest_first(of: Entity, records: list[Any]) -> list[Any]:
    """Return the record with most values first, of equals the oldest."""
    columns = [f.source for f in of.own_fields.values() if f.writable and hasattr(of.model, f.source)]

    def filled(obj: Any) -> int:
        return sum(obj.__dict__.get(f"{c}_id", obj.__dict__.get(c)) not in (None, "", {}, []) for c in columns)

    return sorted(records, key=lambda obj: (-filled(obj), obj.created_at, obj.pk))


def merge_group(group: Group, actor: Any) -> None:
    """Make one record of a group: the fullest one, filled from the others."""
    merge_records(survivor=group.records[0], others=group.records[1:], actor=actor)

