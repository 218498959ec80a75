"""Sorting and the two ways of paging: by page number, and by key (stable under writes, fast on any page)."""

import datetime as dt
import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from crm.access.rights import rights_of
from crm.api.filters import IMPLICIT, expression_of
from crm.api.schema.entities import sortable
from crm.lib.errors import Invalid
from crm.lib.prepared import PreparedTuples, Shelf
from crm.records.entity import Entity
from crm.records.fields import LINKS, Field, Kind
from crm.records.representation import related_name

DEFAULT_LIMIT = 20
MAX_LIMIT = 200
EXACT_UP_TO = 10_000
MAX_OFFSET = 100_000
MAX_SORTS = 10
_SALT = "crm.api.cursor"


@dataclass(frozen=True)
class Key:
    """One key of an order: the column or expression, its direction, and whether it can be null."""

    name: str
    expression: Any
    descending: bool
    nullable: bool

    @property
    def alias(self) -> str:
        """Return the name under which rows carry the key."""
        return self.expression.name if isinstance(self.expression, F) else f"_sort_{self.name.replace('.', '_')}"


class Order:
    """The order of a list; the id comes last, so that it is total."""

    def __init__(self, of: Entity, user: Any, asked: str | None) -> None:
        words = [w.strip() for w in asked.split(",")] if asked is not None else list(of.sort)
        readable = of.fields_for(user)
        attributes = {f.name for f in of.model._meta.get_fields()}
        self.keys: list[Key] = []
        if len(words) > MAX_SORTS:
            raise Invalid.field("sort", _("At most %(limit)d fields.") % {"limit": MAX_SORTS})
        for word in words:
            name = word.removeprefix("-")
            f = readable.get(name) or (IMPLICIT.get(name) if name in attributes else None)
            if f is None or not sortable(f):
                if asked is None:
                    continue
                raise Invalid.field("sort", _("Cannot sort by “%(name)s”.") % {"name": name[:80]})
            if any(k.name == name for k in self.keys):
                raise Invalid.field("sort", _("“%(name)s” is given twice.") % {"name": name[:80]})
            self.keys.append(_key(of, user, f, name, word.startswith("-")))
        if not any(k.name == "id" for k in self.keys):
            descending = self.keys[-1].descending if self.keys else False
            self.keys.append(Key("id", F("id"), descending, False))
        self.fingerprint = ",".join(f"{'-' if k.descending else ''}{k.name}" for k in self.keys)

    @classmethod
    def of_keys(cls, *keys: Key) -> "Order":
        """Return the order by these keys."""
        made = cls.__new__(cls)
        made.keys = list(keys)
        made.fingerprint = ",".join(f"{'-' if k.descending else ''}{k.name}" for k in keys)
        return made

    def apply(self, queryset: QuerySet[Any], *, backwards: bool = False) -> QuerySet[Any]:
        """Return ``queryset`` in this order, or in the opposite one."""
        computed = {k.alias: k.expression for k in self.keys if not isinstance(k.expression, F)}
        if computed:
            queryset = queryset.annotate(**computed)
        return queryset.order_by(
            *(F(k.alias).desc() if k.descending != backwards else F(k.alias).asc() for k in self.keys)
        )

    def aliases(self) -> list[str]:
        """Return the names under which rows carry the keys."""
        return [k.alias for k in self.keys]

    def after(self, values: list[Any], *, backwards: bool) -> Q:
        """Return the clause for the rows after (or before) the row with these key values.

        PostgreSQL puts nulls last when ascending and first when descending.
        """
        directions = {k.descending for k in self.keys}
        clause = Q(pk__in=[])
        equal = Q()
        for key, value in zip(self.keys, values, strict=True):
            descending = key.descending != backwards
            clause |= equal & _beyond(key, value, descending)
            equal &= Q(**{f"{key.alias}__isnull": True}) if value is None else Q(**{key.alias: value})
        first, value = self.keys[0], values[0]
        if len(self.keys) > 1 and len(directions) == 1 and value is not None:
            # A plain bound on the first key lets the index begin at the right place.
            descending = first.descending != backwards
            bound = Q(**{f"{first.alias}__{'lte' if descending else 'gte'}": value})
            if first.nullable and not descending:
                bound |= Q(**{f"{first.alias}__isnull": True})
            clause = bound & clause
        return clause


