"""The advanced filter: groups of conditions, also about related records, their numbers and sums, as a form.

The tree of ``crm.criteria`` becomes nodes, nodes are drawn as controls whose names begin with the node's path, and
what the form sends becomes nodes again. Nothing is kept between two requests.
"""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.criteria import COUNTS, MEASURES, Related, Vocabulary, unknown_to, validate, vocabulary_of
from crm.criteria.vocabulary import Askable, Type
from crm.lib.errors import Invalid
from crm.lib.text import whole_number
from crm.lists.comparison import Comparison, by_label, operator_named

MAX_NODES = 60
MAX_DEPTH = 6
KINDS = (("all", _("all of these")), ("any", _("any of these")), ("none", _("none of these")), ("not_all", _("not all of these")))
MODES = (
    ("any", _("exist")), ("none", _("do not exist")), ("count", _("in number are")), ("sum", _("sum of")),
    ("avg", _("average of")), ("min", _("least")), ("max", _("greatest")),
)
Tree = dict[str, Any]


@dataclass
class Place:
    """Where a node stands: whose records it asks about, who asks, and its path in the form."""

    model: Any
    viewer: Any
    path: str = "q"
    audience: Any = None
    """Who else must know every word: whoever has the role that a condition is for."""

    @property
    def words(self) -> Vocabulary:
        """Return what may be asked here."""
        return vocabulary_of(self.model, self.viewer)

    @property
    def depth(self) -> int:
        """Return how deep it stands."""
        return self.path.count("-")

    @property
    def choices(self) -> list[Askable]:
        """Return the fields in the order of their words."""
        heard = self.heard.fields
        return by_label(a for a in self.words.fields.values() if a.name in heard)

    @property
    def relations(self) -> list[Related]:
        """Return the related records in the order of their words."""
        heard = self.heard.related
        return by_label(r for r in self.words.related.values() if r.name in heard)

    @property
    def heard(self) -> Vocabulary:
        """Return what may be offered here: of what may be asked, what the audience knows."""
        return self.words if self.audience is None else vocabulary_of(self.model, self.audience)

    def below(self, part: Any, model: Any = None) -> "Place":
        """Return the place of a part of this node."""
        return Place(model or self.model, self.viewer, f"{self.path}-{part}", self.audience)


@dataclass
class Condition:
    """A field, an operator and a value."""

    place: Place
    comparison: Comparison
    problem: str = ""
    kind: str = "clause"

    @property
    def choices(self) -> list[Askable]:
        """Return the fields to choose from, its own among them."""
        return with_own(self.place.choices, self.comparison.asked)

    def tree(self) -> Tree | None:
        """Return its part of the criteria."""
        return {"field": self.comparison.asked.name, **self.comparison.clause()}


@dataclass
class Group:
    """Conditions of which all, any or none hold."""

    place: Place
    mode: str = "all"
    items: list[Any] = field(default_factory=list)
    kind: str = "group"
    problem: str = ""

    @property
    def modes(self) -> Any:
        """Return the ways to join."""
        return KINDS

    @property
    def may_nest(self) -> bool:
        """Tell whether another group fits below."""
        return self.place.depth < MAX_DEPTH

    def tree(self) -> Tree | None:
        """Return its part of the criteria; nothing for an empty group."""
        parts = [tree for item in self.items if (tree := item.tree()) is not None]
        if not parts:
            return None
        inner: Tree = {"all" if self.mode in ("all", "not_all") else "any": parts}
        return inner if self.mode in ("all", "any") else {"not": inner}


@dataclass
class Link:
    """Related records: that there are some, how many, or the sum of a field of theirs."""

    place: Place
    related: Related
    mode: str = "any"
    count_op: str = "at_least"
    count: int | None = 1
    comparison: Comparison | None = None
    where: Group | None = None
    kind: str = "link"
    problem: str = ""

    @property
    def modes(self) -> Any:
        """Return what may be asked about them; a single linked record can only exist or not."""
        return MODES[:2] if self.related.one else [m for m in MODES if m[0] not in MEASURES or measurable(self.inside, m[0])]

    @property
    def relations(self) -> list[Related]:
        """Return the related records to choose from, its own among them."""
        return with_own(self.place.relations, self.related)

    @property
    def counts(self) -> Any:
        """Return the ways to compare a number."""
        return COUNTS

    @property
    def inside(self) -> Place:
        """Return the place of the conditions on the related records."""
        return self.place.below("w", self.related.model)

    @property
    def measured(self) -> list[Askable]:
        """Return the fields that can be summed or compared, its own among them."""
        found = measurable(self.inside, self.mode)
        return with_own(found, self.comparison.asked) if self.comparison is not None else found

    def tree(self) -> Tree | None:
        """Return its part of the criteria."""
        found: Tree = {"related": self.related.name}
        if self.mode == "count":
            found["count"] = {"op": self.count_op, "value": self.count}
        elif self.mode in MEASURES and self.comparison is not None:
            found |= {self.mode: self.comparison.asked.name, **self.comparison.clause()}
        where = self.where.tree() if self.where else None
        if where is not None:
            found["where"] = where
        return {"not": found} if self.mode == "none" else found


