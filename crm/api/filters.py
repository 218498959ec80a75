"""Flat filters of a list: ``status=LEAD``, ``score__gte=50``, ``tags=vip``, ``company__name__icontains=acme``.

Only declared fields that the caller may read can be asked about, each with the look-ups of its kind. A link
leads on to the fields of its target, among the records that the caller may see.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db.models import BooleanField, DateField, DateTimeField, DecimalField, F, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Lower
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.api.schema.entities import LOOKUPS_BY_KIND, MAX_TAG, family_of, filterable
from crm.lib.errors import Invalid
from crm.records.entity import Entity
from crm.records.fields import NUMERIC, Field, Kind
from crm.records.models import Tag
from crm.records.representation import target_of, title_expression
from crm.records.services.values import Bad, to_python

MAX_DEPTH = 3
_BLANK_OFFSET = re.compile(r" ([0-9]{2}:?[0-9]{2})$")
MAX_VALUES = 200
MAX_LENGTH = 300
MAX_LIST_LENGTH = 10_000
# What every record can be asked about, declared or not.
IMPLICIT = {
    "id": Field("id", Kind.TEXT, _("Id"), extra={"format": "uuid"}),
    "version": Field("version", Kind.INTEGER, _("Version")),
    "created_at": Field("created_at", Kind.DATETIME, _("Created")),
    "updated_at": Field("updated_at", Kind.DATETIME, _("Last changed")),
}


def apply_filter(of: Entity, user: Any, queryset: QuerySet[Any], key: str, value: str) -> QuerySet[Any]:
    """Return ``queryset`` narrowed by one parameter; an unknown name or value is ``Invalid`` and names it."""
    return _apply(of, user, queryset, key, value, key, 0)


def _apply(of: Entity, user: Any, queryset: Any, key: str, value: str, named: str, depth: int) -> Any:
    f, rest = _split(of, user, key)
    if f is None:
        raise Invalid.field(named[:80], _("Unknown filter “%(name)s”.") % {"name": named[:80]})
    lookups = LOOKUPS_BY_KIND[family_of(f)]
    if rest not in lookups:
        if f.kind in (Kind.LINK, Kind.USER) and not f.custom and depth < MAX_DEPTH and rest:
            target = target_of(f)
            inner = _apply(target, user, visible_to(user, target.model), rest, value, named, depth + 1)
            return queryset.filter(**{f"{f.source}__in": inner.order_by().values("pk")})
        raise Invalid.field(named[:80], _("Unknown filter “%(name)s”.") % {"name": named[:80]})
    try:
        if rest == "isnull":
            condition = _is_empty(of, f)
            return queryset.filter(condition) if _truth(value) else queryset.exclude(condition)
        if rest == "in":
            if len(value) > MAX_LIST_LENGTH:
                raise Bad(_("At most %(limit)d characters.") % {"limit": MAX_LIST_LENGTH})
            return _among(of, f, user, queryset, [v.strip() for v in value.split(",") if v.strip()])
        if rest == "ne":
            return queryset.exclude(_equals(of, f, user, value))
        if rest == "":
            return queryset.filter(_equals(of, f, user, value))
        return queryset.filter(_compare(of, f, rest, value))
    except Bad as bad:
        raise Invalid.field(named[:80], bad.messages[0]) from None


def _split(of: Entity, user: Any, key: str) -> tuple[Field | None, str]:
    """Return the field that ``key`` begins with, and what follows it."""
    fields = {k: f for k, f in of.fields_for(user).items() if filterable(f)}
    attributes = {f.name for f in of.model._meta.get_fields()}
    fields = {**{k: f for k, f in IMPLICIT.items() if k in attributes}, **fields}
    parts = key.split("__")
    for length in range(len(parts), 0, -1):
        found = fields.get("__".join(parts[:length]))
        if found is not None:
            return found, "__".join(parts[length:])
    return None, ""


def expression_of(f: Field, user: Any = None) -> Any:
    """Return the ORM expression of a field's value, comparable in its type."""
    if f.expression is not None:
        return f.expression(user)
    if not f.custom:
        return F(f.source)
    text = KeyTextTransform(f.name, "custom")
    if f.kind in NUMERIC:
        return Cast(text, DecimalField(max_digits=40, decimal_places=10))
    if f.kind == Kind.DATE:
        return Cast(text, DateField())
    if f.kind == Kind.DATETIME:
        return Cast(text, DateTimeField())
    if f.kind == Kind.BOOLEAN:
        return Cast(text, BooleanField())
    return text


