"""Merging duplicates (D3): one survives, field by field; everything that referred to the others follows.

Every relation to a mergeable record must have a rule (a test sees to it), given by the app that owns it:

    moves("customers.Customer", "sales.Deal.customer")
    moves("customers.Customer", "sales.DealContact.customer", unique=("deal",))

All of it happens under one change set, so undoing that brings everything back.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.lookups import IsNull
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import field_rights, require
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.customfields import custom_fields
from crm.records.entity import Entity, all_entities, entity_of
from crm.records.events import RecordsMerged
from crm.records.fields import Field, Kind
from crm.records.models import Comment, Document, Note
from crm.records.services.records import lock, update_record

MAX_OTHERS = 20


@dataclass(frozen=True)
class Rule:
    """What happens to the rows of one relation when the record they refer to is merged into another."""

    path: str
    """``app.Model.field``."""
    stays: bool = False
    """They keep referring to the merged record (its own history)."""
    unique: tuple[str, ...] = ()
    """A row that the survivor has too, by these columns, is removed instead of moved."""
    nulls_equal: tuple[str, ...] = ()
    """Further such columns that may be empty, where empty equals empty. One that names the survivor itself
    (two merged records that were linked to each other) makes the row go, too."""
    demote: tuple[str, ...] = ()
    """Flags of which the survivor may have one only: they are lowered on what is moved."""


_RULES: dict[str, dict[str, Rule]] = {}
_ATTACHED: list[type[models.Model]] = [Note, Comment, Document]


def moves(
    to: str,
    path: str,
    *,
    unique: tuple[str, ...] = (),
    demote: tuple[str, ...] = (),
    nulls_equal: tuple[str, ...] = (),
) -> None:
    """Let the rows of a relation follow the merged record to the survivor."""
    _RULES.setdefault(to, {})[path] = Rule(path, unique=unique, demote=demote, nulls_equal=nulls_equal)


def stays(to: str, path: str) -> None:
    """Leave the rows of a relation with the merged record."""
    _RULES.setdefault(to, {})[path] = Rule(path, stays=True)


def follows(model: type[models.Model]) -> None:
    """Let rows that name a record by entity and id follow it."""
    _ATTACHED.append(model)


def relations_of(model: type[models.Model]) -> dict[str, Any]:
    """Return every foreign key that points at a model, by ``app.Model.field``."""
    found: dict[str, Any] = {}
    for relation in model._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one):
            field: Any = relation.field  # type: ignore[union-attr]
            found[f"{field.model._meta.app_label}.{field.model.__name__}.{field.name}"] = field
    return found


def rule_of(model: type[models.Model], path: str, field: Any) -> Rule | None:
    """Return the rule of a relation; the record's own many-to-many rows are united by themselves."""
    found = _RULES.get(f"{model._meta.app_label}.{model.__name__}", {}).get(path)
    if found is None and field.model._meta.auto_created is model:
        other = next(f for f in field.model._meta.fields if f.is_relation and f is not field)
        return Rule(path, unique=(other.name,))
    return found


@verb
def merge_records(
    *, survivor: Any, others: Iterable[Any], actor: Any, choices: dict[str, Any] | None = None
) -> Any:
    """Merge ``others`` into ``survivor`` and return it.

    ``choices`` names, field by field, the record whose value is kept; without one, the survivor's value is kept
    where it has one, and filled from the others in their order where it has none.
    """
    of = entity_of(survivor)
    if "merge" not in of.abilities:
        raise Conflict(_("Records of this kind cannot be merged."))
    rows = list({o.pk: o for o in others if o.pk != survivor.pk}.values())
    if not rows or len(rows) > MAX_OTHERS or any(type(r) is not type(survivor) for r in rows):
        raise Invalid.field("others", _("Name 1 to %(limit)d other records of the same kind.") % {"limit": MAX_OTHERS})
    for obj in (survivor, *rows):
        require(actor, "merge", obj)
    # In one order, whoever merges what: two merges of the same records wait for each other and never lock up.
    locked = {o.pk: lock(o) for o in sorted((survivor, *rows), key=lambda o: o.pk)}
    survivor, rows = locked[survivor.pk], [locked[o.pk] for o in rows]
    relabel(_("Merge %(what)s") % {"what": of.label_plural})
    data = _chosen(of, survivor, rows, choices or {}, actor)
    _put_away(rows)
    for path, field in relations_of(of.model).items():
        _follow(rule_of(of.model, path, field), field, survivor, rows)
    _follow_ids(of, survivor, rows)
    survivor = update_record(obj=survivor, data=data, actor=actor, doing="merge")
    of.after_merge(survivor, rows, actor)
    publish(
        RecordsMerged(entity=of.name, record_id=survivor.pk, merged=[r.pk for r in rows]),
        about=survivor, entity=of.name, subjects=[*(r.pk for r in rows), *of.timeline_subjects(survivor)],
    )
    return survivor


