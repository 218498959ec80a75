"""Records that look like the same one: each domain says how its own are recognised.

    finds_duplicates("company", Recognition(reasons={…}, compare=alike, around=clauses_for, blocks=(…)))

Two that somebody looked at and found to be different are not offered again. ``alike.py`` keeps what a search over
all records finds.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from crm.access.policy import field_rights, require, visible_to
from crm.activity.intention import relabel, verb
from crm.records.entity import Entity, entity_of
from crm.records.models import Different

SHOWN = 5
MOST = 300


@dataclass(frozen=True)
class Reason:
    """Why two records look alike: its words, and the fields it is made of."""

    label: Any
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Recognition:
    """How the duplicates of an entity's records are recognised."""

    reasons: dict[str, Reason]
    compare: Callable[[Any, Any, frozenset[str]], tuple[float, list[str]] | None]
    """How much two records look alike (0 to 1) and why, without the fields that are hidden; None where they do not."""
    around: Callable[[Any, frozenset[str]], list[Q]]
    """The clauses for those that a record must be compared with, the surest first: of what is merely like it there may be thousands."""
    blocks: tuple[Any, ...]
    """Expressions of which two records must share one to be compared at all, when all are searched."""
    columns: tuple[str, ...]
    """What of the records is compared."""


@dataclass(frozen=True)
class Likeness:
    """A record that looks like another, how much (0 to 1), and why."""

    obj: Any
    score: float
    reasons: tuple[Reason, ...]

    @property
    def words(self) -> list[str]:
        """Return why, in words."""
        return [str(reason.label) for reason in self.reasons]

    @property
    def percent(self) -> int:
        """Return how sure it is, of a hundred."""
        return round(self.score * 100)


_RECOGNITIONS: dict[str, Recognition] = {}


def finds_duplicates(entity: str, how: Recognition) -> None:
    """Register how the duplicates of an entity's records are recognised."""
    _RECOGNITIONS[entity] = how


def recognition(of: Entity) -> Recognition | None:
    """Return how duplicates of an entity are recognised; None where they are not."""
    return _RECOGNITIONS.get(of.name)


def kinds() -> list[str]:
    """Return the entities whose duplicates can be found."""
    return sorted(_RECOGNITIONS)


def duplicates_of(obj: Any, user: Any) -> list[Likeness]:
    """Return the records that look like ``obj``, the likeliest first, without those known to be different."""
    of = entity_of(obj)
    how = recognition(of)
    if how is None:
        return []
    hidden = field_rights(user, of.model).hidden
    found = []
    for other in around(obj, visible_to(user, of.model), how, hidden, MOST):
        alike = how.compare(obj, other, hidden)
        if alike is not None:
            found.append(Likeness(other, alike[0], tuple(how.reasons[code] for code in alike[1])))
    if not found:
        return []
    apart = _apart(of, obj.pk)
    return sorted((one for one in found if one.obj.pk not in apart), key=lambda one: -one.score)[:SHOWN]


def around(obj: Any, rows: QuerySet[Any], how: Recognition, hidden: frozenset[str], most: int) -> list[Any]:
    """Return those of ``rows`` that a record must be compared with, the surest first."""
    found: list[Any] = []
    for clause in how.around(obj, hidden):
        known = [obj.pk, *(other.pk for other in found)]
        found += rows.filter(clause).exclude(pk__in=known)[: most - len(found)]
    return found


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
