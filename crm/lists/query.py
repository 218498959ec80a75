"""The rows of a list: what may be seen, what is asked for, in keyset pages."""

import base64
import datetime as dt
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.criteria import compile_criteria
from crm.lib.prepared import PreparedMany, Shelf
from crm.lib.text import fold, has_unstorable
from crm.lists.state import ListState
from crm.records import walk
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.folded import folds_only, parts_of_search
from crm.records.keys import Key, beyond, in_order, keys_for
from crm.records.sizes import may_be_long
from crm.records.walk import Groups
from crm.ui.details import detail_of, told
from crm.ui.values import veil, with_links

PAGE = 50
MANY = 10 * PAGE
CAP = 10_000
MANY_FOR = 30.0
"""Seconds for which a list of more than ``CAP`` rows is not counted again."""
_many: dict[tuple[Any, ...], float] = {}
_SOME = uuid.UUID(int=1)
_first_pages: Shelf[PreparedMany[Any]] = Shelf()
_rows: Shelf[PreparedMany[Any]] = Shelf()


@dataclass
class Page:
    """One page of rows, and the cursor of the next."""

    rows: list[Any]
    next: str


def matching(state: ListState, *, many: bool = False) -> QuerySet[Any]:
    """Return every row that the state asks for and its user may see.

    Where they are known to be ``many``, words are looked for in the order of the list and not by their own index.
    """
    model: Any = state.entity.model
    rows = visible_to(state.user, model)
    if hasattr(model, "archived_at"):
        rows = rows.filter(archived_at__isnull=not state.archived)
    if state.clauses:
        rows = rows.filter(compile_criteria(state.tree, model, state.user))
    if state.q:
        rows = rows.filter(find(state.entity, state.q, state.fields, many=many))
    return rows


def find(of: Entity, words: str, readable: dict[str, Field], *, many: bool = False) -> Q:
    """Return the clause of “find in view”: every word is in the title or in a text field one may read."""
    clause = Q()
    # The folded column holds several fields: a hit in it must not tell what stands in one that is hidden.
    folded = folds_only(of, readable.values())
    held = parts_of_search(of) if folded else frozenset()
    for word in words.split()[:8]:
        if has_unstorable(word):
            return Q(pk__in=[])
        either = Q(**{f"search_text{'__unindexed' if many else ''}__contains": fold(word)}) if folded else Q()
        for name in ("email", "phone", *of.title):
            f = readable.get(name) or (of.own_fields.get(name) if name in of.title else None)
            if f is not None and f.source not in held and f.kind in (Kind.TEXT, Kind.EMAIL, Kind.PHONE) and _has(of.model, f.source):
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
    """Return the order as ORM paths, ending with the id so that it is total.

    By what many rows share they stand group by group, each as the list does that nobody has ordered.
    """
    grouped = [state.group] if state.group in state.fields else []
    # An order by what is hidden would tell it: the rows then stand by what is left.
    named = [(f, name.startswith("-")) for name in [*grouped, *state.order] if (f := state.fields.get(name.lstrip("-"))) is not None]

    def made(f: Field, down: bool) -> list[Key]:
        if f.computed or f.custom or f.key not in state.fields or f.kind in (Kind.TAGS, Kind.ADDRESS, Kind.JSON):
            return []
        return keys_for(state.entity, f, state.user, down=down)

    return in_order(state.entity, named, made, down=True)


def groups_of(state: ListState, keys: list[Key]) -> Groups | None:
    """Return how the first key parts the rows into groups that an index finds; nothing where it does not."""
    name = state.group if state.group in state.fields else state.order[0].lstrip("-") if state.order else ""
    return walk.groups_of(state.entity, state.fields.get(name), keys)


