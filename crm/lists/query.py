"""The rows of a list: what may be seen, what is asked for, in keyset pages."""

import base64
import datetime as dt
import json
import time
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import OrderBy
from django.db.models.lookups import Exact, GreaterThan, IsNull, LessThan

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.criteria import compile_criteria
from crm.lib.prepared import PreparedMany, Shelf
from crm.lib.text import fold, has_unstorable
from crm.lists.state import ListState
from crm.records.entity import Entity, entity
from crm.records.fields import Field, Kind
from crm.records.folded import folds_only, sort_path
from crm.ui.details import detail_of, told
from crm.ui.values import sees_everything, veil, with_links

PAGE = 50
CAP = 10_000
MANY_FOR = 30.0
"""Seconds for which a list of more than ``CAP`` rows is not counted again."""
_many: dict[tuple[Any, ...], float] = {}
_first_pages: Shelf[PreparedMany[Any]] = Shelf()


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


@dataclass
class Page:
    """One page of rows, and the cursor of the next."""

    rows: list[Any]
    next: str


def matching(state: ListState) -> QuerySet[Any]:
    """Return every row that the state asks for and its user may see."""
    model: Any = state.entity.model
    rows = visible_to(state.user, model)
    if hasattr(model, "archived_at"):
        rows = rows.filter(archived_at__isnull=not state.archived)
    if state.clauses:
        rows = rows.filter(compile_criteria(state.tree, model, state.user))
    if state.q:
        rows = rows.filter(find(state.entity, state.q, state.fields))
    return rows


def find(of: Entity, words: str, readable: dict[str, Field]) -> Q:
    """Return the clause of “find in view”: every word is in the title or in a text field one may read."""
    clause = Q()
    # The folded column holds several fields: a hit in it must not tell what stands in one that is hidden.
    folded = folds_only(of, readable.values())
    for word in words.split()[:8]:
        if has_unstorable(word):
            return Q(pk__in=[])
        either = Q(search_text__contains=fold(word)) if folded else Q()
        for name in ("email", "phone", *of.title):
            f = readable.get(name) or (of.own_fields.get(name) if name in of.title else None)
            if f is not None and f.kind in (Kind.TEXT, Kind.EMAIL, Kind.PHONE) and _has(of.model, f.source):
                either |= Q(**{f"{f.source}__icontains": word})
        clause &= either
    return clause


