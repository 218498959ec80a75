"""Checks a value against its declared schema: what the document says is what is enforced."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from crm.api.schema.shapes import READ_ONLY, REFUSAL, Schema
from crm.lib.errors import Detail, Invalid

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def check(schema: Schema, value: Any, at: str = "") -> None:
    """Raise ``Invalid`` with every detail unless ``value`` fits ``schema``."""
    problems = list(problems_of(schema, value, at))
    if problems:
        if len(problems) == 1:
            message = f"{problems[0].field}: {problems[0].message}" if problems[0].field else problems[0].message
        else:
            message = _("%(count)d values are not valid.") % {"count": len(problems)}
        raise Invalid(message, details=problems)


def problems_of(schema: Schema, value: Any, at: str = "") -> Iterator[Detail]:
    """Yield what does not fit, with dotted names."""
    options = schema.get("anyOf")
    if options is not None:
        found = [list(problems_of(option, value, at)) for option in options]
        if all(found):
            fitting = [f for f, option in zip(found, options, strict=True) if _same_type(value, option)]
            if fitting:
                yield from min(fitting, key=len)
            else:
                yield _of_type(at, [name for option in options for name in _types(option)])
        return
    expected = schema.get("type")
    names = [expected] if isinstance(expected, str) else list(expected or ())
    if names and not any(_is(value, name) for name in names):
        yield _of_type(at, names)
        return
    if "enum" in schema and value not in schema["enum"]:
        said = schema.get(REFUSAL) or _("“%(value)s” is not one of: %(allowed)s.")
        yield Detail(at, said % {"value": str(value)[:60], "allowed": ", ".join(str(v) for v in schema["enum"][:20])})
    elif isinstance(value, str):
        yield from _text(schema, value, at)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        if "minimum" in schema and value < schema["minimum"]:
            yield Detail(at, _("It must be at least %(limit)s.") % {"limit": _plain(schema["minimum"])})
        if "maximum" in schema and value > schema["maximum"]:
            yield Detail(at, _("It must be at most %(limit)s.") % {"limit": _plain(schema["maximum"])})
    elif isinstance(value, list):
        yield from _list(schema, value, at)
    elif isinstance(value, dict):
        yield from _object(schema, value, at)


def _types(option: Schema) -> list[str]:
    if "anyOf" in option:
        return [name for inner in option["anyOf"] for name in _types(inner)]
    expected = option.get("type")
    return [expected] if isinstance(expected, str) else list(expected or ())


def _of_type(at: str, names: list[str]) -> Detail:
    return Detail(at, _("Expected is: %(types)s.") % {"types": ", ".join(dict.fromkeys(names))})


def _same_type(value: Any, option: Schema) -> bool:
    names = _types(option)
    return not names or any(_is(value, name) for name in names)


def _plain(limit: float) -> str:
    return str(int(limit)) if float(limit).is_integer() else str(limit)


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _text(schema: Schema, value: str, at: str) -> Iterator[Detail]:
    if len(value) > schema.get("maxLength", len(value)):
        limits = {"limit": schema["maxLength"], "count": len(value)}
        yield Detail(at, _("At most %(limit)d characters; this has %(count)d.") % limits)
        return
    if len(value) < schema.get("minLength", 0):
        yield Detail(at, _("This field is required.") if not value else _("It is too short."))
        return
    message = _FORMATS[schema["format"]](value) if schema.get("format") in _FORMATS else None
    if message:
        yield Detail(at, message)
    elif "pattern" in schema and "minLength" in schema and not value.strip():
        yield Detail(at, _("This field is required."))
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield Detail(at, _("“%(value)s” has not the form that is expected.") % {"value": value[:60]})


def _list(schema: Schema, value: list[Any], at: str) -> Iterator[Detail]:
    if len(value) > schema.get("maxItems", len(value)):
        yield Detail(at, _("At most %(limit)d entries; these are %(count)d.") % {"limit": schema["maxItems"], "count": len(value)})
        return
    if len(value) < schema.get("minItems", 0):
        yield Detail(at, _("At least %(limit)d entries.") % {"limit": schema["minItems"]})
    for index, item in enumerate(value):
        yield from problems_of(schema.get("items", {}), item, _join(at, str(index)))


def _object(schema: Schema, value: dict[str, Any], at: str) -> Iterator[Detail]:
    properties = schema.get("properties", {})
    more = schema.get("additionalProperties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield Detail(_join(at, name), _("This field is required."))
    if len(value) < schema.get("minProperties", 0):
        yield Detail(at, _("Something is expected here."))
    for name, inner in value.items():
        if name in properties:
            yield from problems_of(properties[name], inner, _join(at, name))
        elif more is False:
            known = name in schema.get(READ_ONLY, ())
            message = _("“%(name)s” cannot be written.") if known else _("Unknown field “%(name)s”.")
            yield Detail(_join(at, name[:80]), message % {"name": name[:80]})
        elif isinstance(more, dict):
            yield from problems_of(more, inner, _join(at, name[:80]))


def _join(*parts: str) -> str:
    return ".".join(p for p in parts if p)


def _uuid(value: str) -> str | None:
    try:
        return None if str(uuid.UUID(value)) == value.lower() else _("“%(value)s” is not an id.") % {"value": value[:60]}
    except ValueError:
        return _("“%(value)s” is not an id.") % {"value": value[:60]}


def _date(value: str) -> str | None:
    try:
        found = parse_date(value)
    except ValueError:
        found = None
    return None if found else _("“%(value)s” is not a date; write it as YYYY-MM-DD.") % {"value": value[:40]}


def _moment(value: str) -> str | None:
    try:
        found: dt.datetime | None = parse_datetime(value)
    except ValueError:
        found = None
    if found:
        return None
    return _("“%(value)s” is not a date and time; write it as YYYY-MM-DDThh:mm:ssZ.") % {"value": value[:40]}


def _email(value: str) -> str | None:
    try:
        validate_email(value)
    except ValidationError:
        return _("“%(value)s” is not an e-mail address.") % {"value": value[:80]}
    return None


_FORMATS = {"uuid": _uuid, "date": _date, "date-time": _moment, "email": _email}
