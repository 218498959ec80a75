"""Filters as people edit them: chips of three buttons, and the small forms behind them."""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from crm.criteria import describe, in_parts, validate, vocabulary_of
from crm.criteria.vocabulary import Askable
from crm.lib.errors import Invalid
from crm.lib.text import whole_number
from crm.lists.comparison import Comparison, by_label, operator_named, usual_operator
from crm.lists.state import ListState


@dataclass
class Chip:
    """One filter of a list in words. A simple one has three parts; anything else is ``text`` and has the advanced editor."""

    index: int
    label: str
    op: str
    value: str
    remove: str
    edit: str
    text: str = ""


def chips(state: ListState) -> list[Chip]:
    """Return the filters of a state as chips."""
    found = []
    for index, clause in enumerate(state.clauses):
        away = state.without_clause(index).url
        parts = in_parts(clause, state.entity.model, state.user)
        if parts is None:
            text = describe({"version": 1, "all": [clause]}, state.entity.model, state.user)
            found.append(Chip(index, "", "", "", away, f"{state.path}/query?{state.query}", text))
        else:
            found.append(Chip(index, *parts, away, f"{state.path}/filter?index={index}&{state.query}"))
    return found


@dataclass
class Choosable:
    """A field to filter by: its name in a clause, its words, and whether it belongs to a linked record."""

    name: str
    label: str
    linked: bool = False


def choosable(state: ListState) -> list[Choosable]:
    """Return the fields to filter by, one's own first, then those of the records that a record links to."""
    own = [Choosable(a.name, str(a.label)) for a in by_label(state.askable.values())]
    linked = []
    for related in by_label(vocabulary_of(state.entity.model, state.user).related.values()):
        if related.one:
            inner = vocabulary_of(related.model, state.user).fields.values()
            linked += [Choosable(f"{related.name}.{a.name}", f"{related.label}: {a.label}", True) for a in by_label(inner)]
    return [*own, *linked]


def asked_as(state: ListState, name: str) -> Askable | None:
    """Return the field of a name; ``company.industry`` is a field of a linked record."""
    if name in state.askable:
        return state.askable[name]
    first, dot, rest = name.partition(".")
    related = vocabulary_of(state.entity.model, state.user).related.get(first) if dot else None
    return vocabulary_of(related.model, state.user).fields.get(rest) if related is not None and related.one else None


def named(clause: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the field name of a simple clause and the clause itself, also of one about a linked record."""
    if "field" in clause:
        return str(clause["field"]), clause
    inner = clause.get("where") if set(clause) == {"related", "where"} else None
    return (f"{clause['related']}.{inner['field']}", inner) if isinstance(inner, dict) and "field" in inner else ("", {})


@dataclass
class Editor:
    """The form behind a chip: field, operator, value."""

    state: ListState
    name: str
    label: str
    comparison: Comparison
    index: int | None = None
    part: str = ""
    """Only the operators (``op``), or only the value."""
    settled: bool = False
    """The value fits the operator that was chosen: there is nothing more to ask."""
    errors: list[str] = field(default_factory=list)

    def apply(self) -> ListState:
        """Return the state with this filter; what does not fit raises ``Invalid``."""
        clause = {"field": self.name, **self.comparison.clause()}
        tree = validate({"version": 1, "all": [clause]}, self.state.entity.model, self.state.user)
        return self.state.with_clause(tree["all"][0], self.index)


def editor(state: ListState, params: QueryDict) -> Editor:
    """Return the form that a request asks for: an existing chip, or a new filter on a field."""
    index = whole_number(params.get("index", "")[:9])
    known = state.clauses[index] if index is not None and index < len(state.clauses) else {}
    old_name, clause = named(known)
    name = params.get("field") or old_name
    asked = asked_as(state, name)
    if asked is None:
        raise Invalid(_("There is no such field to filter by."))
    same = name == old_name
    op = operator_named(asked, params.get("op") or (clause.get("op") if same else None))
    comparison = Comparison(asked, op, clause.get("value") if same else None, state.user)
    label = next((c.label for c in choosable(state) if c.name == name), str(asked.label)) if "." in name else str(asked.label)
    made = Editor(state, name, label, comparison, index, params.get("part", ""))
    if "value" in params or "relative" in params or "n" in params or params.get("apply"):
        comparison.read(params)
    elif params.get("op") and same:
        fits = comparison.adopt(clause.get("value"), operator_named(asked, clause.get("op")).takes)
        made.settled = fits and made.part == "value" and "redraw" not in params
    return made


__all__ = ["Chip", "Editor", "asked_as", "chips", "choosable", "editor", "named", "usual_operator"]
