"""From a broken database constraint to a sentence: the database decides, this explains."""

from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _

from crm.lib.errors import Conflict, Detail, Invalid, Refusal
from crm.lib.text import in_sentence
from crm.records.entity import Entity


def explain(of: Entity, obj: Any, error: IntegrityError) -> Refusal:
    """Return the refusal that a violated constraint means: a conflict for a unique key, else invalid input."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", "") or ""
    column = getattr(diagnosis, "column_name", "") or ""
    constraint = next((c for c in obj._meta.constraints if c.name == name), None)
    fields = _fields(of, name, column, constraint)
    if getattr(error.__cause__, "sqlstate", "") == "23505":
        message = _("Another %(what)s already has this %(field)s.") % {
            "what": in_sentence(of.label),
            "field": ", ".join(in_sentence(of.own_fields[f].label) for f in fields if f in of.own_fields) or name,
        }
        return Conflict(message, details=[Detail(f, message) for f in fields or [""]], extra={"constraint": name})
    declared = of.constraint_messages.get(name)
    message = str(declared or _("The values do not fit together (%(rule)s).") % {"rule": name or column})
    return Invalid(message, details=[Detail(f, message) for f in fields or [""]])


def _fields(of: Entity, name: str, column: str, constraint: Any) -> list[str]:
    """Return the public fields a constraint is about, by its columns or by its name."""
    attributes = list(getattr(constraint, "fields", ()) or ())
    if column:
        attributes += [column, column.removesuffix("_id")]
    found = [f.name for f in of.fields if f.source in attributes]
    if not found:
        found = [f.name for f in of.fields if f"_{f.name}_" in f"_{name}_"]
    return found