def value_of(f: Field, user: Any, text: str) -> Any:
    """Return a parameter's text in the type of the field; raise ``Bad`` for what does not fit."""
    family = family_of(f)
    if family == "key":
        try:
            return uuid.UUID(text)
        except ValueError:
            raise Bad(_("“%(value)s” is not an id.") % {"value": text[:60]}) from None
    if family == "text":
        if len(text) > MAX_LENGTH:
            raise Bad(_("At most %(limit)d characters; this has %(count)d.") % {"limit": MAX_LENGTH, "count": len(text)})
        return text
    if text == "":
        raise Bad(_("A value is expected."))
    if family == "boolean":
        return _truth(text)
    if family == "choice":
        if not any(c.value == text for c in f.options):
            allowed = ", ".join(c.value for c in f.options[:20])
            raise Bad(_("“%(value)s” is not one of: %(allowed)s.") % {"value": text[:60], "allowed": allowed})
        return text
    if f.kind == Kind.DATETIME:
        # A plus that was not encoded in the address arrives as a blank.
        text = _BLANK_OFFSET.sub(r"+\1", text)
    # One may ask beyond what may be stored: nothing is found there, or everything.
    return to_python(replace(f, min_value=None, max_value=None), text)


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Bad(_("true or false is expected."))
    return text.lower() == "true"


def _linked(f: Field, user: Any, text: str) -> Any:
    """Return the id that a link is compared with; ``me`` is the caller, a name is looked up."""
    if f.kind == Kind.USER and text == "me":
        return user.pk
    if not text.strip():
        raise Bad(_("A value is expected."))
    found = to_python(f, text)
    if isinstance(found, uuid.UUID):
        return found
    target = target_of(f)
    named = target.find(visible_to(user, target.model), found)
    if named is None:
        raise Bad(_("There is no %(what)s called “%(value)s”.") % {"what": target.label, "value": text[:60]})
    return named.pk


def _equals(of: Entity, f: Field, user: Any, text: str) -> Q:
    if f.kind in (Kind.LINK, Kind.USER):
        if text == "null":
            return _is_empty(of, f)
        found = _linked(f, user, text)
        return Q(custom__contains={f.name: str(found)}) if f.custom else Q(**{f"{f.source}_id": found})
    if f.kind == Kind.TAGS:
        return _tagged(of, [text])
    if f.kind == Kind.MULTI_CHOICE:
        return Q(custom__contains={f.name: [value_of(f, user, text)]})
    value = value_of(f, user, text)
    if f.custom and family_of(f) in ("text", "choice", "boolean"):
        return Q(custom__contains={f.name: value})
    if f.extra.get("display") == "name":
        return _lookup("exact", title_expression(of), value)
    if f.kind == Kind.EMAIL and not f.custom and value:
        return Q(_Comparison(Lower(f.source), "exact", value.lower()))
    return _lookup("exact", expression_of(f, user), value)


def _compare(of: Entity, f: Field, lookup: str, text: str) -> Q:
    expression = title_expression(of) if f.extra.get("display") == "name" else expression_of(f)
    return _lookup(lookup, expression, value_of(f, None, text))


def _lookup(lookup: str, expression: Any, value: Any) -> Q:
    if isinstance(expression, F):
        return Q(**{f"{expression.name}__{lookup}": value})
    return Q(_Comparison(expression, lookup, value))


def _among(of: Entity, f: Field, user: Any, queryset: Any, words: list[str]) -> Any:
    if not words:
        return queryset.none()
    if len(words) > MAX_VALUES:
        raise Bad(_("At most %(limit)d values.") % {"limit": MAX_VALUES})
    condition = _tagged(of, words) if f.kind == Kind.TAGS else Q()
    if f.kind != Kind.TAGS:
        for word in words:
            condition |= _equals(of, f, user, word)
    return queryset.filter(condition)


def _tagged(of: Entity, words: list[str]) -> Q:
    """Return the clause for records with one of the tags, by name or id."""
    which = Q()
    for word in words:
        if not 0 < len(word) <= MAX_TAG:
            raise Bad(_("A tag has 1 to 60 characters."))
        try:
            which |= Q(pk=uuid.UUID(word))
        except ValueError:
            which |= Q(name__iexact=word)
    through = of.model.tags.through  # type: ignore[attr-defined]
    column = next(g.name for g in through._meta.get_fields() if getattr(g, "related_model", None) is of.model)
    return Q(pk__in=through._default_manager.filter(tag__in=Tag.objects.filter(which)).values(f"{column}_id"))


def _is_empty(of: Entity, f: Field) -> Q:
    if f.custom:
        return ~Q(custom__has_key=f.name)
    if f.kind == Kind.TAGS:
        return Q(tags__isnull=True)
    condition = Q(**{f"{f.source}__isnull": True})
    if family_of(f) == "text":
        condition |= Q(**{f.source: ""})
    return condition


class _Comparison:
    """A look-up on an expression that is not a column, to be put into a ``Q``."""

    conditional = True

    def __init__(self, expression: Any, lookup: str, value: Any) -> None:
        self.expression, self.lookup, self.value = expression, lookup, value

    def resolve_expression(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the look-up, resolved against the query."""
        resolved = self.expression.resolve_expression(query, *args, **kwargs)
        made: Callable[..., Any] = resolved.output_field.get_lookup(self.lookup)
        return made(resolved, self.value)
