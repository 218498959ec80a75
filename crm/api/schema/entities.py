"""The schemas of an entity: how its records are read, written, filtered and sorted."""

import re
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from crm.api.schema import shapes
from crm.api.schema.operations import Parameter
from crm.api.schema.shapes import Schema
from crm.records.entity import Entity
from crm.records.fields import LINKS, NUMERIC, TEMPORAL, TEXTUAL, Field, Kind
from crm.records.models import Record
from crm.records.representation import BASE, has_code, target_of
from crm.records.services.cleaning import always_filled, pattern_of
from crm.records.services.values import ADDRESS_PARTS, MAX_TEXT

UNSORTABLE = frozenset({Kind.LONG_TEXT, Kind.TAGS, Kind.ADDRESS, Kind.JSON, Kind.MULTI_CHOICE})
UNFILTERABLE = frozenset({Kind.ADDRESS, Kind.JSON})
# Something must stand between blanks; control characters are taken out of texts.
FILLED = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
_LEAST = re.compile(r"0\.(0*)1")
CURSOR = r"^[A-Za-z0-9_.:-]*$"
MAX_TAG = 60
_NOT_PLAIN = re.compile(r"[\\^$.*+?()\[\]{}|/]")
"""What means something in a regular expression, in Python's and in JavaScript's (``re.escape`` would do too much)."""
AMOUNT = r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$"
NUMBER = r"^-?[0-9]{1,18}(\.[0-9]{1,8})?$"
# As people write them; what is valid in its region is stored in E.164.
PHONE = r"^[^\u0000-\u001f\u007f-\u009f]*[0-9][^\u0000-\u001f\u007f-\u009f]*$"
_LABEL = r"[A-Za-z0-9\u00df-\u00f6\u00f8-\u024f\u0400-\u045f\u4e00-\u9fa5-]{1,63}"
_PLACE = rf"({_LABEL}\.)+{_LABEL}(:[0-9]{{1,5}})?([/?#][^\s\u0000-\u001f\u007f-\u009f]*)?$"
WEB, BARE_WEB = rf"^https?://{_PLACE}", rf"^{_PLACE}"


def sortable(f: Field) -> bool:
    """Tell whether lists can be sorted by a field."""
    return f.sortable and f.kind not in UNSORTABLE and not (f.custom and f.kind in LINKS)


def filterable(f: Field) -> bool:
    """Tell whether lists can be filtered by a field."""
    return f.filterable and f.kind not in UNFILTERABLE


# -- reading ----------------------------------------------------------------------------------------


def read_value(f: Field) -> Schema:
    """Return the schema of a field's value in an answer."""
    kind = f.kind
    if kind in LINKS:
        properties = {"id": shapes.uuid(), "name": shapes.nullable({"type": "string"})}
        if not f.custom and has_code(target_of(f)):
            properties["code"] = {"type": "string"}
        # With ?include the related record stands here in full.
        return shapes.nullable({"type": "object", "properties": properties, "required": list(properties)})
    made: Schema
    if kind in (Kind.MONEY, Kind.NUMBER):
        made = {"type": "string", "format": "decimal"}
    elif kind == Kind.INTEGER:
        made = {"type": "integer"}
    elif kind == Kind.BOOLEAN:
        return shapes.nullable(shapes.boolean()) if f.custom else shapes.boolean()
    elif kind == Kind.DATE:
        made = shapes.date()
    elif kind == Kind.DATETIME:
        made = shapes.moment()
    elif kind == Kind.TAGS:
        return shapes.listing({"type": "string"})
    elif kind == Kind.MULTI_CHOICE:
        return shapes.nullable(shapes.listing({"type": "string"}))
    elif kind == Kind.ADDRESS:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    elif kind == Kind.JSON:
        return {}
    else:
        made = {"type": "string"}
    return shapes.nullable(made)


def read_schema(of: Entity) -> Schema:
    """Return the schema of a record in an answer. Which fields are there depends on the caller's rights."""
    attributes = {f.name for f in of.model._meta.get_fields()}
    base = {
        "id": shapes.uuid(), "created_at": shapes.moment(), "updated_at": shapes.moment(), "version": shapes.integer(1),
    }
    properties = {name: base[name] for name in BASE if name in base and name in attributes}
    for f in (*of.own_fields.values(), *of.lent_fields.values()):
        properties[f.name] = {**read_value(f), "title": str(f.label)}
    custom = [f for f in of.all_fields().values() if f.custom]
    properties["custom"] = {"type": "object", "properties": {f.name: read_value(f) for f in custom}}
    made: Schema = {"type": "object", "properties": properties, "description": str(of.description or of.label)}
    return {**made, shapes.COMPONENT: shapes.component_name(of.name)}


