"""Filters as people edit them: chips with words, and the small form behind each chip."""

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.criteria import describe, operators_of, validate
from crm.criteria.vocabulary import Askable, Type
from crm.lib.errors import Invalid
from crm.lib.text import whole_number
from crm.lists.state import ListState

RELATIVE = (
    ("", gettext_lazy("An exact date")),
    ("today", gettext_lazy("Today")),
    ("yesterday", gettext_lazy("Yesterday")),
    ("tomorrow", gettext_lazy("Tomorrow")),
    ("this:week", gettext_lazy("This week")),
    ("last:week", gettext_lazy("Last week")),
    ("next:week", gettext_lazy("Next week")),
    ("this:month", gettext_lazy("This month")),
    ("last:month", gettext_lazy("Last month")),
    ("next:month", gettext_lazy("Next month")),
    ("this:quarter", gettext_lazy("This quarter")),
    ("last:quarter", gettext_lazy("Last quarter")),
    ("this:year", gettext_lazy("This year")),
    ("last:year", gettext_lazy("Last year")),
    ("last:7:day", gettext_lazy("The last 7 days")),
    ("last:30:day", gettext_lazy("The last 30 days")),
    ("last:90:day", gettext_lazy("The last 90 days")),
    ("next:7:day", gettext_lazy("The next 7 days")),
    ("next:30:day", gettext_lazy("The next 30 days")),
)
UNITS = (
    ("day", gettext_lazy("days")), ("week", gettext_lazy("weeks")), ("month", gettext_lazy("months")), ("year", gettext_lazy("years")),
)
_HIDDEN = {"lt", "lte", "gt", "gte", "is", "is_not"}


@dataclass
class Chip:
    """One filter of a list, in words, and where its parts lead."""

    index: int
    label: Any
    text: str
    remove: str
    edit: str = ""


def chips(state: ListState) -> list[Chip]:
    """Return the filters of a state as chips."""
    found = []
    for index, clause in enumerate(state.clauses):
        words = describe({"version": 1, "all": [clause]}, state.entity.model, state.user)
        asked = state.askable.get(str(clause.get("field", "")))
        label = str(asked.label) if asked else ""
        text = words.removeprefix(label).strip() if label else words
        edit = f"{state.path}/filter?index={index}&{state.query}" if asked else ""
        found.append(Chip(index, label, text, state.without_clause(index).url, edit))
    return found


@dataclass
class Editor:
    """The form behind a chip: field, operator, value."""

    state: ListState
    asked: Askable
    op: Any
    index: int | None = None
    value: Any = None
    errors: list[str] = field(default_factory=list)

    @property
    def operators(self) -> list[Any]:
        """Return the operators to choose from; dates keep their readable ones."""
        every = operators_of(self.asked)
        if self.asked.type in (Type.DATE, Type.MOMENT):
            return [o for o in every if o.name not in _HIDDEN]
        return list(every)

    @property
    def control(self) -> str:
        """Return which control takes the value."""
        kind, takes = self.asked.type, self.op.takes
        if takes in ("none", "age"):
            return takes
        if kind in (Type.CHOICE, Type.CHOICES):
            return "choices" if takes == "many" else "choice"
        if kind in (Type.USER, Type.LINK, Type.TAGS):
            return "records"
        if kind in (Type.DATE, Type.MOMENT):
            return "dates" if takes == "two" else "date"
        if kind == Type.BOOLEAN:
            return "boolean"
        if kind == Type.NUMBER:
            return "numbers" if takes == "two" else "text" if takes == "many" else "number"
        return "text"

    @property
    def multiple(self) -> bool:
        """Tell whether several values may be chosen."""
        return bool(self.op.takes == "many")

    @property
    def options(self) -> list[tuple[str, Any]]:
        """Return the values to choose from."""
        return list(self.asked.options()) if self.asked.options else []

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Return the records chosen so far, with their titles."""
        values = self.value if isinstance(self.value, list) else [self.value] if self.value else []
        title = self.asked.title
        return [(str(v), title(v, self.state.user) if title else str(v)) for v in values]

    @property
    def picked(self) -> list[str]:
        """Return the values chosen so far."""
        values = self.value if isinstance(self.value, list) else [self.value] if self.value not in (None, "") else []
        return [str(v) for v in values]

    @property
    def remote(self) -> str:
        """Return where the records to choose from are looked up."""
        name = {Type.USER: "user", Type.TAGS: "tag"}.get(self.asked.type, self.asked.target)
        return f"/options/{name}"

    @property
    def relative(self) -> str:
        """Return the chosen relative date as the select names it."""
        if not isinstance(self.value, dict):
            return ""
        return ":".join(str(self.value[k]) for k in ("relative", "n", "unit") if k in self.value)

    @property
    def relatives(self) -> tuple[tuple[str, Any], ...]:
        """Return the relative dates to choose from."""
        return RELATIVE

    @property
    def units(self) -> tuple[tuple[str, Any], ...]:
        """Return the units of an age."""
        return UNITS

    def clause(self) -> dict[str, Any]:
        """Return the clause of the criteria tree."""
        found: dict[str, Any] = {"field": self.asked.name, "op": self.op.name}
        if self.op.takes != "none":
            found["value"] = self.value
        return found

    def apply(self) -> ListState:
        """Return the state with this filter; what does not fit raises ``Invalid``."""
        tree = validate({"version": 1, "all": [self.clause()]}, self.state.entity.model, self.state.user)
        return self.state.with_clause(tree["all"][0], self.index)


def editor(state: ListState, params: QueryDict) -> Editor:
    """Return the form that a request asks for: an existing chip, or a new filter on a field."""
    index = whole_number(params.get("index", ""))
    clause = state.clauses[index] if index is not None and index < len(state.clauses) else {}
    asked = state.askable.get(params.get("field") or str(clause.get("field", "")))
    if asked is None:
        raise Invalid(_("There is no such field to filter by."))
    name = params.get("op") or clause.get("op") or _usual(asked)
    op = next((o for o in operators_of(asked) if o.name == name), operators_of(asked)[0])
    made = Editor(state, asked, op, index, clause.get("value"))
    if params.get("op"):
        made.value = _value(made, params)
    return made


def _usual(asked: Askable) -> str:
    if asked.type in (Type.CHOICE, Type.USER, Type.LINK):
        return "is_any_of"
    return {Type.DATE: "in", Type.MOMENT: "in", Type.NUMBER: "gte"}.get(asked.type, "")


def _value(made: Editor, params: QueryDict) -> Any:
    """Return the value that the form's fields say."""
    control, values = made.control, [v.replace("\x00", "").strip() for v in params.getlist("value")]
    first = values[0] if values else ""
    if control == "none":
        return None
    if control == "age":
        return {"n": whole_number(params.get("n", "")) or 0, "unit": params.get("unit", "day")}
    if control in ("numbers", "dates"):
        return [first, params.get("to", "").strip()]
    if control == "date":
        chosen = params.get("relative", "")
        if chosen in dict(RELATIVE) and chosen:
            parts = chosen.split(":")
            found: dict[str, Any] = {"relative": parts[0]}
            if len(parts) == 3:
                found["n"] = int(parts[1])
            if len(parts) > 1:
                found["unit"] = parts[-1]
            return found
        return first
    if control == "boolean":
        return first == "1"
    if made.multiple:
        many = values if control in ("choices", "records") else [v.strip() for v in first.split(",")]
        return [v for v in many if v]
    return first


__all__ = ["Chip", "Editor", "chips", "editor"]
