"""What may be asked about records: every field of every entity, and everything that refers to it.

Fields that the viewer may not read are not part of the vocabulary, so asking about them is like asking about
a field that does not exist.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Q, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from crm.access.policy import FieldRights, field_rights, visible_to
from crm.criteria.vocabulary import Askable, Related, Type, Vocabulary, vocabularies_from
from crm.records.entity import Entity, all_entities, entity, entity_of, has_entity
from crm.records.fields import NUMERIC, TEXTUAL, Field, Kind
from crm.records.models import Comment, Document, Note, Tag
from crm.records.services.values import ADDRESS_LABELS, ADDRESS_PARTS

_TYPES = {
    Kind.DATE: Type.DATE, Kind.DATETIME: Type.MOMENT, Kind.BOOLEAN: Type.BOOLEAN, Kind.CHOICE: Type.CHOICE,
    Kind.MULTI_CHOICE: Type.CHOICES, Kind.TAGS: Type.TAGS, Kind.USER: Type.USER, Kind.LINK: Type.LINK,
    **dict.fromkeys(TEXTUAL, Type.TEXT), **dict.fromkeys(NUMERIC, Type.NUMBER),
}
_ATTACHED: tuple[tuple[str, str, type[models.Model]], ...] = (
    ("notes", "notes", Note), ("comments", "comments", Comment), ("documents", "documents", Document),
)


def vocabulary(model: type[models.Model], viewer: Any) -> Vocabulary | None:
    """Return what ``viewer`` may ask about an entity's records (None: everything); None for other models."""
    if not has_entity(model):
        return None
    of = entity_of(model)
    rights = FieldRights() if viewer is None else field_rights(viewer, model)
    fields: dict[str, Askable] = {}
    for key, f in of.all_fields().items():
        if f.filterable and rights.can_read(key) and not _reveals(of, f, rights):
            fields.update((a.name, a) for a in _askables(of, key, f))
    fields.setdefault("id", Askable("id", Type.LINK, _("Id"), path="pk", resolve=_itself(model), target=of.name))
    related = {name: r for name, r in _links(of).items() if rights.can_read(name)}
    for name, r in _referring(of).items():
        # A field right on the referring entity's link hides the way back as well.
        if viewer is None or field_rights(viewer, r.model).can_read(r.inner):
            related.setdefault(name, r)
    return Vocabulary(fields, related)


vocabularies_from(vocabulary)


def _reveals(of: Entity, f: Field, rights: FieldRights) -> bool:
    """Tell whether a composed column (the sort key) is made of a field that is hidden."""
    return any(name in rights.hidden for name in _parts(_column(of.model, f.source)))


def _parts(column: Any) -> set[str]:
    """Return the names of the columns that a generated column is made of."""
    if not isinstance(column, models.GeneratedField):
        return set()
    expression: Any = column.expression  # type: ignore[attr-defined]
    return {part.name for part in expression.flatten() if isinstance(part, models.F)}  # type: ignore[attr-defined]


def _askables(of: Entity, key: str, f: Field) -> list[Askable]:
    """Return what may be asked about one field; an address is asked about part by part."""
    if f.kind == Kind.ADDRESS:
        return [_part_of_address(key, f, part) for part in ADDRESS_PARTS]
    if f.extra.get("format") == "uuid":
        return [Askable(key, Type.LINK, f.label, path=f.source, resolve=_any_id, group=f.group)]
    if f.kind not in _TYPES:
        return []
    kind = _TYPES[f.kind]
    options = (lambda: [(c.value, c.label) for c in f.options]) if kind in (Type.CHOICE, Type.CHOICES) else None
    resolve = title = None
    target = "user" if kind == Type.USER else f.link
    if kind in (Type.LINK, Type.USER):
        resolve, title = _resolver(target), _titles(target)
    elif kind == Type.TAGS:
        resolve, title = _tags, _tag_name
    column = None if f.custom or f.computed else _column(of.model, f.source)
    base = _column(of.model, f"{f.source}_base")
    return [
        Askable(
            name=key, type=kind, label=f.label, group=f.group, options=options, resolve=resolve, title=title,
            target=target, path="" if f.custom or f.computed else f.source, json=f.name if f.custom else "",
            expression=f.expression, folded=isinstance(column, models.GeneratedField) and f.source == "sort_key",
            narrow="search_text" if column is not None and column.name in _parts(_column(of.model, "search_text")) else "",
            total=base.name if base is not None else "", extra={"kind": str(f.kind)},
        )
    ]