# -- writing ----------------------------------------------------------------------------------------


def write_value(f: Field, *, filled: bool | None = None) -> Schema:
    """Return the schema of what may be written to a field; ``filled`` says that it always holds something."""
    filled = f.required if filled is None else filled
    made = _write(replace(f, required=filled))
    empty = not filled and f.kind not in (Kind.BOOLEAN, Kind.TAGS)
    if f.default is not None and f.kind in (*NUMERIC, Kind.CURRENCY, Kind.JSON):
        empty = False
    return shapes.nullable(made) if empty else made


def _write(f: Field) -> Schema:
    kind = f.kind
    if "among" in f.extra:
        names = shapes.one_of(f.extra["among"]())
        return names if f.required else {"anyOf": [names, shapes.text(max_length=0)]}
    if f.extra.get("format") == "uuid":
        return shapes.uuid()
    if kind in (Kind.TEXT, Kind.LONG_TEXT):
        limit = f.max_length or (MAX_TEXT if kind == Kind.LONG_TEXT else 1000)
        if "pattern" in f.extra:
            return shapes.text(max_length=limit, min_length=1, pattern=f.extra["pattern"])
        return shapes.text(max_length=limit, min_length=1, pattern=FILLED) if f.required else shapes.text(max_length=limit)
    if kind == Kind.EMAIL:
        return shapes.email() if f.required else {"anyOf": [shapes.email(), shapes.text(max_length=0)]}
    if kind == Kind.PHONE:
        return {"anyOf": [shapes.text(max_length=f.max_length or 40, pattern=PHONE), shapes.text(max_length=0)]}
    if kind == Kind.URL:
        limit = f.max_length or 500
        # Without a scheme it is stored with one.
        bare = shapes.text(max_length=limit - len("https://"), pattern=BARE_WEB)
        return {"anyOf": [shapes.text(max_length=limit, pattern=WEB), bare, shapes.text(max_length=0)]}
    if kind in (Kind.MONEY, Kind.NUMBER):
        return _amount(f)
    if kind == Kind.INTEGER:
        least = int(f.min_value) if f.min_value is not None else -2_147_483_648
        return shapes.integer(max(least, -2_147_483_647), min(int(f.max_value or 2_147_483_647), 2_147_483_647))
    if kind == Kind.BOOLEAN:
        return shapes.boolean()
    if kind == Kind.DATE:
        return shapes.date()
    if kind == Kind.DATETIME:
        return shapes.moment()
    if kind == Kind.CHOICE:
        values = shapes.one_of(c.value for c in f.options if c.value)
        return values if f.required else {"anyOf": [values, shapes.text(max_length=0)]}
    if kind == Kind.MULTI_CHOICE:
        return shapes.listing(shapes.one_of(c.value for c in f.options), most=200)
    if kind == Kind.CURRENCY:
        return _currency()
    if kind == Kind.TAGS:
        return shapes.listing(shapes.text(max_length=MAX_TAG, min_length=1, pattern=FILLED), most=50)
    if kind == Kind.ADDRESS:
        part = shapes.nullable(shapes.text(max_length=255))
        return {"type": "object", "properties": dict.fromkeys(ADDRESS_PARTS, part), "additionalProperties": False}
    if kind in LINKS:
        return _link(f)
    declared: Schema = f.extra.get("schema", {})
    return declared


def _amount(f: Field) -> Schema:
    cents = f.kind == Kind.MONEY or f.extra.get("places") == 2
    pattern = AMOUNT if cents else NUMBER
    if f.min_value is not None and f.min_value >= 0:
        pattern = pattern.replace("-?", "", 1)
    if f.min_value == 1:
        pattern = pattern.replace("[0-9]{1,15}", "[1-9][0-9]{0,14}").replace("[0-9]{1,18}", "[1-9][0-9]{0,17}")
    elif f.min_value is not None and (digits := _LEAST.fullmatch(str(f.min_value))):
        pattern = rf"^(?=[0-9]*[1-9]|0*\.0{{0,{len(digits[1])}}}[1-9]){pattern.removeprefix('^')}"
    number: Schema = {"type": "number"}
    if cents:
        number["multipleOf"] = 0.01
    number["minimum"] = float(f.min_value) if f.min_value is not None else -1e14
    number["maximum"] = float(f.max_value) if f.max_value is not None else 1e14
    return {"anyOf": [shapes.text(pattern=pattern, max_length=30), number]}


def _currency() -> Schema:
    codes = shapes.one_of(sorted(settings.CURRENCIES), "An ISO 4217 currency code.")
    return {**codes, shapes.COMPONENT: "Currency", shapes.REFUSAL: _("“%(value)s” is not an ISO 4217 currency code.")}


