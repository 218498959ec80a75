"""From a checked tree to one ``WHERE``: conditions on columns, ``EXISTS`` for everything related.

Nothing is joined, so no row comes twice. Emptiness is settled here once: what is empty (NULL, a missing custom
value, an empty text) *is not* anything, *contains* nothing, and is neither before nor after any day; every
negative operator is the exact opposite of its positive one, so it includes the empty.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import structlog
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value, lookups
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from crm.access.policy import NOTHING, compiles_conditions, visible_to
from crm.access.rights import rights_of
from crm.criteria import dates, values
from crm.criteria.operators import MEASURES
from crm.criteria.sql import AsDay, AsMoment, AsNumber, Truth
from crm.criteria.tree import Asking, validate
from crm.criteria.vocabulary import Askable, Related, Type
from crm.lib.errors import Invalid
from crm.lib.models import Fold

log = structlog.get_logger(__name__)
NEGATIVE = {"is_not": "is", "is_none_of": "is_any_of", "not_contains": "contains", "has_none": "has_any",
            "is_not_empty": "is_empty"}
_AGGREGATES: dict[str, Any] = {"sum": models.Sum, "avg": models.Avg, "min": models.Min, "max": models.Max}
_BY_COUNT: dict[str, Any] = {
    "at_least": lookups.GreaterThanOrEqual, "at_most": lookups.LessThanOrEqual, "exactly": lookups.Exact,
    "more_than": lookups.GreaterThan, "fewer_than": lookups.LessThan,
}


def compile_criteria(tree: Any, model: type[models.Model], viewer: Any, *, trusted: bool = False) -> Q:
    """Return the ``WHERE`` of a tree for ``viewer``; it is checked first, whoever stored it."""
    checked = validate(tree, model, viewer, trusted=trusted)
    checked.pop("version")
    return _node(checked, Asking(model, viewer, trusted))


def matches(obj: models.Model, tree: Any, viewer: Any, *, trusted: bool = False) -> bool:
    """Tell whether one stored record fulfils a tree, by the same SQL that lists use."""
    model = type(obj)
    rows = model._base_manager.filter(pk=obj.pk)
    return rows.filter(compile_criteria(tree, model, viewer, trusted=trusted)).exists()


def _condition(model: type[models.Model], tree: dict[str, Any], user: Any) -> Q:
    """Compile a permission's condition (A15): the administrator's rule, in which “me” is the user.

    What can no longer be read (its field or the record that it names is gone) lets nothing through.
    """
    try:
        return compile_criteria(tree, model, user, trusted=True)
    except Invalid as error:
        log.warning("access.condition_unreadable", model=model._meta.label, reason=error.message)
        return NOTHING


compiles_conditions(_condition)


def _not(condition: Q) -> Q:
    return ~Q(Truth(condition))


def _node(node: dict[str, Any], asking: Asking) -> Q:
    if "all" in node:
        found = Q()
        for item in node["all"]:
            found &= _node(item, asking)
        return found
    if "any" in node:
        found = _node(node["any"][0], asking)
        for item in node["any"][1:]:
            found |= _node(item, asking)
        return found
    if "not" in node:
        return _not(_node(node["not"], asking))
    if "related" in node:
        return _related(node, asking)
    asked = asking.vocabulary().fields[node["field"]]
    return _clause(asked, node["op"], node.get("value"), asking)


def _clause(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    if op in NEGATIVE:
        return _not(_clause(asked, NEGATIVE[op], value, asking))
    if op == "is_empty":
        return _empty(asked, asking)
    compiled: Q = _COMPILE[asked.type](asked, op, value, asking)
    return compiled


# -- sources ----------------------------------------------------------------------------------------


def _raw(asked: Askable, asking: Asking) -> Any:
    """Return the expression of a value as it is stored."""
    if asked.expression is not None:
        return asked.expression(asking.viewer)
    return KeyTextTransform(asked.json, "custom") if asked.json else F(asked.path)


def _source(asked: Askable, asking: Asking) -> Any:
    """Return the expression of a value as it is compared."""
    raw = _raw(asked, asking)
    if asked.type == Type.TEXT:
        return raw if asked.folded else Fold(raw)
    reading = {Type.NUMBER: AsNumber, Type.DATE: AsDay, Type.MOMENT: AsMoment}.get(asked.type)
    return reading(raw) if asked.json and reading else raw


def _empty(asked: Askable, asking: Asking) -> Q:
    if asked.type == Type.TAGS:
        return ~Q(Exists(_through(asked, asking)))
    raw = _raw(asked, asking)
    if asked.json:
        text = Coalesce(raw, Value(""), output_field=models.TextField())
        return Q(lookups.In(text, ["", "[]"]))
    if asked.type in (Type.TEXT, Type.CHOICE):
        text = Coalesce(Cast(raw, models.TextField()), Value(""), output_field=models.TextField())
        return Q(lookups.Exact(text, Value("")))
    return Q(lookups.IsNull(raw, True))


# -- one type after the other -----------------------------------------------------------------------


def _text(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    if op == "is_any_of":
        found = _text(asked, "is", value[0], asking)
        for item in value[1:]:
            found |= _text(asked, "is", item, asking)
        return found
    lookup = {"is": lookups.Exact, "contains": lookups.Contains, "starts_with": lookups.StartsWith,
              "ends_with": lookups.EndsWith}[op]
    found = Q(lookup(_source(asked, asking), Fold(Value(value))))
    if asked.narrow and len(value) >= 3:
        # The same text stands in an indexed column too: the index finds the few rows to look at.
        found &= Q(lookups.Contains(F(asked.narrow), Fold(Value(value))))
    return found


def _number(asked: Askable, op: str, value: Any, asking: Asking, source: Any = None) -> Q:
    source = _source(asked, asking) if source is None else source
    ready = values.ready(asked, value)
    if op == "is_any_of":
        return Q(lookups.In(source, ready))
    if op == "between":
        return Q(lookups.GreaterThanOrEqual(source, ready[0])) & Q(lookups.LessThanOrEqual(source, ready[1]))
    lookup = {"is": lookups.Exact, "lt": lookups.LessThan, "lte": lookups.LessThanOrEqual,
              "gt": lookups.GreaterThan, "gte": lookups.GreaterThanOrEqual}[op]
    return Q(lookup(source, ready))


def _temporal(asked: Askable, op: str, value: Any, asking: Asking, source: Any = None) -> Q:
    source = _source(asked, asking) if source is None else source
    zone = dates.zone_of(asking.viewer)
    is_day = asked.type == Type.DATE

    def stored(limit: dt.date) -> Any:
        if not asked.json:
            return limit
        text = limit.isoformat()
        return Value(text if is_day else text.removesuffix("+00:00"))

    def at_least(limit: dt.date) -> Q:
        return Q(lookups.GreaterThanOrEqual(source, stored(limit)))

    def below(limit: dt.date) -> Q:
        return Q(lookups.LessThan(source, stored(limit)))

    if op in ("older_than", "newer_than"):
        moment = dates.age_limit(value, zone)
        limit = moment.astimezone(zone).date() if is_day else moment
        return below(limit) if op == "older_than" else at_least(limit)
    span = dates.days_of if is_day else dates.moments_of
    ready = values.ready(asked, value)
    if op == "between":
        return at_least(span(ready[0], zone)[0]) & below(span(ready[1], zone)[1])
    start, end = span(ready, zone)
    if op in ("before", "lt"):
        return below(start)
    if op in ("on_or_before", "lte"):
        return below(end)
    if op in ("after", "gt"):
        return at_least(end)
    if op in ("on_or_after", "gte"):
        return at_least(start)
    return at_least(start) & below(end)


def _boolean(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    if asked.json:
        return Q(custom__contains={asked.json: value})
    return Q(lookups.Exact(_raw(asked, asking), value))


def _choice(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    return _one_of(asked, value if isinstance(value, list) else [value], asking)


def _one_of(asked: Askable, keys: list[Any], asking: Asking) -> Q:
    if not keys:
        return NOTHING
    if asked.json:
        found = Q(custom__contains={asked.json: str(keys[0])})
        for key in keys[1:]:
            found |= Q(custom__contains={asked.json: str(key)})
        return found
    if asked.path:
        return Q(**{asked.path: keys[0]}) if len(keys) == 1 else Q(**{f"{asked.path}__in": keys})
    return Q(lookups.In(_raw(asked, asking), keys))


def _choices(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    found = Q(custom__contains={asked.json: [value[0]]})
    for item in value[1:]:
        one = Q(custom__contains={asked.json: [item]})
        found = found & one if op == "has_all" else found | one
    return found


def _tags(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    keys = [_keys(asked, item, asking) for item in value]
    column = asking.model._meta.get_field(asked.path).m2m_reverse_field_name()  # type: ignore[union-attr]

    def some(of: list[Any]) -> Q:
        return Q(Exists(_through(asked, asking).filter(**{f"{column}__in": of})))

    if op == "has_any":
        return some([key for found in keys for key in found])
    every = Q()
    for found in keys:
        every &= some(found)
    return every


def _through(asked: Askable, asking: Asking) -> Any:
    """Return the rows that tie tags to the asked record."""
    field: Any = asking.model._meta.get_field(asked.path)
    return field.remote_field.through._default_manager.filter(**{field.m2m_field_name(): OuterRef("pk")})


def _link(asked: Askable, op: str, value: Any, asking: Asking) -> Q:
    if op in ("in_my_team", "in_my_tree"):
        scope = op.removeprefix("in_my_")
        return _one_of(asked, rights_of(asking.viewer).owners(scope) if _is_someone(asking) else [], asking)
    if op == "is_me":
        value = "me"
    keys = [key for item in (value if isinstance(value, list) else [value]) for key in _keys(asked, item, asking)]
    return _one_of(asked, keys, asking)


def _keys(asked: Askable, value: Any, asking: Asking) -> list[Any]:
    if asked.type == Type.USER and value == "me":
        return [asking.viewer.pk] if _is_someone(asking) else []
    assert asked.resolve is not None
    return asked.resolve(asking.reader, value)


def _is_someone(asking: Asking) -> bool:
    return getattr(asking.viewer, "pk", None) is not None


_COMPILE: dict[Type, Any] = {
    Type.TEXT: _text,
    Type.NUMBER: _number,
    Type.DATE: _temporal,
    Type.MOMENT: _temporal,
    Type.BOOLEAN: _boolean,
    Type.CHOICE: _choice,
    Type.CHOICES: _choices,
    Type.TAGS: _tags,
    Type.USER: _link,
    Type.LINK: _link,
}


# -- related records --------------------------------------------------------------------------------


def _related(node: dict[str, Any], asking: Asking) -> Q:
    related = asking.vocabulary().related[node["related"]]
    inner = asking.at(model=related.model)
    rows = _rows(related, inner)
    if "where" in node:
        rows = rows.filter(_node(node["where"], inner))
    if "count" in node:
        op, n = node["count"]["op"], node["count"]["value"]
        if (op, n) in (("at_least", 1), ("more_than", 0)):
            return Q(Exists(rows))
        counted = Coalesce(Subquery(_grouped(rows, Count("pk", distinct=True))), 0)
        return Q(_BY_COUNT[op](counted, n))
    measure = next((m for m in MEASURES if m in node), None)
    if measure is None:
        return Q(Exists(rows))
    asked = inner.vocabulary().fields[node[measure]]
    of = F(asked.total) if asked.total and measure in ("sum", "avg") else _source(asked, inner)
    found: Any = Subquery(_grouped(rows, _AGGREGATES[measure](of)))
    if measure == "sum":
        found = Coalesce(found, Value(Decimal(0)), output_field=models.DecimalField())
    return _measured(asked, node["op"], node.get("value"), inner, found)


def _measured(asked: Askable, op: str, value: Any, inner: Asking, found: Any) -> Q:
    if op in NEGATIVE:
        return _not(_measured(asked, NEGATIVE[op], value, inner, found))
    if op == "is_empty":
        return Q(lookups.IsNull(found, True))
    compare = _number if asked.type == Type.NUMBER else _temporal
    return compare(asked, op, value, inner, found)


def _rows(related: Related, inner: Asking) -> Any:
    """Return the related records of the asked row that the viewer may see."""
    rows = related.model._default_manager.all()
    if not inner.trusted:
        rows = visible_to(inner.viewer, rows)
    return rows.order_by().filter(related.only, **{related.inner: OuterRef(related.outer)})


def _grouped(rows: Any, aggregate: Any) -> Any:
    """Return one row with the aggregate over ``rows``, for use as a subquery (none when there are no rows)."""
    return rows.annotate(_one=Value(1)).values("_one").annotate(_found=aggregate).values("_found")
