"""A tree as one sentence that a person can read."""

import datetime as dt
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.criteria import dates
from crm.criteria.operators import COUNTS, MEASURES, operator
from crm.criteria.tree import Asking, validate
from crm.criteria.vocabulary import Askable, Type
from crm.lib import languages

# Whole phrases, since in other languages “this” depends on what it stands before.
_PERIODS = {
    "hour": (gettext_lazy("this hour"), gettext_lazy("last hour"), gettext_lazy("next hour")),
    "day": (gettext_lazy("this day"), gettext_lazy("last day"), gettext_lazy("next day")),
    "week": (gettext_lazy("this week"), gettext_lazy("last week"), gettext_lazy("next week")),
    "month": (gettext_lazy("this month"), gettext_lazy("last month"), gettext_lazy("next month")),
    "quarter": (gettext_lazy("this quarter"), gettext_lazy("last quarter"), gettext_lazy("next quarter")),
    "year": (gettext_lazy("this year"), gettext_lazy("last year"), gettext_lazy("next year")),
    "fiscal_quarter": (gettext_lazy("this fiscal quarter"), gettext_lazy("last fiscal quarter"), gettext_lazy("next fiscal quarter")),
    "fiscal_year": (gettext_lazy("this fiscal year"), gettext_lazy("last fiscal year"), gettext_lazy("next fiscal year")),
}


def describe(tree: Any, model: type[models.Model], viewer: Any, *, trusted: bool = False) -> str:
    """Return the tree in words: “Status is Lead and (Score is at least 50 or Tags has any of vip)”."""
    checked = validate(tree, model, viewer, trusted=trusted)
    checked.pop("version")
    return _node(checked, Asking(model, viewer, trusted), top=True)


def _node(node: dict[str, Any], asking: Asking, *, top: bool = False) -> str:
    for kind, word in (("all", _("and")), ("any", _("or"))):
        if kind in node:
            parts = [_node(item, asking, top=len(node[kind]) == 1 and top) for item in node[kind]]
            joined = f" {word} ".join(parts)
            return joined if top or len(parts) == 1 else f"({joined})"
    if "not" in node:
        return _("not (%(what)s)") % {"what": _node(node["not"], asking, top=True)}
    if "related" in node:
        return _related(node, asking)
    asked = asking.vocabulary().fields[node["field"]]
    return f"{asked.label} {_predicate(asked, node, asking)}"


def in_parts(clause: Any, model: type[models.Model], viewer: Any) -> tuple[str, str, str] | None:
    """Return a clause on a field as its three words: the field, the operator, the value; None for anything else."""
    checked = validate({"version": 1, "all": [clause]}, model, viewer)["all"][0]
    asking, lead = Asking(model, viewer), ""
    if "related" in checked and set(checked) == {"related", "where"} and "field" in checked["where"]:
        related = asking.vocabulary().related[checked["related"]]
        if not related.one:
            return None
        asking, checked, lead = asking.at(model=related.model), checked["where"], f"{related.label}: "
    if "field" not in checked:
        return None
    asked = asking.vocabulary().fields[checked["field"]]
    op, value = _said(asked, checked, asking)
    return f"{lead}{asked.label}", op, value


def _said(asked: Askable, node: dict[str, Any], asking: Asking) -> tuple[str, str]:
    """Return the words of an operator and of its value."""
    op = operator(asked.type, node["op"])
    assert op is not None
    value: Any = node.get("value")
    if op.takes == "none":
        return str(op.label), ""
    if op.takes == "age":
        return str(op.label), _age(value)
    if op.takes == "two":
        low, high = (_value(asked, v, asking) for v in value)
        return str(op.label), _("%(low)s and %(high)s") % {"low": low, "high": high}
    if op.takes == "many":
        return str(op.label), ", ".join(_value(asked, v, asking) for v in value)
    return str(op.label), _value(asked, value, asking)


def _predicate(asked: Askable, node: dict[str, Any], asking: Asking) -> str:
    return " ".join(part for part in _said(asked, node, asking) if part)


def _value(asked: Askable, value: Any, asking: Asking) -> str:
    if isinstance(value, dict):
        return _relative(value)
    if asked.type == Type.BOOLEAN:
        return _("yes") if value else _("no")
    if asked.type in (Type.CHOICE, Type.CHOICES):
        return str(next((label for v, label in (asked.options() if asked.options else ()) if v == value), value))
    if asked.type == Type.USER and value == "me":
        return _("me")
    if asked.title is not None:
        return asked.title(asking.reader, value)
    if asked.type == Type.TEXT:
        return _("“%(text)s”") % {"text": value}
    if asked.type in (Type.DATE, Type.MOMENT):
        return _date(value, asking)
    if asked.type == Type.NUMBER:
        return str(format_decimal(str(value), locale=languages.locale(), decimal_quantization=False))
    return str(value)


def _date(value: str, asking: Asking) -> str:
    day = parse_date(value)
    if day is not None:
        return format_date(day, "medium", locale=languages.dates())
    moment = parse_datetime(value)
    if moment is None:
        return value
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return format_datetime(aware.astimezone(dates.zone_of(asking.viewer)), "short", locale=languages.dates())


def _units(unit: str, n: int) -> str:
    return {
        "hour": ngettext("%(n)d hour", "%(n)d hours", n), "day": ngettext("%(n)d day", "%(n)d days", n),
        "week": ngettext("%(n)d week", "%(n)d weeks", n), "month": ngettext("%(n)d month", "%(n)d months", n),
        "quarter": ngettext("%(n)d quarter", "%(n)d quarters", n), "year": ngettext("%(n)d year", "%(n)d years", n),
    }[unit] % {"n": n}


def _age(value: dict[str, Any]) -> str:
    return _units(value["unit"], value["n"])


def _relative(value: dict[str, Any]) -> str:
    word, n, unit = value["relative"], value.get("n"), value.get("unit", "")
    if word in dates.POINTS:
        return {"now": _("now"), "today": _("today"), "yesterday": _("yesterday"), "tomorrow": _("tomorrow")}[word]
    if n is not None:
        span = _age(value)
        return _("the last %(span)s") % {"span": span} if word == "last" else _("the next %(span)s") % {"span": span}
    return str(_PERIODS[unit][("this", "last", "next").index(word)])


def _related(node: dict[str, Any], asking: Asking) -> str:
    related = asking.vocabulary().related[node["related"]]
    inner = asking.at(model=related.model)
    where = _node(node["where"], inner, top=True) if "where" in node else ""
    label = str(related.label)
    if "count" in node:
        word = next(o.label for o in COUNTS if o.name == node["count"]["op"])
        said = _("has %(op)s %(n)d %(what)s") % {"op": word, "n": node["count"]["value"], "what": label}
    elif measure := next((m for m in MEASURES if m in node), None):
        asked = inner.vocabulary().fields[node[measure]]
        said = _("%(measure)s %(field)s of %(what)s %(is)s") % {
            "measure": MEASURES[measure], "field": asked.label, "what": label, "is": _predicate(asked, node, inner),
        }
    elif related.one and where:
        return f"{label}: ({where})"
    else:
        said = _("has a %(what)s") % {"what": label} if related.one else _("has any %(what)s") % {"what": label}
    return _("%(said)s where (%(where)s)") % {"said": said, "where": where} if where else said