def with_own(choices: list[Any], own: Any) -> list[Any]:
    """Return the choices with the one that is chosen, even if it is not offered."""
    return choices if any(c.name == own.name for c in choices) else [own, *choices]


def measurable(place: Place, measure: str) -> list[Askable]:
    """Return the fields of a place that a measure takes."""
    types = {Type.NUMBER} if measure in ("sum", "avg") else {Type.NUMBER, Type.DATE, Type.MOMENT}
    return [a for a in place.choices if a.type in types]


# -- from the criteria ------------------------------------------------------------------------------


def from_clauses(clauses: tuple[Tree, ...], place: Place) -> Group:
    """Return the nodes of a list's filter."""
    if len(clauses) == 1 and ({"any", "not"} & set(clauses[0])):
        found = _node(clauses[0], place)
        if isinstance(found, Group):
            return found
    return Group(place, "all", [_node(c, place.below(i)) for i, c in enumerate(clauses)])


def _node(tree: Tree, place: Place) -> Any:
    if "all" in tree or "any" in tree:
        name = "all" if "all" in tree else "any"
        return Group(place, name, [_node(t, place.below(i)) for i, t in enumerate(tree[name])])
    if "not" in tree:
        inner = tree["not"]
        if "related" in inner and not (set(inner) - {"related", "where"}):
            link = _link(inner, place)
            link.mode = "none"
            return link
        name = "all" if "all" in inner else "any"
        items = inner.get(name, [inner])
        return Group(place, "not_all" if name == "all" else "none", [_node(t, place.below(i)) for i, t in enumerate(items)])
    if "related" in tree:
        return _link(tree, place)
    asked = place.words.fields[tree["field"]]
    return Condition(place, Comparison(asked, operator_named(asked, tree["op"]), tree.get("value"), place.viewer, f"{place.path}."))


def _link(tree: Tree, place: Place) -> Link:
    found = Link(place, place.words.related[tree["related"]])
    if "count" in tree:
        found.mode, found.count_op, found.count = "count", tree["count"]["op"], tree["count"]["value"]
    for measure in MEASURES:
        if measure in tree:
            asked = found.inside.words.fields[tree[measure]]
            op = operator_named(asked, tree["op"])
            found.mode, found.comparison = measure, Comparison(asked, op, tree.get("value"), place.viewer, f"{place.path}.")
    where = tree.get("where")
    if where is None:
        found.where = Group(found.inside)
    elif set(where) & {"all", "any", "not"} and isinstance(node := _node(where, found.inside), Group):
        found.where = node
    else:
        found.where = Group(found.inside, "all", [_node(where, found.inside.below(0))])
    return found


# -- from the form ----------------------------------------------------------------------------------


def from_form(data: QueryDict, place: Place, act: str = "") -> Group:
    """Return the nodes that a form sent, after the act of the button that was pressed (``add:q-0``)."""
    left = [MAX_NODES]
    what, _colon, where = act.partition(":")
    return _read_group(data, place, left, (what, where))


def _read_group(data: QueryDict, place: Place, left: list[int], act: tuple[str, str]) -> Group:
    p = place.path
    mode = data.get(f"{p}.mode", "all")
    found = Group(place, mode if mode in dict(KINDS) else "all")
    for i in range(MAX_NODES):
        kind = data.get(f"{p}-{i}.t", "")
        if not kind or left[0] <= 0 or place.depth > MAX_DEPTH:
            break
        left[0] -= 1
        inner = place.below(i)
        if act == ("remove", inner.path):
            continue
        node = _read_node(kind, data, inner, left, act)
        if node is not None:
            found.items.append(node)
    if act[1] == p and left[0] > 0:
        added = _added(act[0], place.below(len(found.items)))
        if added is not None:
            found.items.append(added)
    for i, item in enumerate(found.items):
        _settle(item, place.below(i))
    return found


