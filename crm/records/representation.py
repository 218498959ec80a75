"""A record as plain values: what the API answers, exports write, and webhooks send.

One statement reads any number of records, related names included, without making model instances. A related
record is ``{"id", "name"}``; the name is null when the viewer may not see it. Hidden fields are absent.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, NullIf, Trim

from crm.access.policy import EVERYTHING, SYSTEM, field_rights, policy_of, visible_to
from crm.access.rights import rights_of
from crm.lib.prepared import PreparedRows, Shelf
from crm.records.entity import Entity, entity
from crm.records.fields import LINKS, Field, Kind

BASE = ("id", "created_at", "updated_at", "version", "custom")
"""What every record carries besides its fields."""

# By entity, rights and fields: building a statement costs more than asking it.
_statements: Shelf[PreparedRows] = Shelf()


def represent(
    obj: Any, of: Entity, user: Any, *, fields: Iterable[str] | None = None, include: Iterable[str] = ()
) -> dict[str, Any]:
    """Return one record as ``user`` may see it."""
    return Representation(of, user, fields=fields, include=include).by_id([obj.pk])[0]


class Representation:
    """How records of an entity are shown to a user: which fields, and which related records in full."""

    def __init__(
        self, of: Entity, user: Any, *, fields: Iterable[str] | None = None, include: Iterable[str] = ()
    ) -> None:
        self.entity = of
        self.user = user
        self.include = tuple(include)
        readable = of.fields_for(user)
        wanted = None if fields is None else set(fields)
        attributes = {f.name for f in of.model._meta.get_fields()}
        self.base = [n for n in BASE if n != "custom" and n not in readable and n in attributes and _asked(n, wanted)]
        self.fields = {
            k: f for k, f in readable.items()
            if not f.custom and (_asked(k, wanted) or k in self.include) and (wanted is not None or not f.lent)
        }
        self.custom = [
            f.name for k, f in readable.items()
            if f.custom and (wanted is None or "custom" in wanted or k in wanted)
        ]
        self.custom_links = [f for k, f in readable.items() if f.custom and f.kind in LINKS and f.name in self.custom]
        self.has_custom = wanted is None or "custom" in wanted or any(k.startswith("custom.") for k in wanted)

    def rows(self, queryset: QuerySet[Any], *extra: str) -> list[dict[str, Any]]:
        """Return the records of ``queryset`` in its order; ``extra`` names are kept under ``_`` in each row."""
        return self._finish(list(self.values(queryset, *extra)), extra)

    def by_id(self, ids: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the records with these ids in their order, in the trash or not (whoever asks has asked for rights)."""
        manager = getattr(self.entity.model, "everything", self.entity.model._default_manager)
        fingerprint = b"" if self.user is SYSTEM else rights_of(self.user).fingerprint
        if not fingerprint:
            values = list(self.values(manager.filter(pk__in=ids), "id"))
        else:
            # One id by itself: the server keeps the plan of that, and makes the plan of a short array anew each time.
            one = len(ids) == 1
            key = (self.entity.name, fingerprint, *self.base, "", *self.fields, bool(self.custom), one)
            query = _statements.get(key, lambda: PreparedRows(
                (lambda some: self.values(manager.filter(pk=some), "id")) if one
                else (lambda some: self.values(manager.filter(pk__among=some), "id")),
                [uuid.UUID(int=1) if one else [uuid.UUID(int=1)]],
            ))
            values = query.rows(ids[0] if one else list(ids))
        found = {row["id"]: row for row in values}
        return self._finish([found[pk] for pk in ids if pk in found], ())

    def finished(self, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return raw ``values`` as the records they stand for."""
        return self._finish(values, ())

    def custom_names(self, values: list[dict[str, Any]]) -> dict[tuple[str, Any], str]:
        """Return the titles of what custom fields of raw ``values`` link to, by field and id: one statement for each field."""
        found = {}
        for f in self.custom_links:
            ids = {key for row in values if (key := (row.get("custom") or {}).get(f.name))}
            found.update({(f.name, pk): name for pk, name in self._titles(f, ids).items()})
        return found

    def _finish(self, values: list[dict[str, Any]], extra: Iterable[str]) -> list[dict[str, Any]]:
        made = [self._shape(row, extra) for row in values]
        for f in self.custom_links:
            self._name(f, made)
        for name in self.include:
            self._include(name, made)
        return made

    def values(self, queryset: QuerySet[Any], *extra: str) -> Any:
        """Return ``queryset`` as raw rows with everything that the representation needs."""
        names: list[str] = [*self.base]
        annotations: dict[str, Any] = {}
        for f in self.fields.values():
            if f.kind in LINKS:
                names.append(_id_of(f))
                annotations[f"_name_{f.name}"] = related_name(f, self.user)
                if has_code(target_of(f)):
                    names.append(f"{f.source}__code")
            elif f.kind == Kind.TAGS:
                annotations[f"_tags_{f.name}"] = tag_names(self.entity.model)
            elif f.expression is not None:
                annotations[f"_value_{f.name}"] = f.expression(self.user)
            elif f.extra.get("display") == "name":
                annotations[f"_value_{f.name}"] = title_expression(self.entity)
            else:
                names.append(f.source)
        if self.custom:
            names.append("custom")
        return queryset.annotate(**annotations).values(*dict.fromkeys([*names, *annotations, *extra]))

    def _shape(self, row: dict[str, Any], extra: Iterable[str]) -> dict[str, Any]:
        made: dict[str, Any] = {name: row[name] for name in self.base}
        for f in self.fields.values():
            if f.kind in LINKS:
                made[f.name] = _link(f, row)
            elif f.kind == Kind.TAGS:
                made[f.name] = row[f"_tags_{f.name}"]
            elif f"_value_{f.name}" in row:
                made[f.name] = row[f"_value_{f.name}"]
            else:
                made[f.name] = row[f.source]
        if self.has_custom:
            stored = row.get("custom") or {}
            made["custom"] = {name: stored.get(name) for name in self.custom}
        if extra:
            made["_"] = {name: row[name] for name in extra}
        return made

    def _name(self, f: Field, rows: list[dict[str, Any]]) -> None:
        """Give the links of a custom field the names that the user may see."""
        names = self._titles(f, {row["custom"][f.name] for row in rows if row["custom"][f.name]})
        for row in rows:
            if found := row["custom"][f.name]:
                row["custom"][f.name] = {"id": found, "name": names.get(found)}

    def _titles(self, f: Field, ids: set[Any]) -> dict[str, str]:
        """Return the titles of the records with these ids that the user may see and read."""
        target = target_of(f)
        if not ids or not title_readable(self.user, target):
            return {}
        seen = visible_to(self.user, target.model).filter(pk__in=ids).order_by()
        return {str(pk): name for pk, name in seen.annotate(_title=title_expression(target)).values_list("pk", "_title")}

    def _include(self, name: str, rows: list[dict[str, Any]]) -> None:
        f = self.fields[name]
        target = target_of(f)
        ids = {row[name]["id"] for row in rows if row[name]}
        shown = Representation(target, self.user)
        found = {r["id"]: r for r in shown.rows(visible_to(self.user, target.model).filter(pk__in=ids))} if ids else {}
        for row in rows:
            if row[name] and row[name]["id"] in found:
                row[name] = {**row[name], **found[row[name]["id"]]}


def _asked(name: str, wanted: set[str] | None) -> bool:
    return wanted is None or name in wanted


def target_of(f: Field) -> Entity:
    """Return the entity that a link points to."""
    return entity("user" if f.kind == Kind.USER else f.link)


def has_code(of: Entity) -> bool:
    """Tell whether links to this entity show its code too (reference data that everyone reads)."""
    return "reference" in of.abilities and "code" in of.own_fields


def _id_of(f: Field) -> str:
    return f"{f.source}_id"


def _link(f: Field, row: dict[str, Any]) -> dict[str, Any] | None:
    found = row[_id_of(f)]
    if found is None:
        return None
    made = {"id": found, "name": row[f"_name_{f.name}"]}
    if f"{f.source}__code" in row:
        made["code"] = row[f"{f.source}__code"]
    return made


def sees_all(user: Any, of: Entity) -> bool:
    """Tell whether the user sees every record of an entity, and all that its title is made of."""
    if user is SYSTEM:
        return True
    return policy_of(of.model).rows(rights_of(user), user, "view") == EVERYTHING


def title_readable(user: Any, of: Entity) -> bool:
    """Tell whether the user may read the fields that the title is made of."""
    rights = field_rights(user, of.model)
    return all(rights.can_read(name) for name in of.title)


def title_expression(of: Entity, prefix: str = "") -> Any:
    """Return the expression of a record's title; ``prefix`` is the path to it."""
    if len(of.title) == 1:
        return F(prefix + of.title[0])
    parts: list[Any] = []
    for name in of.title:
        if parts:
            parts.append(_text(" "))
        parts.append(F(prefix + name))
    words = NullIf(Trim(Concat(*parts, output_field=_TEXT), output_field=_TEXT), _text(""), output_field=_TEXT)
    if "email" not in of.own_fields:
        return Coalesce(words, _text(""), output_field=_TEXT)
    return Coalesce(words, F(f"{prefix}email"), Cast(F(f"{prefix}pk"), _TEXT), output_field=_TEXT)


# One for all: a new field for each expression costs more than the rest of it.
_TEXT = TextField()


def _text(value: str) -> Value:
    return Value(value, output_field=_TEXT)


def related_name(f: Field, user: Any) -> Any:
    """Return the expression of a linked record's title: null when the user may not see that record."""
    target = target_of(f)
    if not title_readable(user, target):
        return Value(None, output_field=_TEXT)
    if sees_all(user, target):
        title = title_expression(target, f"{f.source}__")
        if "deleted_at" in {g.name for g in target.model._meta.get_fields()}:
            return Case(When(**{f"{f.source}__deleted_at__isnull": True}, then=title), output_field=_TEXT)
        return title
    seen = visible_to(user, target.model).filter(pk=OuterRef(_id_of(f)))
    return Subquery(seen.order_by().annotate(_title=title_expression(target)).values("_title")[:1])


def tag_names(model: Any) -> ArraySubquery:
    """Return the expression of a record's tag names, in order."""
    through = model._meta.get_field("tags").remote_field.through
    column = next(f.name for f in through._meta.get_fields() if getattr(f, "related_model", None) is model)
    rows = through._default_manager.filter(**{f"{column}_id": OuterRef("pk")})
    return ArraySubquery(rows.order_by("tag__name").values("tag__name"))