def _link(f: Field) -> Schema:
    by_name = f.find_or_make or f.extra.get("by_name") or f.kind == Kind.USER
    plain: list[Schema] = [shapes.uuid()]
    if by_name and not f.custom:
        plain.append(shapes.text(max_length=_longest_name(f), min_length=1, pattern=FILLED, description="By name."))
    whole = {
        "type": "object", "properties": {"id": shapes.uuid(), "name": {"type": ["string", "null"]}},
        "required": ["id"], "description": "As it is read.",
    }
    return {"anyOf": [*plain, whole]}


def _longest_name(f: Field) -> int:
    """Return how long a name can be that finds or makes what a link points to."""
    target = target_of(f)
    title = target.field(target.title[0]) if f.kind != Kind.USER and len(target.title) == 1 else None
    return min(254, title.max_length or 254) if title is not None else 254


def write_schema(of: Entity, *, whole: bool, existing: bool) -> Schema:
    """Return the schema of a body: with the required fields if ``whole``, for a record that there is if ``existing``."""
    properties: dict[str, Schema] = {}
    required: list[str] = []
    for f in of.own_fields.values():
        if f.writable and not f.computed:
            properties[f.name] = {**write_value(_with_pattern(of, f), filled=f.required or always_filled(of, f)), "title": str(f.label)}
            if whole and f.required and f.default is None:
                required.append(f.name)
    custom = [f for f in of.all_fields().values() if f.custom]
    if "custom" in of.abilities:
        properties["custom"] = {
            "type": "object", "additionalProperties": False,
            "properties": {f.name: {**write_value(f), "title": str(f.label)} for f in custom},
            "description": "Custom fields by key.",
        }
        if whole and any(f.required for f in custom):
            properties["custom"]["required"] = [f.name for f in custom if f.required]
            required.append("custom")
    if existing and _has_version(of):
        properties["version"] = shapes.integer(1, 2_147_483_647, "The version that was read: contested fields are refused with 412.")
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    made[shapes.READ_ONLY] = [*(n for n in (*BASE, *of.own_fields) if n not in properties)]
    if required:
        made["required"] = required
    kind = ("replace" if whole else "change") if existing else "create"
    return {**made, shapes.COMPONENT: shapes.component_name(of.name, kind)}


def _with_pattern(of: Entity, f: Field) -> Field:
    """Return a field with the pattern that its column demands."""
    pattern = pattern_of(of, f)
    return replace(f, extra={"pattern": pattern, **f.extra}) if pattern else f


def _has_version(of: Entity) -> bool:
    return any(f.name == "version" for f in of.model._meta.get_fields())


# -- lists ------------------------------------------------------------------------------------------

ARCHIVED = ("false", "true", "any")


def archives(of: Entity) -> bool:
    """Tell whether records of an entity can be put away."""
    return "archive" in of.abilities and issubclass(of.model, Record)


LOOKUPS_BY_KIND: dict[str, tuple[str, ...]] = {
    "key": ("", "ne", "in"),
    "text": ("", "ne", "in", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "isnull"),
    "ordered": ("", "ne", "gt", "gte", "lt", "lte", "in", "isnull"),
    "boolean": ("", "ne", "isnull"),
    "choice": ("", "ne", "in", "isnull"),
    "link": ("", "ne", "in", "isnull"),
    "tags": ("", "ne", "in", "isnull"),
}
_DOCUMENTED = {
    "key": ("",),
    "text": ("", "icontains"), "ordered": ("", "gte", "lte"), "boolean": ("",), "choice": ("", "in"),
    "link": ("", "isnull"), "tags": ("", "in"),
}


def family_of(f: Field) -> str:
    """Return the family of lookups that a field has."""
    if f.extra.get("format") == "uuid":
        return "key"
    if f.kind in TEXTUAL:
        return "text"
    if f.kind in NUMERIC or f.kind in TEMPORAL:
        return "ordered"
    if f.kind == Kind.BOOLEAN:
        return "boolean"
    if f.kind in LINKS:
        return "link"
    return "tags" if f.kind == Kind.TAGS else "choice"


def filter_parameters(of: Entity) -> list[Parameter]:
    """Return the filters of an entity's list as parameters; the rarer lookups are named in the description."""
    found = []
    for key, f in of.all_fields().items():
        if not filterable(f):
            continue
        for lookup in _DOCUMENTED[family_of(f)]:
            name = f"{key}__{lookup}" if lookup else key
            found.append(Parameter(name, _filter_value(f, lookup), str(f.label)))
    return found