def _part_of_address(key: str, f: Field, part: str) -> Askable:
    def text(viewer: Any) -> Any:
        return Cast(KeyTextTransform(part, f.source), TextField())

    return Askable(f"{key}.{part}", Type.TEXT, format_lazy("{}: {}", f.label, ADDRESS_LABELS[part]), expression=text, group=f.group)


def _column(model: type[models.Model], name: str) -> Any:
    return next((c for c in model._meta.concrete_fields if c.name == name), None)


# -- what values name -------------------------------------------------------------------------------


def _resolver(target: str) -> Callable[[Any, Any], list[Any]]:
    def resolve(viewer: Any, value: Any) -> list[Any]:
        of = entity(target)
        rows = visible_to(viewer, of.model)
        try:
            return list(rows.filter(pk=uuid.UUID(str(value))).values_list("pk", flat=True))
        except ValueError:
            return list(rows.filter(_named(of, str(value))).values_list("pk", flat=True)[:500])

    return resolve


def _named(of: Entity, value: str) -> Q:
    """Return the clause for rows of this code, e-mail address or title, whatever its case."""
    found = Q(pk__in=[])
    names = {f.source for f in of.fields if f.name in ("code", "email") or (f.name in of.title and len(of.title) == 1)}
    for name in names:
        found |= Q(**{f"{name}__iexact": value})
    return found


def _titles(target: str) -> Callable[[Any, Any], str]:
    def title(viewer: Any, value: Any) -> str:
        keys = _resolver(target)(viewer, value)
        row = entity(target).model._default_manager.filter(pk__in=keys[:1]).first()
        return str(row) if row is not None else str(value)

    return title


def _any_id(viewer: Any, value: Any) -> list[Any]:
    """Return an id as it is: the rows that bear it are narrowed by their own policy."""
    try:
        return [uuid.UUID(str(value))]
    except ValueError:
        return []


def _itself(model: type[models.Model]) -> Callable[[Any, Any], list[Any]]:
    def resolve(viewer: Any, value: Any) -> list[Any]:
        try:
            return list(visible_to(viewer, model).filter(pk=uuid.UUID(str(value))).values_list("pk", flat=True))
        except ValueError:
            return []

    return resolve


def _tags(viewer: Any, value: Any) -> list[Any]:
    try:
        rows = Tag.objects.filter(pk=uuid.UUID(str(value)))
    except ValueError:
        rows = Tag.objects.filter(name__iexact=str(value))
    return list(rows.values_list("pk", flat=True))


def _tag_name(viewer: Any, value: Any) -> str:
    try:
        row = Tag.objects.filter(pk=uuid.UUID(str(value))).first()
    except ValueError:
        row = None
    return row.name if row else str(value)


# -- what is related --------------------------------------------------------------------------------


def _links(of: Entity) -> dict[str, Related]:
    """Return the records that an entity's own fields point to."""
    found = {}
    for f in of.fields:
        if f.kind in (Kind.LINK, Kind.USER) and not f.computed and _column(of.model, f.source) is not None:
            target = entity("user" if f.kind == Kind.USER else f.link)
            found[f.name] = Related(f.name, f.label, target.model, inner="pk", outer=f"{f.source}_id", one=True)
    return found


def _referring(of: Entity) -> dict[str, Related]:
    """Return the records of other entities whose fields point here, under Django's name for the way back."""
    found: dict[str, Related] = {}
    for other in all_entities().values():
        for f in other.fields:
            column = _column(other.model, f.source) if f.kind in (Kind.LINK, Kind.USER) else None
            if column is None or column.related_model is not of.model or "reference" in of.abilities:
                continue
            name = column.remote_field.related_name or ""
            if name and not name.endswith("+"):
                label = other.label_plural if other is not of else capfirst(name.replace("_", " "))
                found[name] = Related(name, label, other.model, inner=column.name)
    for ability, name, model in _ATTACHED:
        if ability in of.abilities:
            label = capfirst(str(model._meta.verbose_name_plural))
            found[name] = Related(name, label, model, inner="record_id", only=Q(entity=of.name))
    return found