def _beyond(key: Key, value: Any, descending: bool) -> Q:
    if value is None:
        return Q(**{f"{key.alias}__isnull": False}) if descending else Q(pk__in=[])
    clause = Q(**{f"{key.alias}__{'lt' if descending else 'gt'}": value})
    if key.nullable and not descending:
        clause |= Q(**{f"{key.alias}__isnull": True})
    return clause


def _key(of: Entity, user: Any, f: Field, name: str, descending: bool) -> Key:
    if f.kind in LINKS:
        return Key(name, related_name(f, user), descending, True)
    if f.custom or f.computed:
        return Key(name, expression_of(f, user), descending, True)
    source = f.source
    # Titles sort by their folded column, which has an index and is the same on every server.
    if f.kind == Kind.TEXT and name == of.title[0] and len(of.title) == 1 and hasattr(of.model, "sort_key"):
        source = "sort_key"
    column = next(c for c in of.model._meta.concrete_fields if source in (c.name, c.attname))
    return Key(name, F(source), descending, column.null)


# -- pages ------------------------------------------------------------------------------------------


def limit_of(params: Any) -> int:
    """Return ``limit``."""
    return number_of(params, "limit", DEFAULT_LIMIT, MAX_LIMIT)


def refuse_both(params: Any) -> None:
    """Refuse a cursor together with another page than the first."""
    if params.get("page", "1") != "1":
        raise Invalid.field("page", _("Use “page” or “cursor”, not both."))


def number_of(params: Any, name: str, default: int, most: int) -> int:
    """Return a whole number from 1 to ``most`` out of the parameters."""
    text = params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise Invalid.field(name, _("A whole number from 1 to %(limit)d is expected.") % {"limit": most})
    return int(text)


ESTIMATE_FOR = 30.0
"""Seconds for which an estimate stands; it changes by less than it may be wrong."""
_estimates: dict[Hashable, tuple[float, int]] = {}


def total_of(queryset: QuerySet[Any], key: Hashable = None) -> tuple[int, bool]:
    """Return how many rows there are, and whether that is the planner's estimate (past 10,000).

    An estimate is kept for a moment under ``key``, which names everything that the rows depend on.
    """
    now = time.monotonic()
    at, known = _estimates.get(key, (-ESTIMATE_FOR, 0)) if key is not None else (-ESTIMATE_FOR, 0)
    if now - at < ESTIMATE_FOR:
        return known, True
    counted = queryset.order_by().values("pk")[: EXACT_UP_TO + 1].count()
    if counted <= EXACT_UP_TO:
        return counted, False
    estimate = max(counted, _estimate(queryset))
    if key is not None:
        if len(_estimates) > 1000:
            _estimates.clear()
        _estimates[key] = (now, estimate)
    return estimate, True


_OF_THE_PAGE = frozenset({"page", "limit", "sort", "fields", "include"})


def _key_of(request: Any) -> Hashable:
    """Return what the rows of a list depend on; None where that cannot be said."""
    fingerprint = rights_of(request.user).fingerprint
    if not fingerprint:
        return None
    return (fingerprint, request.path, *sorted((k, v) for k, v in request.query_params.items() if k not in _OF_THE_PAGE))


_ids: Shelf[PreparedTuples] = Shelf()


