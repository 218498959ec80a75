"""Which rows are records already: by external id, by unique field, by title; in the base and in the file."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.models import ChangeSet
from crm.activity.undo import undone_by
from crm.lib.text import in_sentence
from crm.records.entity import Entity
from crm.records.fields import Field
from crm.records.models import Note
from crm.records.services.records import visible_trash
from crm.transfer.adapters import Adapter, Draft
from crm.transfer.engine.finding import Finder, Key
from crm.transfer.engine.seen import Seen
from crm.transfer.engine.staging import any_of
from crm.transfer.mapping.model import Mapping
from crm.transfer.models import ExternalId, ImportRun

TRASH_READ = 100_000


@dataclass
class Target:
    """The record that a row is about: none, one of the base, or one that an earlier row makes."""

    obj: Any = None
    number: int = 0
    """The earlier row of the file that is about the same record."""
    refusal: tuple[str, str, str] | None = None
    trashed: Any = None
    """The record in the trash that has the same key."""
    extras: dict[str, Any] = field(default_factory=dict)


class Matcher:
    """Looks for the records of a chunk of drafts with a fixed number of queries."""

    def __init__(self, entity: Entity, adapter: Adapter, mapping: Mapping, fields: dict[str, Field], actor: Any, rows: int = 0) -> None:
        self.entity = entity
        self.adapter = adapter
        self.mapping = mapping
        self.fields = fields
        self.actor = actor
        self.model = entity.model
        self.finder = Finder(entity, adapter, mapping, fields, actor)
        self.folded = self.finder.folded
        self.keys_of = self.finder.keys_of
        self._columns = self.finder.columns
        self._seen = Seen(rows)
        self._touched: dict[uuid.UUID, int] = {}
        self._recent: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._objects: dict[uuid.UUID, Any] = {}
        self._changeable: set[uuid.UUID] = set()
        self._present: dict[str, dict[uuid.UUID, set[Any]]] = {}
        self._trash: dict[Key, uuid.UUID] | None = None
        self._trashed: dict[uuid.UUID, Any] = {}
        self._again: bool | None = None
        self.shared = 0
        """Rows that share a unique value with somebody else, and gave it up."""
        self.run: ImportRun | None = None

    # -- a chunk ----------------------------------------------------------------------------------

    def begin(self, drafts: list[Draft]) -> None:
        """Find the records of the base that these drafts are about."""
        self.finder.find(drafts)
        self._recent = {}
        self._objects, self._changeable, self._present = {}, set(), {}
        self._read_objects(list(set(self.finder.found.values())))
        self._read_trash(drafts)

    def _read_objects(self, ids: list[uuid.UUID]) -> None:
        """Read the records that were found, and which of them the actor may change."""
        if ids:
            self._objects.update({row.pk: row for row in visible_to(self.actor, self.finder.among(ids))})
            self._changeable.update(visible_to(self.actor, self.finder.among(ids), "change").values_list("pk", flat=True))
            self._read_children(ids)

    def _read_trash(self, drafts: list[Draft]) -> None:
        """Know which rows are about records in the trash; the trash is small beside the rest and read once."""
        if self._trash is None:
            self._trash = {}
            if "deleted_at" in self._columns:
                trash = visible_trash(self.actor, self.model)
                for name in self.finder.keys:
                    rows = trash.exclude(**{f"{name}__isnull": True}).order_by("deleted_at").values_list("pk", name)
                    self._trash.update({("field", name, value.lower()): pk for pk, value in rows[:TRASH_READ] if isinstance(value, str) and value})
                given = ExternalId.objects.filter(entity=self.entity.name, system=self.mapping.system, record_id__in=trash.order_by().values("pk"))
                self._trash.update({("external", key): pk for pk, key in given.values_list("record_id", "key")[:TRASH_READ]})
        ids = {self._trash[k] for d in drafts for k in self.keys_of(d) if k in self._trash and k not in self.finder.found} if self._trash else set()
        self._trashed = {row.pk: row for row in visible_trash(self.actor, self.model).filter(pk__in=any_of(ids))} if ids else {}

    def _read_children(self, found: list[uuid.UUID]) -> None:
        """Read what the found records have already, so that nothing is added twice."""
        if not found:
            return
        ids = any_of(found)
        for child in self.adapter.children:
            rows = child.model._default_manager.filter(**{f"{child.parent}__in": ids})
            for values in rows.values_list(f"{child.parent}_id", *child.unique):
                self._keep(child.key, values[0], tuple(str(v).casefold() for v in values[1:]))
        if "tags" in {f.name for f in self.model._meta.many_to_many}:
            through = self.model.tags.through  # type: ignore[attr-defined]
            column = f"{self.model._meta.model_name}_id"
            for pk, tag in through._default_manager.filter(**{f"{column}__in": ids}).values_list(column, "tag_id"):
                self._keep("tags", pk, str(tag))
        for pk, content in Note.objects.filter(entity=self.entity.name, record_id__in=ids).values_list("record_id", "content"):
            self._keep("notes", pk, content)
        given = ExternalId.objects.filter(entity=self.entity.name, system=self.mapping.system, record_id__in=ids)
        for pk, key in given.values_list("record_id", "key"):
            self._keep("external", pk, key)

    def _keep(self, kind: str, pk: uuid.UUID, what: Any) -> None:
        self._present.setdefault(kind, {}).setdefault(pk, set()).add(what)

    # -- a row ------------------------------------------------------------------------------------

    def earlier(self, draft: Draft) -> int | None:
        """Return the row of an earlier chunk that is about the same record."""
        for key in self.keys_of(draft):
            number = self._seen.get(hash(key))
            if number is None and (pk := self.finder.found.get(key)) is not None:
                number = self._touched.get(pk)
            if number is not None:
                return number
        return None

    def target(self, draft: Draft, pending: dict[int, tuple[Any, ...]], builder: Any) -> Target:
        """Return the record a draft is about."""
        found = self._target(draft, pending, builder)
        shared = draft.keys and draft.keys[0][0] == "field" and found.obj is not None
        if shared and self.adapter.is_somebody_else(found.obj, draft):
            self.shared += 1
            draft.keys = None
            self.finder.by_nature([draft])
            self._read_objects([pk for key in self.keys_of(draft) if (pk := self.finder.found.get(key)) is not None and pk not in self._objects])
            return self._target(draft, pending, builder)
        return found

    def _target(self, draft: Draft, pending: dict[int, tuple[Any, ...]], builder: Any) -> Target:
        number = self.earlier(draft)
        if number is not None:
            if number in self._recent:
                obj, extras = self._recent[number]
                return Target(obj, number, extras=extras)
            if number in pending:
                return self._rebuilt(pending[number], builder)
        for key in self.keys_of(draft):
            pk = self.finder.found.get(key)
            if pk is None:
                continue
            if pk not in self._objects:
                return Target(refusal=self._taken(key))
            if pk not in self._changeable and self.mapping.mode != "create":
                words = _("You may not change the %(what)s that this row is about. Leave the row out, or ask its owner.")
                return Target(refusal=("", "", words % {"what": in_sentence(self.entity.label)}))
            return Target(self._objects[pk])
        for key in self.keys_of(draft) if self._trash else ():
            if (row := self._trashed.get(self._trash.get(key))) is not None:  # type: ignore[arg-type,union-attr]
                return Target(trashed=row)
        return Target()

    def _taken(self, key: Key) -> tuple[str, str, str]:
        """Say that a record which the actor does not see has a key already."""
        name = key[1] if key[0] == "field" else self.entity.title[0] if key[0] in ("title", "natural") else ""
        f = self.fields.get(name)
        words = _("Another %(what)s, which you may not see, already has this %(field)s. Change it, or ask somebody who sees that one.") % {
            "what": in_sentence(self.entity.label), "field": in_sentence(f.label) if f is not None else _("id"),
        }
        return name, "", words

    def _rebuilt(self, row: tuple[Any, ...], builder: Any) -> Target:
        """Return the record that an earlier chunk makes or changes, as it will be then."""
        number, action, target, state, extra = row
        values = orjson.loads(state) if state else None
        full = values if action == "create" else (values or {}).get("all")
        if full is None:
            obj = self._objects.get(target) or self.model._base_manager.filter(pk=target).first()
            for name, value in ((values or {}).get("set") or {}).items():
                setattr(obj, name, self._columns[name].to_python(value))
            if values and values.get("version") is not None:
                obj.version = values["version"] + 1
        else:
            obj = self.model(**{a: self._columns[a].to_python(v) for a, v in zip(builder.attributes, full, strict=True)})
        return Target(obj, number, extras=orjson.loads(extra) if extra else {})

    def remember(self, draft: Draft, obj: Any) -> None:
        """Keep that this row makes a record, so that later rows about it are recognised."""
        for key in self.finder.telling(draft):
            self._seen.put(hash(key), draft.number)
        self._recent[draft.number] = (obj, self._extras_of(draft))

    def seen(self, draft: Draft, target: Target) -> None:
        """Keep that a row was about a record and said nothing new of it: the next one about it is not the first."""
        number = target.number or draft.number
        for key in self.finder.telling(draft):
            if self._seen.get(hash(key)) is None:
                self._seen.put(hash(key), number)
        if not target.number:
            self._recent[number] = (target.obj, target.extras)

    def touch(self, draft: Draft, obj: Any, known: dict[str, Any]) -> None:
        """Keep that this row changes a record of the base, or one of an earlier row."""
        merged = {k: [*known.get(k, []), *v] for k, v in self._extras_of(draft).items()}
        self._touched[obj.pk] = draft.number
        for key in self.finder.telling(draft):
            self._seen.put(hash(key), draft.number)
        self._recent[draft.number] = (obj, {**known, **merged})

    @staticmethod
    def _extras_of(draft: Draft) -> dict[str, Any]:
        return {**draft.children, "tags": draft.tags, "external": draft.external, "notes": draft.notes}

    def new_extras(self, draft: Draft, target: Target) -> dict[str, Any]:
        """Return the draft's child rows, tags, ids and notes that the record does not have yet."""
        pk = target.obj.pk
        made: dict[str, Any] = {}
        for child in self.adapter.children:
            held = set(self._present.get(child.key, {}).get(pk, set()))
            held |= {tuple(str(r.get(u, "")).casefold() for u in child.unique) for r in target.extras.get(child.key, [])}
            fresh = []
            for row in draft.children.get(child.key, []):
                mark = tuple(str(row.get(u, "")).casefold() for u in child.unique)
                if mark not in held:
                    held.add(mark)
                    fresh.append({**row, "is_primary": False} if "is_primary" in row else row)
            if fresh:
                made[child.key] = fresh
        for name, given in (("tags", draft.tags), ("external", draft.external)):
            held = {str(pk), *self._present.get(name, {}).get(pk, set()), *target.extras.get(name, [])}
            if fresh := [g for g in given if g not in held]:
                made[name] = fresh
        told = [f"\n{content}\n" for content in (*self._present.get("notes", {}).get(pk, ()), *target.extras.get("notes", []))]
        if fresh_notes := [n for n in draft.notes if not any(f"\n{n}\n" in content for content in told)]:
            made["notes"] = fresh_notes
        return made

    def same_file(self, draft: Draft) -> bool:
        """Tell whether a row without any key comes from a file that was imported before and not undone."""
        if self.run is None or any(key[0] != "natural" for key in self.keys_of(draft)):
            return False
        if self._again is None:
            earlier = ImportRun.objects.filter(
                sha256=self.run.sha256, entity=self.run.entity, state=ImportRun.State.DONE, source__part=self.run.source.get("part", ""),
            ).exclude(pk=self.run.pk)
            sets = ChangeSet.objects.filter(pk__in=earlier.values("change_set"))
            self._again = any(undone_by(change_set) is None for change_set in sets)
        return self._again
