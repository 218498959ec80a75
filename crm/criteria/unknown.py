"""What a tree asks about that somebody else may not ask: a role's condition must not tell of a field hidden from it."""

from dataclasses import dataclass
from typing import Any

from django.db import models

from crm.criteria.operators import MEASURES
from crm.criteria.vocabulary import vocabulary_of


@dataclass(frozen=True)
class Unknown:
    """One word of a tree that its audience does not know: where it stands, and what people call it."""

    path: str
    label: str


def unknown_to(tree: Any, model: type[models.Model], audience: Any) -> list[Unknown]:
    """Return the fields and related records of a tree that exist and that ``audience`` may not ask about."""
    found: list[Unknown] = []
    _walk({k: v for k, v in tree.items() if k != "version"}, model, audience, "", found)
    return found


def _walk(node: dict[str, Any], model: type[models.Model], audience: Any, path: str, found: list[Unknown]) -> None:
    def at(*parts: Any) -> str:
        return ".".join([p for p in (path, *(str(p) for p in parts)) if p])

    for kind in ("all", "any"):
        for i, item in enumerate(node.get(kind, ())):
            _walk(item, model, audience, at(kind, i), found)
    if "not" in node:
        _walk(node["not"], model, audience, at("not"), found)
    everything, known = vocabulary_of(model, None), vocabulary_of(model, audience)
    asked = everything.fields.get(node.get("field", ""))
    if asked is not None and asked.name not in known.fields:
        found.append(Unknown(at("field"), str(asked.label)))
    related = everything.related.get(node["related"]) if "related" in node else None
    if related is None:
        return
    if related.name not in known.related:
        found.append(Unknown(at("related"), str(related.label)))
    measure = next((m for m in MEASURES if m in node), "")
    measured = vocabulary_of(related.model, None).fields.get(node.get(measure, ""))
    if measured is not None and measured.name not in vocabulary_of(related.model, audience).fields:
        found.append(Unknown(at(measure), str(measured.label)))
    if "where" in node:
        _walk(node["where"], related.model, audience, at("where"), found)
