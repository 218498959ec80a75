"""JSON schemas in a few words: what bodies and answers are declared with, checked against and documented by.

    shape(stage=text(max_length=60), version=optional(integer(1)))
"""

import re
from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

# NUL cannot be stored, so no text may hold it.
STORABLE = r"^[^\u0000]*$"
_OPTIONAL = "x-optional"
COMPONENT = "x-component"
"""Names a schema that the document keeps once and refers to."""
READ_ONLY = "x-read-only"
"""Names what is read and never written, so that a refusal can say so (the document leaves it out)."""
REFUSAL = "x-refusal"
"""The sentence that refuses what is not among the values, with ``%(value)s`` (the document leaves it out)."""

DOCUMENTED = "x-documented"
"""What the document shows in the place of a schema that the door takes more loosely, to refuse its parts one by one."""


def text(
    *, max_length: int | None = None, min_length: int = 0, pattern: str = STORABLE, description: str = ""
) -> Schema:
    """Return the schema of a text."""
    made: Schema = {"type": "string", "pattern": pattern}
    if max_length is not None:
        made["maxLength"] = max_length
    if min_length:
        made["minLength"] = min_length
    return _described(made, description)


def integer(least: int | None = None, most: int | None = None, description: str = "") -> Schema:
    """Return the schema of a whole number."""
    made: Schema = {"type": "integer"}
    if least is not None:
        made["minimum"] = least
    if most is not None:
        made["maximum"] = most
    return _described(made, description)


def number(description: str = "") -> Schema:
    """Return the schema of a number."""
    return _described({"type": "number"}, description)


def decimal(description: str = "") -> Schema:
    """Return the schema of a decimal number written as a text."""
    return _described({"type": "string", "format": "decimal", "pattern": r"^-?\d+(\.\d+)?$"}, description)


def boolean(description: str = "") -> Schema:
    """Return the schema of true or false."""
    return _described({"type": "boolean"}, description)


def uuid(description: str = "") -> Schema:
    """Return the schema of an identifier."""
    return _described({"type": "string", "format": "uuid"}, description)


def date(description: str = "") -> Schema:
    """Return the schema of a day."""
    return _described({"type": "string", "format": "date"}, description)


def moment(description: str = "") -> Schema:
    """Return the schema of a point in time."""
    return _described({"type": "string", "format": "date-time"}, description)


def email(description: str = "") -> Schema:
    """Return the schema of an e-mail address."""
    return _described({"type": "string", "format": "email", "maxLength": 254}, description)


def one_of(values: Iterable[Any], description: str = "") -> Schema:
    """Return the schema of a value out of a few."""
    return _described({"type": "string", "enum": [str(v) for v in values]}, description)


def listing(items: Schema, *, most: int | None = None, least: int = 0, description: str = "") -> Schema:
    """Return the schema of a list."""
    made: Schema = {"type": "array", "items": items}
    if most is not None:
        made["maxItems"] = most
    if least:
        made["minItems"] = least
    return _described(made, description)


def anything(description: str = "") -> Schema:
    """Return the schema of any JSON value."""
    return _described({}, description)


def mapping(values: Schema | None = None, description: str = "") -> Schema:
    """Return the schema of an object with keys of any name."""
    return _described({"type": "object", "additionalProperties": values if values is not None else {}}, description)


def nullable(schema: Schema) -> Schema:
    """Return the schema that also takes null."""
    if "type" in schema and isinstance(schema["type"], str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def optional(schema: Schema) -> Schema:
    """Mark a property of a ``shape`` as one that may be left out."""
    return {**schema, _OPTIONAL: True}


def shape(_description: str = "", /, **properties: Schema) -> Schema:
    """Return the schema of an object with exactly these properties."""
    return shape_of(properties, description=_description)


def shape_of(properties: dict[str, Schema], *, description: str = "", extra: Schema | None = None) -> Schema:
    """Return the schema of an object; ``optional`` properties may be absent, others are required."""
    plain = {n: {k: v for k, v in p.items() if k != _OPTIONAL} for n, p in properties.items()}
    made: Schema = {"type": "object", "properties": plain, "additionalProperties": False}
    required = [n for n, p in properties.items() if not p.get(_OPTIONAL)]
    if required:
        made["required"] = required
    return _described({**made, **(extra or {})}, description)


def reference(of: str = "") -> Schema:
    """Return the schema of a related record as it is read: its id, and its name if the caller may see it."""
    return shape_of({"id": uuid(), "name": nullable({"type": "string"})}, description=of)


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": str(description)} if description else schema


def component_name(*words: str) -> str:
    """Return the name of a shared schema: ``custom_field``, ``write`` make ``CustomFieldWrite``."""
    return "".join(part.capitalize() for word in words for part in re.split(r"[^A-Za-z0-9]+", word))
