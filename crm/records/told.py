"""What the audit log says of a change, as people read it: names for ids, labels for codes, days and numbers as written here."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import SYSTEM, all_policies, visible_to
from crm.activity.triggers import logged_models
from crm.lib import languages
from crm.records.audit import Changed, Line
from crm.records.entity import all_entities, entity_of, has_entity

Labels = dict[int, tuple[Any, dict[str, str]]]
"""Fields by their identity, each with the labels of its choices: read once for all lines that are told."""
Teller = Callable[[Any, uuid.UUID | None, Any], str]

_tellers: dict[tuple[type[models.Model], str], Teller] = {}

DETAILS: dict[str, Any] = {
    "email": gettext_lazy("E-mail"), "door": gettext_lazy("Door"), "proofs": gettext_lazy("Proven by"), "rows": gettext_lazy("Rows"),
    "format": gettext_lazy("Format"), "columns": gettext_lazy("Columns"), "filters": gettext_lazy("Filters"), "version": gettext_lazy("Version"),
    "reason": gettext_lazy("Reason"), "factor": gettext_lazy("Second factor"), "fields": gettext_lazy("Fields"), "family": gettext_lazy("Sign-in"),
    "user_id": gettext_lazy("Person"), "team_id": gettext_lazy("Team"), "successor_id": gettext_lazy("Successor"),
    "may_change": gettext_lazy("May change it"), "role": gettext_lazy("Role"), "deliveries": gettext_lazy("Deliveries"),
}
"""What the details of events and accesses are called."""
SAID = frozenset({"entity", "record_id"})
"""Details that the line says already."""


def tells(model: type[models.Model], column: str) -> Callable[[Teller], Teller]:
    """Register how a column is told: ``function(value, id of the row, reader)``."""

    def register(function: Teller) -> Teller:
        _tellers[model, column] = function
        return function

    return register


def told(found: Iterable[Line], reader: Any) -> list[Line]:
    """Return lines of the log with every value in words, in one statement for each kind of record that is named."""
    rows = list(found)
    names = _names(rows, reader)
    labels: Labels = {}
    return [_told(line, names, labels, reader) for line in rows]


def _model_of(line: Line) -> Any:
    entities = all_entities()
    if line.entry.entity in entities:
        return entities[line.entry.entity].model
    return next((m for m in logged_models() if m._meta.db_table == line.entry.table_name), None)


def _column(model: Any, name: str) -> Any:
    return next((f for f in model._meta.concrete_fields if name in (f.name, f.column)), None) if model is not None else None


def _names(rows: list[Line], reader: Any) -> dict[tuple[Any, str], str]:
    """Return the titles of the records that changed values and details name, as far as the reader sees them."""
    wanted: dict[Any, set[str]] = {}
    for line in rows:
        model = _model_of(line)
        for changed in line.changes:
            column = _column(model, _source(model, changed.name))
            if column is not None and column.is_relation:
                wanted.setdefault(column.related_model, set()).update(str(v) for v in (changed.before, changed.after) if v)
        for name, value in line.payload.items():
            target = _target(name)
            if target is not None and value:
                wanted.setdefault(target, set()).add(str(value))
    found: dict[tuple[Any, str], str] = {}
    for model, ids in wanted.items():
        people = model._base_manager.filter(pk__in=[i for i in ids if _fits(model, i)])
        if model in all_policies() and reader is not SYSTEM:
            people = visible_to(reader, people)
        found |= {(model, str(row.pk)): str(row) for row in people}
    return found


def _fits(model: Any, key: str) -> bool:
    try:
        model._meta.pk.to_python(key)
    except Exception:
        return False
    return True


def _target(name: str) -> Any:
    """Return the model that a detail names by its id: a person, a team, a successor."""
    known = {"user_id": "user", "successor_id": "user", "team_id": "team"}.get(name)
    return all_entities()[known].model if known in all_entities() else None


def _source(model: Any, name: str) -> str:
    if model is not None and has_entity(model) and (f := entity_of(model).own_fields.get(name)) is not None:
        return str(f.source)
    return name


def _told(line: Line, names: dict[tuple[Any, str], str], labels: Labels, reader: Any) -> Line:
    model = _model_of(line)
    of = entity_of(model) if model is not None and has_entity(model) else None
    changes: list[Changed] = []
    for changed in line.changes:
        if changed.name == "custom" and of is not None:
            changes += _custom(changed, of, labels)
            continue
        column = _column(model, _source(model, changed.name))
        teller = _tellers.get((model, changed.name))
        f = of.own_fields.get(changed.name) if of is not None else None

        def text(value: Any, column: Any = column, teller: Any = teller, f: Any = f) -> str:
            if teller is not None and value not in (None, ""):
                return str(teller(value, line.entry.entity_id, reader))
            if column is not None and column.is_relation and value:
                return names.get((column.related_model, str(value)), _("A record you cannot see"))
            return _value(value, labels, column, f)

        changes.append(replace(changed, before_text=text(changed.before), after_text=text(changed.after)))
    payload = {
        str(DETAILS.get(k, k.replace("_", " ").removesuffix(" id"))): _detail(k, v, names, labels)
        for k, v in line.payload.items() if k not in SAID and v not in (None, "", [], {})
    }
    return replace(line, changes=changes, payload=payload)


def _custom(changed: Changed, of: Any, labels: Labels) -> list[Changed]:
    """Return the custom fields that differ, each by itself."""
    old, new = changed.before or {}, changed.after or {}
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [changed]
    fields = of.all_fields()
    return [
        Changed(f"custom.{k}", str(fields[f"custom.{k}"].label) if f"custom.{k}" in fields else k, old.get(k), new.get(k),
                _value(old.get(k), labels, None, fields.get(f"custom.{k}")), _value(new.get(k), labels, None, fields.get(f"custom.{k}")))
        for k in {**old, **new} if old.get(k) != new.get(k)
    ]


def _detail(name: str, value: Any, names: dict[tuple[Any, str], str], labels: Labels) -> str:
    target = _target(name)
    return names.get((target, str(value)), str(value)) if target is not None else _value(value, labels)


def _value(value: Any, labels: Labels, column: Any = None, f: Any = None) -> str:
    """Return one value as it is read."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_value(v, labels)}" for k, v in value.items() if v not in (None, "", [], {}))
    if isinstance(value, list):
        return ", ".join(_value(v, labels, None, f) for v in value)
    label = _label_of(f, str(value), labels) if f is not None else None
    if label is not None:
        return label
    if column is not None and column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(column, models.DateTimeField) and (moment := parse_datetime(str(value))):
        return _moment(moment)
    if isinstance(column, models.DateField) and (day := parse_date(str(value))):
        return str(format_date(day, "medium", locale=languages.dates()))
    if isinstance(value, int | float) or isinstance(column, models.DecimalField):
        return str(format_decimal(str(value), format="#,##0.##########", locale=languages.locale()))
    return str(value)


def _label_of(f: Any, value: str, labels: Labels) -> str | None:
    if id(f) not in labels:
        labels[id(f)] = (f, {c.value: str(c.label) for c in f.options})
    return labels[id(f)][1].get(value)


def _moment(moment: dt.datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return str(format_datetime(timezone.localtime(aware), "medium", locale=languages.dates()))
