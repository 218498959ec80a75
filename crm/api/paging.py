"""Sorting and the two ways of paging: by page number, and by key (stable under writes, fast on any page)."""

import datetime as dt
import math
import time
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import QuerySet, TextField, Value
from django.utils.translation import gettext as _

from crm.access.rights import rights_of
from crm.api.filters import IMPLICIT, expression_of
from crm.api.schema.entities import sortable
from crm.lib.errors import Invalid
from crm.lib.prepared import PreparedTuples, Shelf
from crm.records.entity import Entity
from crm.records.fields import LINKS, Field
from crm.records.keys import Key, in_order, keys_for
from crm.records.representation import target_of, title_readable
from crm.records.sizes import may_be_long
from crm.records.walk import after, groups_of, straight

DEFAULT_LIMIT = 20
MAX_LIMIT = 200
EXACT_UP_TO = 10_000
MAX_OFFSET = 100_000
WALKED_TO = 10_000
"""So many rows are walked past to reach a page by its number."""
MAX_SORTS = 10
_SALT = "crm.api.cursor"


class Order:
    """The order of a list, the same as its page has; the id comes last, so that it is total, and what is empty before it."""

    def __init__(self, of: Entity, user: Any, asked: str | None) -> None:
        words = [w.strip() for w in asked.split(",")] if asked is not None else list(of.sort)
        if len(words) > MAX_SORTS:
            raise Invalid.field("sort", _("At most %(limit)d fields.") % {"limit": MAX_SORTS})
        readable = of.fields_for(user)
        attributes = {f.name for f in of.model._meta.get_fields()}
        named: dict[str, tuple[Field, bool]] = {}
        for word in words:
            name = word.removeprefix("-")
            f = readable.get(name) or (IMPLICIT.get(name) if name in attributes else None)
            if f is None or not sortable(f):
                if asked is None:
                    continue
                raise Invalid.field("sort", _("Cannot sort by “%(name)s”.") % {"name": name[:80]})
            if name in named:
                raise Invalid.field("sort", _("“%(name)s” is given twice.") % {"name": name[:80]})
            named[name] = (f, word.startswith("-"))
        self.fingerprint = ",".join(f"{'-' if down else ''}{name}" for name, (_f, down) in named.items())

        def made(f: Field, down: bool) -> list[Key]:
            return _keys(of, user, f, down) if f.name in named or f.key in readable else []

        self.keys = in_order(of, list(named.values()), made, down=False)
        first = next(iter(named.values()))[0] if named else None
        self.groups = groups_of(of, first, self.keys)

    @classmethod
    def of_keys(cls, *keys: Key) -> "Order":
        """Return the order by these keys."""
        made = cls.__new__(cls)
        made.keys, made.groups = list(keys), None
        made.fingerprint = ",".join(f"{'-' if k.down else ''}{k.path}" for k in keys)
        return made

    def apply(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return ``queryset`` in this order."""
        return queryset.order_by(*(k.ordering() for k in self.keys))

    @property
    def is_walked(self) -> bool:
        """Tell whether a long list is found part by part in this order: no index holds it as a whole."""
        return self.groups is not None or (self.keys[0].nullable and self.keys[0].masked is None)

    def after(
        self, queryset: QuerySet[Any], values: list[Any] | None, number: int, *, long: bool, backwards: bool = False
    ) -> list[Any]:
        """Return the ids of the rows after the one with these key values (or before it, the nearest first)."""
        if long and self.is_walked:
            return after(queryset, self.keys, values, number, groups=self.groups, reverse=backwards)
        return straight(queryset, self.keys, values, number, reverse=backwards)

    def values(self, model: Any, ids: Iterable[Any]) -> dict[Any, list[Any]]:
        """Return the key values of rows by their ids, also of one that left the list a moment ago."""
        rows = model._base_manager.filter(pk__in=set(ids)).values_list("pk", *(k.value for k in self.keys))
        return {pk: list(values) for pk, *values in rows}


def _keys(of: Entity, user: Any, f: Field, down: bool) -> list[Key]:
    if f.custom or f.computed:
        return [Key(f"_sort_{f.name}", down, True, expression_of(f, user))]
    if f.kind in LINKS and not title_readable(user, target_of(f)):
        return [Key(f.source, down, True, Value(None, output_field=TextField()))]
    return keys_for(of, f, user, down=down)


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


def _ids_of(queryset: QuerySet[Any], order: Order, key: Hashable, start: int, end: int, *, long: bool) -> list[Any]:
    """Return the ids of a page; the first pages of a list that nothing narrows are asked in a prepared statement."""
    if long and order.is_walked and end <= WALKED_TO:
        return order.after(queryset, None, end, long=True)[start:]

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
            rows = shown.by_id(_ids_of(queryset, order, key, offset, offset + limit, long=estimated))
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
    long = order.is_walked and may_be_long(queryset.model) and total_of(queryset, _key_of(request))[1]
    here = order.after(queryset, values, limit + 1, long=long, backwards=backwards)
    more = len(here) > limit
    here = here[:limit]
    if backwards:
        here.reverse()
    rows = shown.by_id(here)
    places = order.values(queryset.model, (here[0], here[-1])) if here else {}
    following = _write_cursor(order, places[here[-1]], False) if here and here[-1] in places and (more or backwards) else None
    preceding = _write_cursor(order, places[here[0]], True) if here and here[0] in places and token and (more or not backwards) else None
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
