"""What the rows of a list are ordered by, and the rows beyond a row in that order (keyset paging)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.expressions import OrderBy
from django.db.models.lookups import Exact, GreaterThan, IsNull, LessThan

from crm.access.policy import visible_to
from crm.records.entity import Entity, entity
from crm.records.fields import LINKS, Field, Kind
from crm.records.folded import sort_path
from crm.records.representation import sees_all

SHARED = frozenset({Kind.CHOICE, Kind.BOOLEAN, Kind.USER, Kind.LINK})
"""What many rows have in common."""

@dataclass(frozen=True)
class Key:
    """One part of the order: its path, its direction, and whether it may be empty.

    ``masked`` stands in for the path where the viewer does not see every record that it leads to.
    """

    path: str
    down: bool
    nullable: bool
    masked: Any = None

    @property
    def value(self) -> Any:
        """Return the expression that is ordered by and compared with a cursor."""
        return F(self.path) if self.masked is None else self.masked

    def turned(self) -> "Key":
        """Return the key of the opposite direction."""
        return replace(self, down=not self.down)

    def ordering(self, *, reverse: bool = False) -> Any:
        """Return it for ``order_by``: what is empty stands last, or first where the whole order is read backwards."""
        if self.nullable:
            return OrderBy(self.value, descending=self.down, nulls_first=reverse or None, nulls_last=None if reverse else True)
        return OrderBy(self.value, descending=self.down)

    def compared(self, lookup: str, value: Any) -> Q:
        """Return one comparison with it."""
        if self.masked is None:
            return Q(**{f"{self.path}__{lookup}": value})
        compare: Any = {"lt": LessThan, "gt": GreaterThan, "exact": Exact, "isnull": IsNull}[lookup]
        return Q(compare(self.masked, value))


def keys_for(of: Entity, f: Field, user: Any, *, down: bool) -> list[Key]:
    """Return how rows stand by a stored field: by two keys where it links to records that may share a title."""
    path = sort_path(of, f)
    masked = _masked(of, f, user, path)
    found = [Key(path, down, masked is not None or nullable(of.model, path), masked)]
    if f.kind in LINKS and masked is None and path != f.source:
        found.append(Key(f"{f.source}_id", down, nullable(of.model, f.source)))
    return found


def in_order(of: Entity, named: Sequence[tuple[Field, bool]], made: Callable[[Field, bool], list[Key]], *, down: bool) -> list[Key]:
    """Return the keys of fields (each with whether it goes down) as ``made`` gives them, with the id at the end.

    A single field that many rows share is followed by what the list goes by that nobody has ordered; ``down`` is the
    direction of the id where there is no field.
    """
    fields = [*named]
    if len(fields) == 1 and fields[0][0].kind in SHARED:
        usual = ((of.own_fields.get(word.removeprefix("-")), word.startswith("-")) for word in of.sort)
        fields += [(f, falls) for f, falls in usual if f is not None]
    found: list[Key] = []
    for f, falls in fields:
        keys = made(f, falls)
        if keys and keys[0].path not in [k.path for k in found]:
            # Two companies of one name are two groups, where they come first.
            found += keys if not found else keys[:1]
    if not any(k.path == "id" for k in found):
        found.append(Key("id", found[-1].down if found else down, False))
    return found


def _masked(of: Entity, f: Field, user: Any, path: str) -> Any:
    """Return what a link sorts by for those who do not see all it may lead to: nothing for what they do not see.

    Neither the order of the rows nor a cursor then tells the name of a hidden record.
    """
    if f.kind != Kind.LINK or path == f.source or sees_all(user, entity(f.link)):
        return None
    seen = visible_to(user, entity(f.link).model).filter(pk=OuterRef(f"{f.source}_id"))
    return Subquery(seen.order_by().values(path.removeprefix(f"{f.source}__"))[:1])


def nullable(model: Any, path: str) -> bool:
    """Tell whether an ORM path may lead to nothing."""
    for part in path.split("__"):
        field: Any = model._meta.get_field(part)
        if field.null:
            return True
        if field.related_model is None:
            break  # what follows is made of the value: “email__lower”
        model = field.related_model
    return False


def beyond(keys: Sequence[Key], values: Sequence[Any], *, reverse: bool = False) -> Q:
    """Return the clause for rows beyond a row; empty values stand last (first when reversed)."""
    clause, same = Q(pk__in=[]), Q()
    for key, value in zip(keys, values, strict=True):
        further = key.compared("lt" if key.down else "gt", value) if value is not None else None
        if key.nullable:
            if value is None:
                further = key.compared("isnull", False) if reverse else None
            elif not reverse:
                further = (further or Q()) | key.compared("isnull", True)
        if further is not None:
            clause |= same & further
        same &= key.compared("exact", value) if value is not None else key.compared("isnull", True)
    first = keys[0]
    if first.nullable or first.masked is not None:
        return clause
    # What the rest implies, said so that an index begins there and not at its end.
    return Q(**{f"{first.path}__{'lte' if first.down else 'gte'}": values[0]}) & clause