def _read_node(kind: str, data: QueryDict, place: Place, left: list[int], act: tuple[str, str]) -> Any:
    if kind == "group":
        return _read_group(data, place, left, act)
    if kind == "link":
        return _read_link(data, place, left, act)
    asked = place.words.fields.get(data.get(f"{place.path}.field", ""))
    return _read_condition(data, place, asked) if asked is not None else None


def _read_condition(data: QueryDict, place: Place, asked: Askable) -> Condition:
    return Condition(place, _read_comparison(data, place, asked))


def _read_comparison(data: QueryDict, place: Place, asked: Askable) -> Comparison:
    p = place.path
    found = Comparison(asked, operator_named(asked, data.get(f"{p}.op")), None, place.viewer, f"{p}.")
    if data.get(f"{p}.was", asked.name) == asked.name:
        found.read(data)
    return found


def _read_link(data: QueryDict, place: Place, left: list[int], act: tuple[str, str]) -> Link | None:
    p = place.path
    related = place.words.related.get(data.get(f"{p}.related", ""))
    if related is None:
        return None
    found = Link(place, related)
    mode = data.get(f"{p}.mode", "any")
    found.mode = mode if mode in dict(found.modes) else "any"
    if found.mode == "count":
        found.count_op = data.get(f"{p}.count_op", "at_least")
        found.count = whole_number(data.get(f"{p}.count", "1")[:9])
    elif found.mode in MEASURES:
        asked = next((a for a in found.measured if a.name == data.get(f"{p}.measure")), found.measured[0])
        found.comparison = _read_comparison(data, place, asked)
    same = data.get(f"{p}.was_related", related.name) == related.name
    found.where = _read_group(data, found.inside, left, act) if same else Group(found.inside)
    return found


def _added(what: str, place: Place) -> Any:
    if what == "add" and place.choices:
        asked = place.choices[0]
        return Condition(place, Comparison(asked, operator_named(asked, ""), None, place.viewer, f"{place.path}."))
    if what == "link" and place.relations:
        found = Link(place, next((r for r in place.relations if not r.one), place.relations[0]))
        found.where = Group(found.inside)
        return found
    return Group(place, "any", [_added("add", place.below(0))]) if what == "group" else None


def _settle(node: Any, place: Place) -> None:
    """Give a node and all below it the paths of where they stand now."""
    node.place.path = place.path
    if getattr(node, "comparison", None) is not None:
        node.comparison.prefix = f"{place.path}."
    if isinstance(node, Link) and node.where is not None:
        node.where.place.path = node.inside.path
        for i, item in enumerate(node.where.items):
            _settle(item, node.where.place.below(i))
    for i, item in enumerate(getattr(node, "items", [])):
        _settle(item, place.below(i))


# -- what it means ----------------------------------------------------------------------------------


def clauses_of(group: Group) -> tuple[Tree, ...]:
    """Return the filter of a list; what does not fit raises ``Invalid``."""
    tree = group.tree()
    if tree is None:
        return ()
    checked = validate({"version": 1, **tree}, group.place.model, group.place.viewer)
    checked.pop("version")
    return tuple(checked["all"]) if "all" in checked else (checked,)


def mark_problems(node: Any) -> bool:
    """Write beside each node what is wrong with it; tell whether anything is."""
    wrong = False
    for item in [*getattr(node, "items", []), *([node.where] if isinstance(node, Link) and node.where else [])]:
        wrong = mark_problems(item) or wrong
    tree = None if isinstance(node, Group) or wrong else node.tree()
    if tree is not None:
        try:
            validate({"version": 1, "all": [tree]}, node.place.model, node.place.viewer)
        except Invalid as error:
            node.problem, wrong = " ".join(d.message for d in error.details) or error.message, True
        else:
            node.problem = _unheard(tree, node.place)
            wrong = wrong or bool(node.problem)
    return wrong


def _unheard(tree: Tree, place: Place) -> str:
    unseen = unknown_to(tree, place.model, place.audience) if place.audience is not None else []
    return " ".join(gettext("This role may not see “%(field)s”.") % {"field": u.label} for u in unseen)
