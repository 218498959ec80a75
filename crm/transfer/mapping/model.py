"""A mapping: where each column of a file goes, and how its values are read. Kept and exchanged as JSON."""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from text_unidecode import unidecode

from crm.lib.errors import Detail, Invalid
from crm.records.entity import Entity
from crm.records.fields import Kind
from crm.records.models import CustomField
from crm.transfer.adapters import Adapter, adapter_for

RULES = ("overwrite", "fill", "never")
CHOICES = ("ask", "create", "leave", "skip", "error")
DATE_ORDERS = ("dmy", "mdy", "ymd")
DECIMALS = (",", ".")
TRASH = ("ask", "restore", "create", "skip")
RESTS = ("ask", "ignore", "note", "custom")
COMMON_TARGETS = ("note", "external_id", "own_id", "tags", "key", "pair")
_COLUMN = {"to", "rule", "values", "unresolved", "empty", "scale", "dates", "decimal", "kind", "label", "part", "custom", "entity", "of", "id", "suffix"}
_WHOLE = {"trash", "unresolved", "dates", "entity", "system", "columns", "constants", "compose", "rest", "mode", "match", "source", "name", "comment"}


@dataclass
class Column:
    """How one column is read."""

    header: str
    to: str
    """A field's public name, or a target of the adapter; empty means ignored on purpose."""
    rule: str = "overwrite"
    values: dict[str, Any] = field(default_factory=dict)
    """What a value stands for: another value, or ``{"leave": true}``, ``{"skip": true}``, ``{"create": true}``."""
    unresolved: str = "ask"
    empty: str = "leave"
    scale: Decimal | None = None
    dates: str = ""
    decimal: str = ""
    """The mark before decimals; the other one groups."""
    parameters: dict[str, str] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    """A custom field to make: label, kind, choices, link."""
    confidence: float = 1.0


