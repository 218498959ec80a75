"""From a draft to a record's columns: the entity's own rules on real objects, without a query a row."""

from typing import Any

import orjson
from django.db import models
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, policy_of
from crm.access.rights import rights_of
from crm.lib.ids import uuid7
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.models import Record
from crm.transfer.adapters import Adapter, Draft

WRITTEN_LATER = ("created_at", "updated_at")


def stored_columns(model: type[models.Model]) -> list[Any]:
    """Return the columns that a new row is written with (not generated ones, not its timestamps)."""
    return [f for f in model._meta.concrete_fields if not f.generated and f.attname not in WRITTEN_LATER]


class Builder:
    """Makes and checks the objects of one entity; defaults and rights are settled once."""

    def __init__(self, entity: Entity, adapter: Adapter, fields: dict[str, Field], actor: Any) -> None:
        self.entity = entity
        self.adapter = adapter
        self.fields = fields
        self.actor = actor
        self.columns = stored_columns(entity.model)
        self.attributes = [c.attname for c in self.columns]
        self.base: dict[str, Any] = {}
        for name, value in entity.defaults(actor).items():
            self.base[entity.own_fields[name].source if name in entity.own_fields else name] = value
        for f in entity.fields:
            if f.default is not None and f.writable and not f.computed and f.kind != Kind.TAGS:
                self.base[f.source] = f.default() if callable(f.default) else f.default
        if issubclass(entity.model, Record) and getattr(actor, "pk", None):
            self.base["created_by"] = actor
        self.required = [f for f in fields.values() if f.required and f.writable and f.default is None]
        self._assignable = self._whom()

    def _whom(self) -> set[Any] | None:
        """Return whom the actor may name as owner; None for anyone."""
        if self.actor is SYSTEM or not self.entity.owner:
            return None
        rights = rights_of(self.actor)
        cell = rights.cell(policy_of(self.entity.model).entity, "assign")
        if cell.scope == "all":
            return None
        return {self.actor.pk, *(() if cell.scope == "none" else rights.owners(cell.scope))}

    def new(self, draft: Draft, linked: dict[str, tuple[Any, Any]], pk: Any = None) -> Any:
        """Return a new object with the draft's values; what is wrong is added to the draft."""
        obj = self.entity.model(**self.base)
        obj.pk = pk or uuid7()
        changed = self._apply(obj, draft, linked, overwrite=True)
        for f in self.required:
            if self._value_of(obj, f) in (None, "", [], {}):
                draft.problems.append((str(f.label), "", _("This field is required.")))
        self._check(obj, changed, draft, creating=True)
        return obj

    def change(self, obj: Any, draft: Draft, linked: dict[str, tuple[Any, Any]], rules: dict[str, str]) -> dict[str, Any]:
        """Apply a draft to a record that is there; return the columns that differ afterwards."""
        before = {a: getattr(obj, a) for a in self.attributes}
        before["custom"] = dict(before.get("custom") or {})
        changed = self._apply(obj, draft, linked, overwrite=False, rules=rules)
        if not changed:
            return {}
        self._check(obj, changed, draft, creating=False)
        return {a: getattr(obj, a) for a in self.attributes if before.get(a) != getattr(obj, a) and a != "version"}

    def _apply(
        self, obj: Any, draft: Draft, linked: dict[str, tuple[Any, Any]], *, overwrite: bool, rules: dict[str, str] | None = None
    ) -> set[str]:
        changed: set[str] = set()
        for key, value in draft.values.items():
            f = self.fields[key]
            instance = None
            if f.kind in (Kind.LINK, Kind.USER):
                if key not in linked:
                    continue
                value, instance = linked[key]
            current = self._value_of(obj, f)
            if not overwrite:
                if key in draft.derived:
                    continue
                rule = (rules or {}).get(key, "overwrite")
                if value in (None, "", [], {}) or rule == "never" or (rule == "fill" and current not in (None, "", [], {})):
                    continue
                if current == value:
                    continue
            if f.custom:
                stored = str(value) if f.kind in (Kind.LINK, Kind.USER) else value
                if value not in (None, "", []):
                    obj.custom = {**obj.custom, f.name: stored}
            elif f.kind in (Kind.LINK, Kind.USER):
                if instance is not None:
                    setattr(obj, f.source, instance)
                else:
                    setattr(obj, f"{f.source}_id", value)
            else:
                setattr(obj, f.source, value)
            changed.add(key)
        return changed

    def _value_of(self, obj: Any, f: Field) -> Any:
        if f.custom:
            return obj.custom.get(f.name)
        if f.kind in (Kind.LINK, Kind.USER):
            return getattr(obj, f"{f.source}_id")
        return getattr(obj, f.source) if f.kind != Kind.TAGS else None

    def _check(self, obj: Any, changed: set[str], draft: Draft, *, creating: bool) -> None:
        owner = self.entity.owner
        if owner and self._assignable is not None and (creating or owner in changed):
            pk = getattr(obj, f"{owner}_id")
            if pk is not None and pk not in self._assignable:
                draft.problems.append((str(self.fields[owner].label) if owner in self.fields else owner, "",
                                       _("You may not assign this to somebody outside your reach.")))
        # A parent that this file makes is checked by the planner: the object is not there yet.
        asked = {c for c in changed if not self._planned_self_link(obj, c)}
        for name, message in self.entity.check(obj, asked, self.actor):
            draft.problems.append((name, "", str(message)))
        if not draft.problems:
            self.entity.before_save(obj, asked, self.actor)
            self.adapter.finish(obj, changed, creating)

    def _planned_self_link(self, obj: Any, key: str) -> bool:
        f = self.fields[key]
        return f.kind == Kind.LINK and f.link == self.entity.name

    def state(self, obj: Any) -> str:
        """Return a new row's columns as JSON, in the order of ``attributes``."""
        return orjson.dumps([getattr(obj, a) for a in self.attributes], default=str).decode()