def _has(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def keys_of(state: ListState) -> list[Key]:
    """Return the order as ORM paths, ending with the id so that it is total."""
    names = [*([state.group] if state.group in state.fields else []), *state.order]
    found: list[Key] = []
    for name in names:
        # An order by what is hidden would tell it: the rows then stand by what is left.
        f = state.fields.get(name.lstrip("-"))
        if f is None or f.computed or f.kind in (Kind.TAGS, Kind.ADDRESS, Kind.JSON) or f.custom:
            continue
        path = sort_path(state.entity, f)
        if path not in [k.path for k in found]:
            masked = _masked(state, f, path)
            nullable = masked is not None or _nullable(state.entity.model, path)
            found.append(Key(path, name.startswith("-"), nullable, masked))
    down = found[-1].down if found else True
    return [*found, Key("id", down, False)]


def _masked(state: ListState, f: Field, path: str) -> Any:
    """Return what a link sorts by for those who do not see all it may lead to: nothing for what they do not see.

    Neither the order of the rows nor a cursor then tells the name of a hidden record.
    """
    if f.kind != Kind.LINK or path == f.source or sees_everything(state.user, entity(f.link).model):
        return None
    seen = visible_to(state.user, entity(f.link).model).filter(pk=OuterRef(f"{f.source}_id"))
    return Subquery(seen.order_by().values(path.removeprefix(f"{f.source}__"))[:1])


def _nullable(model: Any, path: str) -> bool:
    field: Any = None
    nullable = False
    for part in path.split("__"):
        field = model._meta.get_field(part)
        nullable = nullable or bool(field.null)
        model = field.related_model or model
    return nullable


def page(state: ListState, after: str = "") -> Page:
    """Return the page after a cursor, with everything its columns show."""
    keys = keys_of(state)
    start = _decode(after, len(keys))
    fields = state.shown
    group = state.fields.get(state.group)
    if group is not None and group not in fields:
        fields = [*fields, group]

    def build() -> QuerySet[Any]:
        rows = matching(state).order_by(*(_ordering(k) for k in keys))
        if start is not None:
            rows = rows.filter(_after(keys, start))
        extra = {f"key{i}": k.value for i, k in enumerate(keys[:-1])}
        return drawn(rows.annotate(**extra), state.entity, fields, state.user)[: PAGE + 1]

    fingerprint = rights_of(state.user).fingerprint
    if not fingerprint or start is not None or state.clauses or state.q:
        try:
            found = list(build())
        except (ValidationError, ValueError, TypeError, ArithmeticError):
            if start is None:
                raise
            return Page([], "")
    else:
        # What everybody sees who opens a list: the same statement for the same rights, columns and order.
        shown = (state.entity.name, state.archived, *((k.path, k.down) for k in keys), *(f.key for f in fields))
        found = _first_pages.get((fingerprint, *shown), lambda: PreparedMany(build, ())).all()
    more = len(found) > PAGE
    found = found[:PAGE]
    veil(found, state.entity, state.user, fields)
    last = found[-1] if more else None
    return Page(found, _encode([getattr(last, f"key{i}") for i in range(len(keys) - 1)] + [last.pk]) if last else "")


def some(state: ListState, ids: list[Any]) -> list[Any]:
    """Return the rows of these ids that the user sees, with everything their columns show."""
    found = list(drawn(visible_to(state.user, state.entity.model).filter(pk__in=ids), state.entity, state.shown, state.user))
    veil(found, state.entity, state.user, state.shown)
    return found


def drawn(rows: QuerySet[Any], of: Entity, fields: list[Field], user: Any) -> QuerySet[Any]:
    """Fetch with the rows all that the cells of their columns show."""
    valued = [f for f in fields if not f.computed or detail_of(of, f) is None]
    return with_links(rows.annotate(**told(of, fields, user)), of, valued, user, lean=True)


def neighbours(state: ListState, obj: Any) -> tuple[Any, Any]:
    """Return the ids of the records before and after one, in the order of the list it was opened from."""
    keys = keys_of(state)
    values = matching(state).filter(pk=obj.pk).values_list(*(k.value for k in keys[:-1]), "pk").first()
    if values is None:
        return None, None
    back = [replace(k, down=not k.down) for k in keys]
    found = []
    for order in (back, keys):
        rows = matching(state).filter(_after(order, list(values), reverse=order is back))
        ordering = [(_reversed(k) if order is back else _ordering(k)) for k in order]
        found.append(rows.order_by(*ordering).values_list("pk", flat=True).first())
    return found[0], found[1]


def position(state: ListState, obj: Any) -> int | None:
    """Return the place of a record in its list, counting from one and no further than the cap; None where it is not in it."""
    keys = keys_of(state)
    values = matching(state).filter(pk=obj.pk).values_list(*(k.value for k in keys[:-1]), "pk").first()
    if values is None:
        return None
    back = [replace(k, down=not k.down) for k in keys]
    before = matching(state).filter(_after(back, list(values), reverse=True)).order_by().values("pk")[:CAP].count()
    return int(before) + 1 if before < CAP else None


def ordering(state: ListState) -> list[Any]:
    """Return what the rows of a list are ordered by, for ``order_by``."""
    return [_ordering(key) for key in keys_of(state)]


def _ordering(key: Key) -> Any:
    if key.nullable:
        return OrderBy(key.value, descending=key.down, nulls_last=True)
    return f"-{key.path}" if key.down else key.path


def _reversed(key: Key) -> Any:
    if key.nullable:
        return OrderBy(key.value, descending=key.down, nulls_first=True)
    return _ordering(key)


def _after(keys: list[Key], values: list[Any], *, reverse: bool = False) -> Q:
    """Return the clause for rows beyond a row; empty values stand last (first when reversed)."""
    clause, same = Q(pk__in=[]), Q()
    for key, value in zip(keys, values, strict=True):
        beyond = _is(key, "lt" if key.down else "gt", value) if value is not None else None
        if key.nullable:
            if value is None:
                beyond = _is(key, "isnull", False) if reverse else None
            elif not reverse:
                beyond = (beyond or Q()) | _is(key, "isnull", True)
        if beyond is not None:
            clause |= same & beyond
        same &= _is(key, "exact", value) if value is not None else _is(key, "isnull", True)
    return clause


def _is(key: Key, lookup: str, value: Any) -> Q:
    """Return one comparison of a key."""
    if key.masked is None:
        return Q(**{f"{key.path}__{lookup}": value})
    compare: Any = {"lt": LessThan, "gt": GreaterThan, "exact": Exact, "isnull": IsNull}[lookup]
    return Q(compare(key.masked, value))


def _encode(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([_plain(v) for v in values]).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _decode(text: str, count: int) -> list[Any] | None:
    if not text or len(text) > 4000:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    fits = isinstance(values, list) and len(values) == count and all(v is None or isinstance(v, str | int | bool) for v in values)
    return values if fits and not any(isinstance(v, str) and has_unstorable(v) for v in values) else None


def count(state: ListState) -> int:
    """Return how many rows match, counting no further than one above the cap.

    That there were more than ten thousand a moment ago is believed: such a list says no number.
    """
    fingerprint = rights_of(state.user).fingerprint
    key = (fingerprint, state.entity.name, state.archived, state.q, json.dumps(state.clauses, sort_keys=True, default=str))
    now = time.monotonic()
    if fingerprint and now - _many.get(key, -MANY_FOR) < MANY_FOR:
        return CAP + 1
    found = int(matching(state).order_by().values("pk")[: CAP + 1].count())
    if found > CAP and fingerprint:
        if len(_many) > 1000:
            _many.clear()
        _many[key] = now
    return found


__all__ = ["CAP", "PAGE", "Key", "Page", "count", "find", "keys_of", "matching", "neighbours", "ordering", "page", "position", "some"]