@dataclass
class Mapping:
    """How a whole file is read."""

    entity: str
    columns: list[Column] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    compose: dict[str, str] = field(default_factory=dict)
    """Fields put together from cells: ``{"title": "{product} for {account}"}``."""
    system: str = ""
    rest: str = "ask"
    """What happens to columns that are not named: ask, ignore, note, custom."""
    mode: str = "both"
    trash: str = "ask"
    """What happens to rows whose record is in the trash: ask, restore, create, skip."""
    unresolved: str = "ask"
    """What happens to names that stand for nothing, in columns that do not say it themselves."""
    dates: str = ""
    """How dates are meant in columns that do not say it themselves: dmy, mdy, ymd."""
    match: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    """What the entity's adapter understands besides (a deal's pipeline)."""
    source: dict[str, Any] = field(default_factory=dict)
    """How to open the file: encoding, delimiter, header, sheet, part."""

    def column(self, header: str) -> Column | None:
        """Return how a column is read; None when the mapping does not name it."""
        return next((c for c in self.columns if c.header == header), None)

    def choice_for(self, column: Column) -> str:
        """Return what happens to names of a column that stand for nothing."""
        return self.unresolved if column.unresolved == "ask" else column.unresolved

    def choice_of_values(self, column: Column) -> str:
        """Return the same for a field with choices, of which an import makes none."""
        chosen = self.choice_for(column)
        return chosen if chosen != "create" else "ask" if column.unresolved == "create" else "leave"

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping as its JSON."""
        made: dict[str, Any] = {"entity": self.entity, "columns": {c.header: _column_dict(c) for c in self.columns}}
        for name in ("constants", "compose", "system", "match", "source", "dates"):
            if getattr(self, name):
                made[name] = getattr(self, name)
        if self.rest != "ask":
            made["rest"] = self.rest
        if self.mode != "both":
            made["mode"] = self.mode
        for name in ("trash", "unresolved"):
            if getattr(self, name) != "ask":
                made[name] = getattr(self, name)
        return {**made, **self.options}


def _column_dict(column: Column) -> Any:
    made: dict[str, Any] = {"to": column.to} if column.to else {}
    for name, default in (("rule", "overwrite"), ("unresolved", "ask"), ("empty", "leave"), ("dates", ""), ("decimal", "")):
        if getattr(column, name) != default:
            made[name] = getattr(column, name)
    if column.values:
        made["values"] = column.values
    if column.scale is not None:
        made["scale"] = str(column.scale)
    if column.custom:
        made["custom"] = column.custom
    made.update(column.parameters)
    if not column.to and not column.custom:
        return None
    return column.to if made == {"to": column.to} else made


def parse(data: Any, entity: Entity, *, writable: dict[str, Any]) -> Mapping:
    """Return the mapping that JSON describes; ``Invalid`` names each mistake by its path."""
    problems: list[Detail] = []
    if not isinstance(data, dict):
        raise Invalid.field("mapping", _("A mapping is a JSON object."))
    adapter = adapter_for(entity.name)
    for name in data:
        if name not in _WHOLE | adapter.options:
            problems.append(Detail(str(name), _("A mapping has no “%(name)s”.") % {"name": name}))
    if data.get("entity") not in (None, "", entity.name):
        problems.append(Detail("entity", _("This mapping is for “%(name)s”.") % {"name": data["entity"]}))
    mapping = Mapping(entity=entity.name)
    columns = data.get("columns") or {}
    if not isinstance(columns, dict):
        problems.append(Detail("columns", _("An object of columns by header is expected.")))
        columns = {}
    for header, given in columns.items():
        found = _column(str(header), given, entity, adapter, writable, problems)
        if found is not None:
            mapping.columns.append(found)
    for name, allowed in (("rest", RESTS), ("mode", ("both", "create", "update")), ("trash", TRASH), ("unresolved", CHOICES), ("dates", DATE_ORDERS)):
        if name in data:
            if data[name] not in allowed:
                problems.append(Detail(name, _("One of: %(allowed)s.") % {"allowed": ", ".join(allowed)}))
            else:
                setattr(mapping, name, data[name])
    for name in ("constants", "compose", "source"):
        if not isinstance(data.get(name, {}), dict):
            problems.append(Detail(name, _("An object is expected.")))
        else:
            setattr(mapping, name, dict(data.get(name, {})))
    for name in (*mapping.constants, *mapping.compose):
        if name not in writable and not _target(name, adapter):
            problems.append(Detail(name, _("“%(name)s” is no field that you may write.") % {"name": name}))
    match = data.get("match", [])
    if not isinstance(match, list) or not all(m == "external_id" or entity.field(str(m)) for m in match):
        problems.append(Detail("match", _("A list of field names is expected.")))
    else:
        mapping.match = [str(m) for m in match]
    mapping.system = str(data.get("system") or "")[:60]
    mapping.options = {name: data[name] for name in adapter.options if name in data}
    if problems:
        raise Invalid(_("The mapping is not right."), details=problems)
    return mapping


def outline(data: dict[str, Any]) -> Mapping:
    """Return where a mapping that was parsed before lets columns go, whoever asks by now."""
    to = {h: given if isinstance(given, str) else str((given or {}).get("to") or "") for h, given in (data.get("columns") or {}).items()}
    return Mapping(str(data.get("entity") or ""), [Column(h, name) for h, name in to.items() if name], compose=dict(data.get("compose") or {}))


def _column(
    header: str, given: Any, entity: Entity, adapter: Adapter, writable: dict[str, Any], problems: list[Detail]
) -> Column | None:
    where = f"columns.{header}"
    if given is None or given == "":
        return Column(header, "")
    if isinstance(given, str):
        given = {"to": given}
    if not isinstance(given, dict):
        problems.append(Detail(where, _("A field name, an object, or null to ignore the column is expected.")))
        return None
    for name in given:
        if name not in _COLUMN:
            problems.append(Detail(f"{where}.{name}", _("A column has no “%(name)s”.") % {"name": name}))
    column = Column(header, str(given.get("to") or ""))
    if given.get("custom"):
        column.custom = _custom(where, header, given["custom"], problems)
        column.to = column.to or f"custom.{column.custom.get('key', '')}"
    elif column.to and column.to not in writable and not _target(column.to, adapter):
        problems.append(Detail(f"{where}.to", _("“%(name)s” is no field that you may write.") % {"name": column.to}))
    allowed_of = {"rule": RULES, "unresolved": CHOICES, "empty": ("leave", "skip", "error"), "dates": DATE_ORDERS, "decimal": DECIMALS}
    for name, allowed in allowed_of.items():
        if name in given:
            if given[name] not in allowed:
                problems.append(Detail(f"{where}.{name}", _("One of: %(allowed)s.") % {"allowed": ", ".join(allowed)}))
            else:
                setattr(column, name, given[name])
    if isinstance(given.get("values", {}), dict):
        column.values = {str(k): v for k, v in given.get("values", {}).items()}
    else:
        problems.append(Detail(f"{where}.values", _("An object is expected.")))
    if given.get("scale") is not None:
        try:
            column.scale = Decimal(str(given["scale"]))
        except InvalidOperation:
            problems.append(Detail(f"{where}.scale", _("A number is expected.")))
    column.parameters = {k: str(given[k]) for k in ("kind", "label", "part", "entity", "of", "id", "suffix") if given.get(k)}
    return column


def _target(name: str, adapter: Adapter) -> bool:
    return name in COMMON_TARGETS or any(t.key == name for t in adapter.targets)


def _custom(where: str, header: str, given: Any, problems: list[Detail]) -> dict[str, Any]:
    if given is True:
        given = {}
    if not isinstance(given, dict):
        problems.append(Detail(f"{where}.custom", _("An object with label and kind is expected.")))
        return {}
    kind = str(given.get("kind") or "")  # left out: the kind that all cells of the column fit
    if kind and kind not in CustomField.Kind.values:
        problems.append(Detail(f"{where}.custom.kind", _("One of: %(allowed)s.") % {"allowed": ", ".join(CustomField.Kind.values)}))
        kind = Kind.TEXT
    made = {"label": str(given.get("label") or header)[:120], "kind": kind, "key": str(given.get("key") or key_of(header))}
    for name in ("choices", "link", "group"):
        if given.get(name):
            made[name] = given[name]
    return made


def key_of(header: str) -> str:
    """Return the key of a custom field that is called like a header, in Latin letters."""
    words = "".join(c if c.isascii() and c.isalnum() else "_" for c in unidecode(header).lower())
    key = "_".join(w for w in words.split("_") if w)
    return (key if key[:1].isalpha() else f"field_{key}".rstrip("_"))[:60]