def _ids_of(queryset: QuerySet[Any], order: Order, key: Hashable, start: int, end: int) -> list[Any]:
    """Return the ids of a page; the first pages of a list that nothing narrows are asked in a prepared statement."""

    def build() -> QuerySet[Any]:
        return order.apply(queryset)[start:end].values_list("pk")

    plain = isinstance(key, tuple) and len(key) == 2 and end <= MAX_LIMIT
    return [pk for (pk,) in (_ids.get((key, order.fingerprint, start, end), lambda: PreparedTuples(build, ())).ask(()) if plain else build())]


def _estimate(queryset: QuerySet[Any]) -> int:
    plan = queryset.order_by().values("pk").explain(format="json")
    start = plan.find('"Plan Rows": ')
    digits = plan[start + 13 :].split(",")[0].split("}")[0].strip() if start >= 0 else "0"
    return int(digits) if digits.isdigit() else 0


def by_page(
    request: Any, queryset: QuerySet[Any], order: Order, shown: Any, *extra: str
) -> tuple[list[Any], dict[str, Any]]:
    """Return one page and its ``pagination``."""
    limit = limit_of(request.query_params)
    page = number_of(request.query_params, "page", 1, 100_000)
    key = _key_of(request)
    total, estimated = total_of(queryset, key)
    offset = (page - 1) * limit
    if estimated and offset > MAX_OFFSET:
        message = _("Pages end at %(limit)d records; use “cursor” to go further.") % {"limit": MAX_OFFSET}
        raise Invalid.field("page", message)
    rows = []
    if offset < total or estimated:
        if extra:
            rows = shown.rows(order.apply(queryset)[offset : offset + limit], *extra)
        else:
            rows = shown.by_id(_ids_of(queryset, order, key, offset, offset + limit))
    pages = math.ceil(total / limit)
    found: dict[str, Any] = {
        "page": page, "limit": limit, "total": total, "pages": pages,
        "next": address_with(request, page=page + 1) if page < pages else None,
        "previous": address_with(request, page=page - 1) if page > 1 else None,
    }
    if estimated:
        found["total_is_estimate"] = True
    return rows, found


def by_cursor(request: Any, queryset: QuerySet[Any], order: Order, shown: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the rows after (or before) a cursor and their ``pagination``; an empty cursor begins."""
    refuse_both(request.query_params)
    limit = limit_of(request.query_params)
    token = request.query_params["cursor"]
    values, backwards = _read_cursor(token, order) if token else (None, False)
    ordered = order.apply(queryset, backwards=backwards)
    if values is not None:
        ordered = ordered.filter(order.after(values, backwards=backwards))
    here = list(ordered[: limit + 1].values_list("pk", *order.aliases()))
    more = len(here) > limit
    here = here[:limit]
    if backwards:
        here.reverse()
    rows = shown.by_id([pk for pk, *_keys in here])
    following = _write_cursor(order, here[-1][1:], False) if here and (more or backwards) else None
    preceding = _write_cursor(order, here[0][1:], True) if here and token and (more or not backwards) else None
    return rows, {
        "limit": limit, "next_cursor": following, "previous_cursor": preceding,
        "next": address_with(request, cursor=following) if following else None,
        "previous": address_with(request, cursor=preceding) if preceding else None,
    }


def address_with(request: Any, **changed: Any) -> str:
    """Return the address of the request with some parameters changed."""
    kept = {name: value for name, value in request.query_params.items() if name not in changed}
    address: str = request.build_absolute_uri(f"{request.path}?{urlencode({**kept, **changed})}")
    return address


def _write_cursor(order: Order, values: Sequence[Any], backwards: bool) -> str:
    return signing.dumps([order.fingerprint, [_plain(v) for v in values], backwards], salt=_SALT, compress=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) and not isinstance(value, Decimal) else str(value)


def _read_cursor(token: str, order: Order) -> tuple[list[Any], bool]:
    try:
        fingerprint, values, backwards = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise Invalid.field("cursor", _("This cursor is not one of ours.")) from None
    if fingerprint != order.fingerprint or len(values) != len(order.keys):
        raise Invalid.field("cursor", _("This cursor belongs to another sorting.")) from None
    return values, bool(backwards)