def _filter_value(f: Field, lookup: str) -> Schema:
    if lookup == "isnull" or f.kind == Kind.BOOLEAN:
        return shapes.boolean()
    if lookup == "in":
        if f.kind in (Kind.CHOICE, Kind.MULTI_CHOICE) and f.options:
            words = "|".join(_NOT_PLAIN.sub(r"\\\g<0>", c.value) for c in f.options)
            return shapes.text(pattern=f"^(({words})(,({words})){{0,199}})?$")
        if f.kind == Kind.TAGS:
            return shapes.text(pattern=rf"^[^,\u0000]{{0,{MAX_TAG}}}(,[^,\u0000]{{0,{MAX_TAG}}}){{0,199}}$")
        return shapes.text(max_length=10_000)
    if f.kind in (Kind.CHOICE, Kind.MULTI_CHOICE):
        return shapes.one_of(c.value for c in f.options)
    if f.kind in LINKS:
        if not f.custom and (f.kind == Kind.USER or f.find_or_make or f.extra.get("by_name")):
            means = "An id, an e-mail address, `me` or `null`." if f.kind == Kind.USER else "An id, a name or `null`."
            return shapes.text(max_length=254, min_length=1, description=means)
        return {"anyOf": [shapes.uuid(), shapes.one_of(["null"])]}
    if f.kind == Kind.INTEGER:
        return shapes.integer(-2_147_483_647, 2_147_483_647)
    if f.kind in NUMERIC:
        return shapes.text(pattern=AMOUNT)
    if f.kind == Kind.DATE:
        return shapes.date()
    if f.kind == Kind.DATETIME:
        return {"anyOf": [shapes.moment(), shapes.date()]}
    if f.kind == Kind.TAGS:
        return shapes.text(max_length=MAX_TAG, min_length=1, description="The name or the id of a tag.")
    if family_of(f) == "key":
        return shapes.uuid()
    return shapes.text(max_length=300)


def sort_names(of: Entity) -> list[str]:
    """Return the names that lists of an entity can be sorted by."""
    names = [k for k, f in of.all_fields().items() if sortable(f)]
    attributes = {f.name for f in of.model._meta.get_fields()}
    return [*names, *(n for n in ("id", "created_at", "updated_at", "version") if n in attributes and n not in names)]


def field_names(of: Entity) -> list[str]:
    """Return the names that ``fields`` may list."""
    attributes = {f.name for f in of.model._meta.get_fields()}
    base = [n for n in BASE if n == "custom" or n in attributes]
    return list(dict.fromkeys([*base, *of.all_fields()]))


def include_names(of: Entity) -> list[str]:
    """Return the relations that ``include`` may list."""
    return [f.name for f in of.own_fields.values() if f.kind in LINKS]


def words_parameter(name: str, allowed: list[str], description: str, *, signed: bool = False) -> Parameter:
    """Return a parameter that lists names, separated by commas."""
    words = "|".join(n.replace(".", r"\.") for n in allowed)
    sign = "-?" if signed else ""
    return Parameter(name, shapes.text(pattern=f"^{sign}({words})(,{sign}({words})){{0,9}}$"), description)


def fields_parameters(of: Entity) -> list[Parameter]:
    """Return the parameters that choose what of a record is shown."""
    found = [words_parameter("fields", field_names(of), "Only these fields, separated by commas.")]
    if include_names(of):
        found.append(words_parameter("include", include_names(of), "Related records in full, separated by commas."))
    return found


def list_parameters(view: Any) -> tuple[Parameter, ...]:
    """Return every parameter of an entity's list."""
    of: Entity = view.entity
    paging = [
        Parameter("page", shapes.integer(1, 100_000), "The page, from 1. Not together with `cursor`."),
        Parameter("limit", shapes.integer(1, 200), "Records a page, 20 by default."),
        Parameter("cursor", shapes.text(max_length=4_000, pattern=CURSOR),
                  "Keyset paging: stable under writes and fast on any page. Empty to begin; then what `next_cursor` said."),
        words_parameter(
            "sort", sort_names(of), "Fields to sort by, separated by commas; a minus for descending. What is empty comes last "
            "either way; links go by the titles of their records.", signed=True,
        ),
        Parameter("q", shapes.text(max_length=200), "Words to search for."),
        Parameter("filter", {"type": "string", "maxLength": 20_000, "contentMediaType": "application/json"},
                  "Nested conditions of the query builder, as JSON."),
        Parameter("view", shapes.uuid(), "A saved view: its filter, and its order unless `sort` is given."),
    ]
    if archives(of):
        paging.append(Parameter("archived", shapes.one_of(ARCHIVED), "Archived records: left out by default, only these, or both."))
    return (*paging, *fields_parameters(of), *filter_parameters(of))
