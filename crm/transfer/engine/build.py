"""From a draft to a record's columns: the entity's own rules on real objects, without a query a row."""

import copy
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import orjson
from django.db import models
from django.db.models.base import ModelState
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
        self._places = {key: (f, f.source, f.kind in (Kind.LINK, Kind.USER)) for key, f in fields.items()}
        self._self_links = {key for key, f in fields.items() if f.kind == Kind.LINK and f.link == entity.name}
        self._columns_of = attrgetter(*self.attributes)
        self._blank: Any = None
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
        obj = self._copy()
        obj.pk = pk or uuid7()
        changed = self._apply(obj, draft, linked, overwrite=True)
        for f in self.required:
            if self._value_of(obj, f) in (None, "", [], {}):
                draft.problems.append((str(f.label), "", _("This field is required.")))
        self._check(obj, changed, draft, creating=True)
        return obj

    def based_on(self, **values: Any) -> None:
        """Settle further values that every new record begins with."""
        self.base.update(values)
        self._blank = None

    def _copy(self) -> Any:
        """Return a new object like ``model(**base)``: a copy of the first one, whose defaults are known by then."""
        if self._blank is None:
            self._blank = self.entity.model(**self.base)
            given = set(self._blank._state.fields_cache) | set(self.base)
            self._fresh: list[tuple[str, Callable[[], Any]]] = [
                (f.attname, f.get_default) for f in self.entity.model._meta.concrete_fields
                if callable(f.default) and f.default not in (dict, list) and f.attname not in WRITTEN_LATER
                and f.name not in given and f.attname not in given and not f.primary_key and not f.generated
            ]
            self._mutable = [(n, v) for n, v in vars(self._blank).items() if isinstance(v, dict | list | set)]
        obj = self.entity.model.__new__(self.entity.model)
        held = vars(obj)
        held.update(vars(self._blank))
        state = held["_state"] = ModelState()
        state.fields_cache = dict(self._blank._state.fields_cache)
        for name, value in self._mutable:
            held[name] = copy.copy(value)
        for name, default in self._fresh:
            held[name] = default()
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

    def differing(self, obj: Any, draft: Draft, linked: dict[str, tuple[Any, Any]]) -> list[tuple[str, Any]]:
        """Return the fields in which a draft contradicts a record, each with what the draft says."""
        found = []
        for key, value in draft.values.items():
            f, _source, link = self._places[key]
            if key in draft.derived or (link and key not in linked):
                continue
            said = linked[key][0] if link else value
            current = self._value_of(obj, f)
            if said in (None, "", [], {}) or current in (None, "", [], {}) or current == said:
                continue
            if f.kind == Kind.EMAIL and str(said).casefold() == str(current).casefold():
                continue
            if isinstance(said, dict) and isinstance(current, dict) and said.items() <= current.items():
                continue
            text = value[1] if isinstance(value, tuple) else str(linked[key][1] or said) if link else said
            found.append((key, ", ".join(map(str, text.values())) if isinstance(text, dict) else text))
        return found

    def _apply(
        self, obj: Any, draft: Draft, linked: dict[str, tuple[Any, Any]], *, overwrite: bool, rules: dict[str, str] | None = None
    ) -> set[str]:
        changed: set[str] = set()
        for key, value in draft.values.items():
            f, source, link = self._places[key]
            instance = None
            if link:
                if key not in linked:
                    continue
                value, instance = linked[key]
            if not overwrite:
                current = self._value_of(obj, f)
                if key in draft.derived:
                    continue
                rule = (rules or {}).get(key, "overwrite")
                if value in (None, "", [], {}) or rule == "never" or (rule == "fill" and current not in (None, "", [], {})):
                    continue
                if current == value or (f.kind == Kind.EMAIL and str(current).casefold() == str(value).casefold()):
                    continue
            if f.custom:
                stored = str(value) if link else value
                if value not in (None, "", []):
                    obj.custom = {**obj.custom, f.name: stored}
            elif instance is not None:
                setattr(obj, source, instance)
            else:
                setattr(obj, f"{source}_id" if link else source, value)
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
        asked = changed - self._self_links
        for name, message in self.entity.check(obj, asked, self.actor):
            draft.problems.append((name, "", str(message)))
        if not draft.problems:
            self.entity.before_save(obj, asked, self.actor)
            self.adapter.finish(obj, changed, creating)

    def state(self, obj: Any) -> str:
        """Return a new row's columns as JSON, in the order of ``attributes``."""
        return orjson.dumps(self._columns_of(obj), default=str).decode()