def _chosen(of: Entity, survivor: Any, rows: list[Any], choices: dict[str, Any], actor: Any) -> dict[str, Any]:
    """Return what the survivor takes over, by public field names."""
    rights = field_rights(actor, of.model)
    fields = {k: f for k, f in of.all_fields().items() if f.writable and not f.computed}
    by_id = {str(o.pk): o for o in (survivor, *rows)}
    for key, choice in choices.items():
        if key not in fields or not rights.can_write(key):
            raise Invalid(details=[Detail(f"choices.{key}", _("Unknown field “%(name)s”.") % {"name": key[:60]})])
        if str(choice) not in by_id:
            raise Invalid(details=[Detail(f"choices.{key}", _("Name one of the merged records."))])
    data: dict[str, Any] = {}
    for key, f in fields.items():
        if not rights.can_write(key):
            continue
        if f.kind == Kind.TAGS:
            data[key] = sorted({t.name for o in (survivor, *rows) for t in o.tags.all()})
            continue
        kept = by_id[str(choices[key])] if key in choices else survivor
        if key not in choices and _is_empty(_value(survivor, f)):
            kept = next((o for o in rows if not _is_empty(_value(o, f))), survivor)
        value = _value(kept, f)
        if kept is not survivor and value != _value(survivor, f) and value not in by_id.values():
            data[key] = getattr(value, "pk", value)
    return data


def _value(obj: Any, f: Field) -> Any:
    return obj.custom.get(f.name) if f.custom else getattr(obj, f.source)


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _put_away(rows: list[Any]) -> None:
    """Move the merged records to the trash; there they wait for an undo."""
    model = type(rows[0])
    now = timezone.now()
    model.everything.filter(pk__in=[r.pk for r in rows]).update(deleted_at=now, updated_at=now, version=F("version") + 1)


def _follow(rule: Rule | None, field: Any, survivor: Any, rows: list[Any]) -> None:
    """Point the rows of one relation at the survivor."""
    model = field.model
    if rule is None:
        raise LookupError(f"{model._meta.label}.{field.name} has no rule for merging {type(survivor).__name__}.")
    if rule.stays:
        return
    keys = [r.pk for r in rows]
    referring = model._base_manager.filter(**{f"{field.name}__in": keys})
    if model is type(survivor):
        referring = referring.exclude(pk__in=[survivor.pk, *keys])
        # A survivor that stood below a merged record would stand below itself.
        model._base_manager.filter(pk=survivor.pk, **{f"{field.name}__in": keys}).update(**{field.name: None})
    for name in rule.nulls_equal:
        # A link between two of the merged records would become one to itself.
        if model._meta.get_field(name).related_model is type(survivor):
            referring.filter(**{f"{name}__in": [survivor.pk, *keys]}).delete()
    if rule.unique or field.unique:
        same = Q(**{name: OuterRef(name) for name in rule.unique})
        for name in rule.nulls_equal:
            same &= Q(**{name: OuterRef(name)}) | Q(IsNull(F(name), True), IsNull(OuterRef(name), True))
        twin = model._base_manager.filter(same, **{field.name: survivor.pk})
        referring.filter(Exists(twin)).delete()
        # Two of the merged records may have the same as well: the oldest row stays.
        order = model._meta.pk.name
        first = model._base_manager.filter(same, **{f"{field.name}__in": keys, f"{order}__lt": OuterRef(order)})
        referring.filter(Exists(first)).delete()
    changes: dict[str, Any] = {field.name: survivor.pk, **dict.fromkeys(rule.demote, False)}
    names = {f.name for f in model._meta.concrete_fields}
    if "version" in names:
        changes["version"] = F("version") + 1
    if "updated_at" in names:
        changes["updated_at"] = timezone.now()
    referring.update(**changes)


def _follow_ids(of: Entity, survivor: Any, rows: list[Any]) -> None:
    """Point at the survivor what names a record by its id: attachments, and custom links of any entity."""
    keys: list[uuid.UUID] = [r.pk for r in rows]
    for model in _ATTACHED:
        attached = model._base_manager.filter(entity=of.name, record_id__in=keys)
        attached.update(record_id=survivor.pk)
    for other in all_entities().values():
        for f in custom_fields(other.name) if "custom" in other.abilities else ():
            if f.kind != Kind.LINK or f.link != of.name:
                continue
            for key in keys:
                for obj in other.model.everything.filter(custom__contains={f.name: str(key)}):
                    obj.custom[f.name] = str(survivor.pk)
                    obj.version += 1
                    obj.save(update_fields=["custom", "version", "updated_at"])