def page(state: ListState, after: str = "", size: int = PAGE) -> Page:
    """Return the page after a cursor, with everything its columns show."""
    keys = keys_of(state)
    start = _decode(after, len(keys))
    fields = state.shown
    group = state.fields.get(state.group)
    if group is not None and group not in fields:
        fields = [*fields, group]
    usual = state.group not in state.fields and state.order == state.entity.sort

    def whole() -> QuerySet[Any]:
        rows = matching(state).order_by(*(k.ordering() for k in keys))
        if start is not None:
            rows = rows.filter(beyond(keys, start))
        return drawn(rows.annotate(**_key_values(keys)), state.entity, fields, state.user)[: size + 1]

    try:
        if (not usual or state.q) and _is_long(state):
            ids = walk.after(matching(state, many=True), keys, start, size + 1, groups=groups_of(state, keys))
            by_id = {obj.pk: obj for obj in _by_ids(state, ids, fields, keys)}
            found = [by_id[pk] for pk in ids if pk in by_id]
        elif usual and start is None and not state.clauses and not state.q and rights_of(state.user).fingerprint:
            # What everybody sees who opens a list: the same statement for the same rights, columns and order.
            shown = (state.entity.name, state.archived, *((k.path, k.down) for k in keys), *(f.key for f in fields))
            found = _first_pages.get((rights_of(state.user).fingerprint, *shown), lambda: PreparedMany(whole, ())).all()
        else:
            found = list(whole())
    except (ValidationError, ValueError, TypeError, ArithmeticError):
        if start is None:
            raise
        return Page([], "")
    more = len(found) > size
    found = found[:size]
    veil(found, state.entity, state.user, fields)
    last = found[-1] if more else None
    return Page(found, _encode([getattr(last, f"key{i}") for i in range(len(keys) - 1)] + [last.pk]) if last else "")


def _key_values(keys: list[Key]) -> dict[str, Any]:
    """Return the annotations that a cursor is made of."""
    return {f"key{i}": k.value for i, k in enumerate(keys[:-1])}


def _by_ids(state: ListState, ids: list[Any], fields: list[Field], keys: list[Key]) -> list[Any]:
    """Return the rows of some ids that the user sees, in any order, with everything that columns show and a cursor needs."""

    def build(wanted: Any) -> QuerySet[Any]:
        rows = visible_to(state.user, state.entity.model).filter(pk__among=wanted).order_by().annotate(**_key_values(keys))
        return drawn(rows, state.entity, fields, state.user)

    fingerprint = rights_of(state.user).fingerprint
    shown = (state.entity.name, tuple(k.path for k in keys), *(f.key for f in fields))
    return _rows.get((fingerprint, *shown) if fingerprint else None, lambda: PreparedMany(build, ([_SOME],))).all(ids)


def some(state: ListState, ids: list[uuid.UUID]) -> list[Any]:
    """Return the rows of these ids that the user sees, with everything their columns show."""
    found = _by_ids(state, ids, state.shown, [])
    veil(found, state.entity, state.user, state.shown)
    return found


def drawn(rows: QuerySet[Any], of: Entity, fields: list[Field], user: Any) -> QuerySet[Any]:
    """Fetch with the rows all that the cells of their columns show."""
    valued = [f for f in fields if not f.computed or detail_of(of, f) is None]
    return with_links(rows.annotate(**told(of, fields, user)), of, valued, user, lean=True)


def _is_long(state: ListState) -> bool:
    """Tell whether a list is worth a walk: it has more rows than are counted."""
    return may_be_long(state.entity.model) and count(state) > CAP


def neighbours(state: ListState, obj: Any) -> tuple[Any, Any]:
    """Return the ids of the records before and after one, in the order of the list it was opened from."""
    keys = keys_of(state)
    values = _place(state, keys, obj)
    if values is None:
        return None, None
    groups = groups_of(state, keys) if _is_long(state) else None
    found = [walk.after(matching(state), keys, values, 1, groups=groups, reverse=reverse) for reverse in (True, False)]
    return found[0][0] if found[0] else None, found[1][0] if found[1] else None


def position(state: ListState, obj: Any) -> int | None:
    """Return the place of a record in its list, counting from one and no further than the cap; None where it is not in it."""
    keys = keys_of(state)
    values = _place(state, keys, obj)
    if values is None:
        return None
    groups = groups_of(state, keys) if _is_long(state) else None
    before = len(walk.after(matching(state), keys, values, CAP, groups=groups, reverse=True))
    return before + 1 if before < CAP else None


def _place(state: ListState, keys: list[Key], obj: Any) -> list[Any] | None:
    values = matching(state).filter(pk=obj.pk).values_list(*(k.value for k in keys[:-1]), "pk").first()
    return list(values) if values is not None else None


def ordering(state: ListState) -> list[Any]:
    """Return what the rows of a list are ordered by, for ``order_by``."""
    return [key.ordering() for key in keys_of(state)]


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


__all__ = ["CAP", "MANY", "PAGE", "Page", "count", "find", "keys_of", "matching", "neighbours", "ordering", "page", "position", "some"]
