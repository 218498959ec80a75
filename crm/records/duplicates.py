"""Records that look like the same one: each domain says how its own are recognised.

    @finds_duplicates("company")
    def like(obj, user) -> list[Likeness]: ...

Two that somebody looked at and found to be different are not offered again.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from crm.access.policy import require, visible_to
from crm.activity.intention import relabel, verb
from crm.records.entity import Entity, entity_of
from crm.records.models import Different

SHOWN = 5


@dataclass(frozen=True)
class Likeness:
    """A record that looks like another, how much (0 to 1), and why in words."""

    obj: Any
    score: float
    reasons: tuple[str, ...]


Finder = Callable[[Any, Any], list[Likeness]]
_FINDERS: dict[str, Finder] = {}


def finds_duplicates(entity: str) -> Callable[[Finder], Finder]:
    """Register how the duplicates of an entity's record are found among what a user sees."""

    def register(function: Finder) -> Finder:
        _FINDERS[entity] = function
        return function

    return register


def kinds() -> list[str]:
    """Return the entities whose duplicates can be found."""
    return sorted(_FINDERS)


def duplicates_of(obj: Any, user: Any) -> list[Likeness]:
    """Return the records that look like ``obj``, the likeliest first, without those known to be different."""
    of = entity_of(obj)
    finder = _FINDERS.get(of.name)
    if finder is None:
        return []
    found = finder(obj, user)
    if not found:
        return []
    apart = _apart(of, obj.pk)
    return sorted((one for one in found if one.obj.pk not in apart), key=lambda one: -one.score)[:SHOWN]


@verb
def keep_apart(*, one: Any, other: Any, actor: Any) -> None:
    """Remember that two records are not the same."""
    of = entity_of(one)
    for obj in (one, other):
        require(actor, "merge", obj)
    relabel(str(of.label))
    first, second = sorted((one.pk, other.pk))
    Different.objects.get_or_create(entity=of.name, first=first, second=second, defaults={"said_by": actor})


def _apart(of: Entity, pk: uuid.UUID) -> set[uuid.UUID]:
    rows = Different.objects.filter(Q(first=pk) | Q(second=pk), entity=of.name).values_list("first", "second")
    return {one for pair in rows for one in pair} - {pk}


def seen_like(obj: Any, user: Any, clause: Q, most: int = 300) -> list[Any]:
    """Return the other living records of the same kind that a clause finds and the user sees."""
    model = type(obj)
    return list(visible_to(user, model).filter(clause).exclude(pk=obj.pk)[:most])
