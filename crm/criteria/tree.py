"""The tree: one grammar, checked before anything is stored and again before anything is run.

    {"version": 1, "all": [
        {"field": "status", "op": "is", "value": "LEAD"},
        {"any": [...]}, {"not": {...}},
        {"related": "deals", "where": {...}},
        {"related": "deals", "count": {"op": "at_least", "value": 3}, "where": {...}},
        {"related": "deals", "sum": "value", "op": "gt", "value": "1000", "where": {...}}]}
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM
from crm.criteria import values
from crm.criteria.operators import COUNTS, MEASURES, operator
from crm.criteria.vocabulary import Askable, Type, Vocabulary, vocabulary_of
from crm.lib.errors import Detail, Invalid

VERSION = 1
MAX_DEPTH = 10
MAX_CLAUSES = 200
MAX_COUNT = 1_000_000

_upgrades: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def upgrades(version: int) -> Callable[[Callable[[dict[str, Any]], dict[str, Any]]], Callable[..., Any]]:
    """Register how a stored tree of ``version`` becomes one of the next version."""

    def register(function: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., Any]:
        _upgrades[version] = function
        return function

    return register


@dataclass(frozen=True)
class Asking:
    """Who asks, about which model, and where in the tree."""

    model: type[models.Model]
    viewer: Any
    trusted: bool = False
    """A rule of the administrators (a permission's condition): ``viewer`` is only whom “me” means."""
    path: str = ""
    depth: int = 1
    known: dict[type[models.Model], Vocabulary] = field(default_factory=dict, compare=False, repr=False)

    @property
    def reader(self) -> Any:
        """Return with whose eyes related records are looked at."""
        return SYSTEM if self.trusted else self.viewer

    def vocabulary(self) -> Vocabulary:
        """Return what may be asked here."""
        if self.model not in self.known:
            self.known[self.model] = vocabulary_of(self.model, None if self.trusted else self.viewer)
        return self.known[self.model]

    def at(self, *parts: Any, **changes: Any) -> "Asking":
        """Return the place of a part of the tree."""
        return replace(self, path=".".join([p for p in (self.path, *(str(p) for p in parts)) if p]), **changes)


def refuse(where: Asking, message: str, *parts: Any) -> Invalid:
    """Return the refusal of one place in the tree."""
    path = where.at(*parts).path
    return Invalid(f"{path}: {message}" if path else message, details=[Detail(path, message)])


def validate(
    tree: Any, model: type[models.Model], viewer: Any, *, trusted: bool = False, path: str = ""
) -> dict[str, Any]:
    """Return the tree in its canonical form, or raise ``Invalid`` with the path of what is wrong."""
    asking = Asking(model, viewer, trusted, path)
    if not isinstance(tree, dict):
        raise refuse(asking, _("An object is expected."))
    tree = dict(tree)
    version = tree.pop("version", VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= VERSION:
        raise refuse(asking, _("Unknown version."), "version")
    while version < VERSION:
        if version not in _upgrades:
            raise refuse(asking, _("Unknown version."), "version")
        tree = _upgrades[version](tree)
        version += 1
    return {"version": VERSION, **_node(tree, asking, [0])}


def _node(node: Any, asking: Asking, count: list[int]) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise refuse(asking, _("An object is expected."))
    if asking.depth > MAX_DEPTH:
        raise refuse(asking, _("Nested more than %(limit)d levels deep.") % {"limit": MAX_DEPTH})
    kinds = [k for k in ("all", "any", "not", "related", "field") if k in node]
    if len(kinds) != 1:
        raise refuse(asking, _("Exactly one of “all”, “any”, “not”, “related” and “field” is expected."))
    kind = kinds[0]
    if kind in ("all", "any"):
        _known(node, asking, kind)
        return {kind: _group(node[kind], asking.at(kind, depth=asking.depth + 1), count)}
    if kind == "not":
        _known(node, asking, "not")
        return {"not": _node(node["not"], asking.at("not", depth=asking.depth + 1), count)}
    count[0] += 1
    if count[0] > MAX_CLAUSES:
        raise refuse(asking, _("At most %(limit)d conditions.") % {"limit": MAX_CLAUSES})
    return _related(node, asking, count) if kind == "related" else _clause(node, asking, count)


def _group(items: Any, asking: Asking, count: list[int]) -> list[dict[str, Any]]:
    if not isinstance(items, list):
        raise refuse(asking, _("A list is expected."))
    if not items:
        raise refuse(asking, _("An empty group is not allowed."))
    return [_node(item, asking.at(i), count) for i, item in enumerate(items)]


def _known(node: dict[str, Any], asking: Asking, *names: str) -> None:
    unknown = sorted(str(k) for k in node.keys() - set(names))
    if unknown:
        raise refuse(asking, _("Unknown part."), unknown[0][:60])


def _clause(node: dict[str, Any], asking: Asking, count: list[int]) -> dict[str, Any]:
    _known(node, asking, "field", "op", "value")
    words = asking.vocabulary()
    asked = words.fields.get(node["field"]) if isinstance(node["field"], str) else None
    if asked is None:
        short = _through_link(node, words)
        if short is not None:
            return _related(short, asking, count, shown="field")
        raise refuse(asking, _("Unknown field “%(name)s”.") % {"name": str(node["field"])[:60]}, "field")
    return {"field": asked.name, **_compared(asked, node, asking)}


def _through_link(node: dict[str, Any], words: Vocabulary) -> dict[str, Any] | None:
    """Return ``company.name is …`` written out as a question about the linked record."""
    name = node["field"]
    first, dot, rest = name.partition(".") if isinstance(name, str) else ("", "", "")
    link = words.related.get(first)
    if not dot or not rest or link is None or not link.one:
        return None
    return {"related": first, "where": {**node, "field": rest}}


def _compared(asked: Askable, node: dict[str, Any], asking: Asking) -> dict[str, Any]:
    """Return the checked operator and value of a clause."""
    op = operator(asked.type, node.get("op"))
    if op is None:
        raise refuse(asking, _("Unknown operator “%(name)s” for “%(field)s”.")
                     % {"name": str(node.get("op"))[:60], "field": asked.name}, "op")
    try:
        value = values.check(asked, op.takes, node.get("value"), asking.reader)
    except values.Bad as bad:
        raise refuse(asking, str(bad), "value") from None
    return {"op": op.name} if op.takes == "none" else {"op": op.name, "value": value}


def _related(node: dict[str, Any], asking: Asking, count: list[int], shown: str = "related") -> dict[str, Any]:
    measures = [m for m in MEASURES if m in node]
    _known(node, asking, "related", "where", *(("count",) if not measures else (*measures[:1], "op", "value")))
    name = node["related"]
    related = asking.vocabulary().related.get(name) if isinstance(name, str) else None
    if related is None:
        raise refuse(asking, _("Unknown related records “%(name)s”.") % {"name": str(name)[:60]}, shown)
    made: dict[str, Any] = {"related": related.name}
    inner = asking.at(model=related.model, depth=asking.depth + 1)
    if "count" in node:
        made["count"] = _count(node["count"], asking.at("count"))
    elif measures:
        made.update(_measure(measures[0], node, inner, asking))
    if "where" in node:
        place = asking.at(model=related.model, depth=asking.depth + 1) if shown == "field" else inner.at("where")
        made["where"] = _node(node["where"], place, count)
    return made


def _count(node: Any, asking: Asking) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise refuse(asking, _("An object is expected."))
    _known(node, asking, "op", "value")
    if not isinstance(node.get("op"), str) or not any(o.name == node["op"] for o in COUNTS):
        raise refuse(asking, _("Unknown operator “%(name)s”.") % {"name": str(node.get("op"))[:60]}, "op")
    value = node.get("value")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise refuse(asking, _("A whole number from 0 to %(limit)d is expected.") % {"limit": MAX_COUNT}, "value")
    return {"op": node["op"], "value": value}


def _measure(measure: str, node: dict[str, Any], inner: Asking, asking: Asking) -> dict[str, Any]:
    name = node[measure]
    asked = inner.vocabulary().fields.get(name) if isinstance(name, str) else None
    if asked is None:
        raise refuse(asking, _("Unknown field “%(name)s”.") % {"name": str(name)[:60]}, measure)
    allowed = {Type.NUMBER} if measure in ("sum", "avg") else {Type.NUMBER, Type.DATE, Type.MOMENT}
    if asked.type not in allowed:
        raise refuse(asking, _("“%(name)s” is not a number.") % {"name": asked.name}, measure)
    return {measure: asked.name, **_compared(asked, node, asking)}
