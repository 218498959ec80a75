"""One comparison as a form takes it: a field, an operator, a value, and which control asks for the value."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy

from crm.criteria import Operator, operators_of
from crm.criteria.vocabulary import Askable, Type
from crm.lib.languages import number_to_type, typed_number, typed_numbers
from crm.lib.text import whole_number

SPAN_LAST, SPAN_NEXT = "last:n", "next:n"
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
    ("next:quarter", gettext_lazy("Next quarter")),
    ("this:year", gettext_lazy("This year")),
    ("last:year", gettext_lazy("Last year")),
    ("this:fiscal_quarter", gettext_lazy("This fiscal quarter")),
    ("this:fiscal_year", gettext_lazy("This fiscal year")),
    ("last:fiscal_year", gettext_lazy("Last fiscal year")),
    (SPAN_LAST, gettext_lazy("In the last …")),
    (SPAN_NEXT, gettext_lazy("In the next …")),
)
UNITS = (
    ("hour", gettext_lazy("hours")), ("day", gettext_lazy("days")), ("week", gettext_lazy("weeks")),
    ("month", gettext_lazy("months")), ("quarter", gettext_lazy("quarters")), ("year", gettext_lazy("years")),
)
_UNREADABLE = {"lt", "lte", "gt", "gte", "is", "is_not"}
USUAL = {
    Type.CHOICE: "is_any_of", Type.LINK: "is_any_of", Type.USER: "is_any_of", Type.DATE: "in", Type.MOMENT: "in", Type.NUMBER: "gte",
}


@dataclass
class Comparison:
    """A field that is compared with a value by an operator."""

    asked: Askable
    op: Operator
    value: Any = None
    viewer: Any = None
    prefix: str = ""
    """What the names of its controls begin with."""

    @property
    def operators(self) -> list[Operator]:
        """Return the operators to choose from; dates keep their readable ones."""
        every = operators_of(self.asked)
        if self.asked.type in (Type.DATE, Type.MOMENT):
            return [o for o in every if o.name not in _UNREADABLE or o.name == self.op.name]
        return list(every)

    @property
    def control(self) -> str:
        """Return which control takes the value."""
        kind, takes = self.asked.type, self.op.takes
        if takes in ("none", "age"):
            return takes
        if kind in (Type.CHOICE, Type.CHOICES):
            return "choices" if takes == "many" else "choice"
        if kind in (Type.USER, Type.LINK, Type.TAGS) and (self.asked.target or kind != Type.LINK):
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
        return self.op.takes == "many"

    @property
    def options(self) -> list[tuple[str, Any]]:
        """Return the values to choose from."""
        return list(self.asked.options()) if self.asked.options else []

    @property
    def picked(self) -> list[str]:
        """Return the values chosen so far."""
        values = self.value if isinstance(self.value, list) else [self.value] if self.value not in (None, "") else []
        return [number_to_type(str(v)) if self.asked.type == Type.NUMBER else str(v) for v in values]

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Return the records chosen so far, with their titles."""
        title = self.asked.title
        return [(v, title(self.viewer, v) if title else v) for v in self.picked]

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
        if "n" in self.value:
            return f"{self.value.get('relative')}:n"
        return ":".join(str(self.value[k]) for k in ("relative", "unit") if k in self.value)

    @property
    def relatives(self) -> tuple[tuple[str, Any], ...]:
        """Return the relative dates to choose from."""
        return RELATIVE

    @property
    def units(self) -> tuple[tuple[str, Any], ...]:
        """Return the units of an age or a span."""
        return UNITS if self.asked.type == Type.MOMENT else UNITS[1:]

    @property
    def span(self) -> tuple[int, str]:
        """Return the number and the unit of an age or a span."""
        value = self.value if isinstance(self.value, dict) else {}
        return value.get("n") or 30, value.get("unit") or "day"

    def clause(self) -> dict[str, Any]:
        """Return the operator and the value as the criteria tree takes them."""
        return {"op": self.op.name} if self.op.takes == "none" else {"op": self.op.name, "value": self.value}

    def read(self, data: QueryDict) -> None:
        """Take the value from the controls of a form."""
        p, control = self.prefix, self.control
        read = typed_number if self.asked.type == Type.NUMBER else str
        values = [v.replace("\x00", "").strip() for v in data.getlist(f"{p}value")]
        first = values[0] if values else ""
        if control == "none":
            self.value = None
        elif control == "age":
            self.value = {"n": whole_number(data.get(f"{p}n", "")[:9]) or 0, "unit": data.get(f"{p}unit", "day")}
        elif control in ("numbers", "dates"):
            self.value = [read(first), read(data.get(f"{p}to", "").strip())]
        elif control == "date":
            self.value = self._date(data, first)
        elif control == "boolean":
            self.value = first != "0"
        elif self.multiple:
            if control not in ("choices", "records"):
                values = typed_numbers(first) if read is typed_number else first.split(",")
            self.value = [v.strip() for v in values if v.strip()]
        else:
            self.value = read(first)

    def _date(self, data: QueryDict, first: str) -> Any:
        chosen = data.get(f"{self.prefix}relative", "")
        if chosen in (SPAN_LAST, SPAN_NEXT):
            n = whole_number(data.get(f"{self.prefix}n", "30")[:9]) or 0
            return {"relative": chosen.partition(":")[0], "n": n, "unit": data.get(f"{self.prefix}unit", "day")}
        if chosen and chosen in dict(RELATIVE):
            word, colon, unit = chosen.partition(":")
            return {"relative": word, "unit": unit} if colon else {"relative": word}
        return first

    def adopt(self, value: Any, takes: str) -> bool:
        """Keep the value of another operator that took ``takes``; tell whether it fits this one as it is."""
        if self.op.takes == "none":
            return True
        if value in (None, "", []):
            return False
        if self.op.takes == takes:
            self.value = value
        elif self.op.takes == "many" and takes == "one" and not isinstance(value, dict):
            self.value = [value]
        elif self.op.takes == "one" and takes == "many" and len(value) == 1:
            self.value = value[0]
        elif self.op.takes == "age" and isinstance(value, dict) and "n" in value:
            self.value = {"n": value["n"], "unit": value["unit"]}
        else:
            return False
        return True


def usual_operator(asked: Askable) -> Operator:
    """Return the operator that one most likely means."""
    every = operators_of(asked)
    return next((o for o in every if o.name == USUAL.get(asked.type)), every[0])


def operator_named(asked: Askable, name: Any) -> Operator:
    """Return an operator of a field by its name, or the usual one."""
    return next((o for o in operators_of(asked) if o.name == name), usual_operator(asked))


def by_label(asked: Iterable[Any]) -> list[Any]:
    """Return what may be asked about in the order of its words."""
    return sorted(asked, key=lambda a: str(a.label).casefold())
