"""The operators of each type, what value each takes, and its words."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.criteria.vocabulary import Askable, Type


@dataclass(frozen=True)
class Operator:
    """One operator: its stored name, its words, and what it takes: ``one``, ``many``, ``two``, ``age`` or ``none``."""

    name: str
    label: Any
    takes: str = "one"


_IS = Operator("is", _("is"))
_IS_NOT = Operator("is_not", _("is not"))
_ANY_OF = Operator("is_any_of", _("is any of"), "many")
_NONE_OF = Operator("is_none_of", _("is none of"), "many")
_EMPTY = Operator("is_empty", _("is empty"), "none")
_NOT_EMPTY = Operator("is_not_empty", _("is not empty"), "none")
_BETWEEN = Operator("between", _("is between"), "two")
_SAME = (_IS, _IS_NOT, _ANY_OF, _NONE_OF)
_EMPTINESS = (_EMPTY, _NOT_EMPTY)
_SETS = (
    Operator("has_any", _("has any of"), "many"),
    Operator("has_all", _("has all of"), "many"),
    Operator("has_none", _("has none of"), "many"),
)
_TEMPORAL = (
    Operator("on", _("is on")),
    Operator("in", _("is in")),
    Operator("before", _("is before")),
    Operator("after", _("is after")),
    Operator("on_or_before", _("is on or before")),
    Operator("on_or_after", _("is on or after")),
    _BETWEEN,
    Operator("older_than", _("is older than"), "age"),
    Operator("newer_than", _("is newer than"), "age"),
    _IS,
    _IS_NOT,
    Operator("lt", _("is before")),
    Operator("lte", _("is on or before")),
    Operator("gt", _("is after")),
    Operator("gte", _("is on or after")),
    *_EMPTINESS,
)

OPERATORS: dict[Type, tuple[Operator, ...]] = {
    Type.TEXT: (
        Operator("contains", _("contains")),
        Operator("not_contains", _("does not contain")),
        *_SAME,
        Operator("starts_with", _("starts with")),
        Operator("ends_with", _("ends with")),
        *_EMPTINESS,
    ),
    Type.NUMBER: (
        *_SAME,
        Operator("lt", _("is less than")),
        Operator("lte", _("is at most")),
        Operator("gt", _("is more than")),
        Operator("gte", _("is at least")),
        _BETWEEN,
        *_EMPTINESS,
    ),
    Type.DATE: _TEMPORAL,
    Type.MOMENT: _TEMPORAL,
    Type.BOOLEAN: (_IS, _IS_NOT, *_EMPTINESS),
    Type.CHOICE: (*_SAME, *_EMPTINESS),
    Type.CHOICES: (*_SETS, *_EMPTINESS),
    Type.TAGS: (*_SETS, *_EMPTINESS),
    Type.USER: (
        Operator("is_me", _("is me"), "none"),
        Operator("in_my_team", _("is in my team"), "none"),
        Operator("in_my_tree", _("is in my team or below it"), "none"),
        *_SAME,
        *_EMPTINESS,
    ),
    Type.LINK: (*_SAME, *_EMPTINESS),
}

COUNTS = (
    Operator("at_least", _("at least")),
    Operator("at_most", _("at most")),
    Operator("exactly", _("exactly")),
    Operator("more_than", _("more than")),
    Operator("fewer_than", _("fewer than")),
)
MEASURES = {"sum": _("sum of"), "avg": _("average of"), "min": _("least"), "max": _("greatest")}


def operators_of(asked: Askable | Type) -> tuple[Operator, ...]:
    """Return the operators of a field or of a type, the most useful first."""
    return OPERATORS[asked if isinstance(asked, Type) else asked.type]


def operator(of: Type, name: Any) -> Operator | None:
    """Return the operator of a type by its name; None for an unknown one."""
    return next((o for o in OPERATORS[of] if o.name == name), None) if isinstance(name, str) else None
