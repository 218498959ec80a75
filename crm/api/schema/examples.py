"""Examples of bodies, made from what an entity declares."""

from collections.abc import Iterator
from typing import Any

from crm.api.schema.checking import problems_of
from crm.api.schema.shapes import Schema
from crm.records.entity import Entity
from crm.records.fields import LINKS, NUMERIC, Field, Kind

_USUAL: dict[Kind, Any] = {
    Kind.EMAIL: "ada@example.com", Kind.PHONE: "+1 415 555 0101", Kind.URL: "https://example.com", Kind.DATE: "2030-01-31",
    Kind.DATETIME: "2030-01-31T09:00:00Z", Kind.BOOLEAN: True, Kind.CURRENCY: "EUR", Kind.TAGS: ["vip"],
}
_SOME_ID = "01980000-0000-7000-8000-000000000000"


def example_of(of: Entity, body: Schema) -> dict[str, Any] | None:
    """Return a new record as a client would send it, with what matters most; None where a required value is not known."""
    made: dict[str, Any] = {}
    for name, schema in body["properties"].items():
        f = of.own_fields.get(name)
        if f is None or not (f.required or f.in_list or f.quick or name in of.title) or (f.kind in LINKS and not f.required):
            continue
        fitting = next((value for value in _values(f) if not list(problems_of(schema, value))), None)
        if fitting is not None:
            made[name] = fitting
    return made if made and set(body.get("required", ())) <= made.keys() else None


def _values(f: Field) -> Iterator[Any]:
    """Yield what may stand in a field, the nicest first."""
    if f.kind in (Kind.CHOICE, Kind.MULTI_CHOICE):
        yield from ([c.value] if f.kind == Kind.MULTI_CHOICE else c.value for c in f.options)
    elif "among" in f.extra:
        yield from f.extra["among"]()
    elif f.kind in NUMERIC:
        yield from ("1500.00", "1", 1)
    elif f.kind in LINKS or f.extra.get("format") == "uuid":
        yield _SOME_ID
    elif f.kind in _USUAL:
        yield _USUAL[f.kind]
    elif f.kind in (Kind.TEXT, Kind.LONG_TEXT):
        yield from (str(f.label), "EXAMPLE", "example")
