"""Which rows are records already: by external id, by unique field, by title; in the base and in the file."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection, models
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.models import ChangeSet
from crm.activity.undo import undone_by
from crm.lib.text import fold, in_sentence
from crm.records.entity import Entity
from crm.records.fields import Field
from crm.records.models import Note
from crm.records.services.records import visible_trash
from crm.transfer.adapters import Adapter, Draft
from crm.transfer.engine.seen import Seen
from crm.transfer.engine.staging import any_of
from crm.transfer.mapping.model import Mapping
from crm.transfer.models import ExternalId, ImportRun

Key = tuple[str, ...]
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

    def __init__(self, entity: Entity, adapter: Adapter, mapping: Mapping, fields: dict[str, Field], actor: Any) -> None:
        self.entity = entity
        self.adapter = adapter
        self.mapping = mapping
        self.fields = fields
        self.actor = actor
        self.model = entity.model
        self._columns = {f.attname: f for f in self.model._meta.concrete_fields}
        unique = [f.name for f in entity.fields if f.unique and f.name in self._columns]
        wanted = mapping.match or [*adapter.keys, *unique]
        self.keys = [k for k in dict.fromkeys(wanted) if k in self._columns]
        self.by_title = adapter.title_is_key and (not mapping.match or entity.title[0] in mapping.match)
        self._seen = Seen()
        self._touched: dict[uuid.UUID, int] = {}
        self._recent: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._found: dict[Key, uuid.UUID] = {}
        self._objects: dict[uuid.UUID, Any] = {}
        self._changeable: set[uuid.UUID] = set()
        self._present: dict[str, dict[uuid.UUID, set[Any]]] = {}
        self._trash: dict[Key, uuid.UUID] | None = None
        self._trashed: dict[uuid.UUID, Any] = {}
        self._again: bool | None = None
        self.run: ImportRun | None = None
        self._raw: dict[str, str] = {}

    @staticmethod
    def folded(text: str) -> str:
        """Return a title as it is compared within a file."""
        return " ".join(fold(text).split())

    def keys_of(self, draft: Draft) -> list[Key]:
        """Return what identifies a draft, the surest first."""
        if draft.keys is None:
            draft.keys = self._identify(draft)
        return draft.keys

    def _identify(self, draft: Draft) -> list[Key]:
        keys: list[Key] = [("external", text) for text in draft.external]
        for name in self.keys:
            value = draft.values.get(name)
            if isinstance(value, str) and value:
                keys.append(("field", name, value.lower()))
                if value != value.lower():
                    self._raw[value.lower()] = value
        title = str(draft.values.get(self.entity.title[0]) or "")
        if self.by_title and title:
            keys.append(("title", self.folded(title)))
        if not keys and self.adapter.natural and any(draft.values.get(t) for t in self.entity.title):
            keys.append(("natural", *(self.folded(str(draft.values.get(n) or "")) for n in self.entity.title), *self._natural(draft)))
        return keys

    def _natural(self, draft: Draft) -> list[str]:
        made = []
        for name in self.adapter.natural:
            value = draft.values.get(name)
            made.append(self.folded(str(value[1] if isinstance(value, tuple) else value if value is not None else "")))
        return made

    # -- a chunk ----------------------------------------------------------------------------------

    def begin(self, drafts: list[Draft]) -> None:
        """Find the records of the base that these drafts are about."""
        self._found, self._recent, self._raw = {}, {}, {}
        by_kind: dict[str, list[Key]] = {}
        for draft in drafts:
            for key in self.keys_of(draft):
                by_kind.setdefault(key[0], []).append(key)
        self._by_external(by_kind.get("external", []))
        self._by_fields(by_kind.get("field", []))
        self._by_title(by_kind.get("title", []), {self.folded(t): t for d in drafts if (t := str(d.values.get(self.entity.title[0]) or ""))})
        self._by_nature(drafts)
        ids = list(set(self._found.values()))
        rows = visible_to(self.actor, self._among(ids)) if ids else []
        self._objects = {row.pk: row for row in rows}
        self._changeable = (
            set(visible_to(self.actor, self._among(ids), "change").values_list("pk", flat=True))
            if ids else set()
        )
        self._read_trash(drafts)
        self._read_children()

    def _read_trash(self, drafts: list[Draft]) -> None:
        """Know which rows are about records in the trash; the trash is small beside the rest and read once."""
        if self._trash is None:
            self._trash = {}
            if "deleted_at" in self._columns:
                trash = visible_trash(self.actor, self.model)
                for name in self.keys:
                    rows = trash.exclude(**{f"{name}__isnull": True}).order_by("deleted_at").values_list("pk", name)
                    self._trash.update({("field", name, value.lower()): pk for pk, value in rows[:TRASH_READ] if isinstance(value, str) and value})
                given = ExternalId.objects.filter(entity=self.entity.name, system=self.mapping.system, record_id__in=trash.order_by().values("pk"))
                self._trash.update({("external", key): pk for pk, key in given.values_list("record_id", "key")[:TRASH_READ]})
        ids = {self._trash[k] for d in drafts for k in self.keys_of(d) if k in self._trash and k not in self._found} if self._trash else set()
        self._trashed = {row.pk: row for row in visible_trash(self.actor, self.model).filter(pk__in=any_of(ids))} if ids else {}

    def _among(self, ids: list[uuid.UUID]) -> Any:
        """Return the records with these ids; one array instead of thousands of parameters."""
        return self.model._default_manager.filter(pk__in=any_of(ids))

    def _by_external(self, keys: list[Key]) -> None:
        if keys:
            there = 'AND r.deleted_at IS NULL' if "deleted_at" in self._columns else ""
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT e.key, r.id FROM "{ExternalId._meta.db_table}" e JOIN "{self.model._meta.db_table}" r ON r.id = e.record_id {there} '
                    "WHERE e.entity = %s AND e.system = %s AND e.key = ANY(%s)",
                    [self.entity.name, self.mapping.system, [k[1] for k in keys]],
                )
                self._found.update({("external", key): pk for key, pk in cursor.fetchall()})
            self._by_own_id([k[1] for k in keys])

    def _by_own_id(self, texts: list[str]) -> None:
        """An id of ours, from our own export, is the record itself."""
        own: dict[uuid.UUID, str] = {}
        for text in texts:
            try:
                own[uuid.UUID(text)] = text
            except ValueError:
                continue
        if own:
            for pk in self.model._default_manager.filter(pk__in=any_of(own)).values_list("pk", flat=True):
                self._found[("external", own[pk])] = pk

    def _by_fields(self, keys: list[Key]) -> None:
        lowered = {
            f.name for c in self.model._meta.constraints if isinstance(c, models.UniqueConstraint)
            for e in c.expressions if isinstance(e, Lower) for f in e.get_source_expressions()
        }
        living = "AND deleted_at IS NULL" if "deleted_at" in self._columns else ""
        for name in self.keys:
            values = [k[2] for k in keys if k[1] == name]
            if not values:
                continue
            column = f'lower("{name}")' if name in lowered else f'"{name}"'
            given = values if name in lowered else [self._raw.get(v, v) for v in values]
            # One array instead of thousands of parameters.
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT id, lower("{name}") FROM "{self.model._meta.db_table}" WHERE {column} = ANY(%s) {living}', [given]
                )
                self._found.update({("field", name, value): pk for pk, value in cursor.fetchall()})

    def _by_title(self, keys: list[Key], texts: dict[str, str]) -> None:
        if not keys:
            return
        names = list(dict.fromkeys(k[1] for k in keys))
        living = "t.deleted_at IS NULL" if "deleted_at" in self._columns else "true"
        column = "t.sort_key" if "sort_key" in self._columns else f'rapport_fold(t."{self.entity.title[0]}")'
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT p.name, t.id FROM unnest(%s::text[], %s::text[]) AS p(name, title) JOIN "{self.model._meta.db_table}" t '
                f"ON {column} = rapport_fold(p.title) AND {living} ORDER BY t.created_at DESC",
                [names, [texts.get(n, n) for n in names]],
            )
            self._found.update({("title", name): pk for name, pk in cursor.fetchall()})

    def _by_nature(self, drafts: list[Draft]) -> None:
        """Find records without a key by their title, then compare the rest in Python."""
        if not self.adapter.natural or "sort_key" not in self._columns:
            return
        waiting = {key: d for d in drafts for key in self.keys_of(d) if key[0] == "natural"}
        if not waiting:
            return
        parts = folded_from(self.model)
        probes: dict[str, list[Key]] = {}
        for key, draft in waiting.items():
            probe = " ".join(str(draft.values.get(p) or "") for p in parts)
            probes.setdefault(probe, []).append(key)
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT p.probe, t.id FROM unnest(%s::text[]) AS p(probe) JOIN "{self.model._meta.db_table}" t '
                "ON t.sort_key = rapport_fold(p.probe) AND t.deleted_at IS NULL ORDER BY t.created_at DESC LIMIT 20000",
                [list(probes)],
            )
            found = cursor.fetchall()
        rows = {r.pk: r for r in self._among([pk for _probe, pk in found])}
        for probe, pk in found:
            for key in probes[probe]:
                if pk in rows and self._alike(rows[pk], waiting[key]):
                    self._found[key] = pk

    def _alike(self, row: Any, draft: Draft) -> bool:
        for name in self.adapter.natural:
            f = self.fields.get(name)
            value = draft.values.get(name)
            if f is None:
                continue
            if isinstance(value, tuple):  # a link by name: its title is compared
                other = getattr(row, f.source, None)
                if self.folded(str(other or "")) != self.folded(str(value[1])):
                    return False
            elif (getattr(row, f.source, None) or "") != (value or ""):
                return False
        return True

    def _read_children(self) -> None:
        """Read what the found records have already, so that nothing is added twice."""
        self._present = {}
        if not self._objects:
            return
        ids = any_of(self._objects)
        for child in self.adapter.children:
            rows = child.model._default_manager.filter(**{f"{child.parent}__in": ids})
            held: dict[uuid.UUID, set[Any]] = {}
            for values in rows.values_list(f"{child.parent}_id", *child.unique):
                held.setdefault(values[0], set()).add(tuple(str(v).casefold() for v in values[1:]))
            self._present[child.key] = held
        if "tags" in {f.name for f in self.model._meta.many_to_many}:
            through = self.model.tags.through  # type: ignore[attr-defined]
            column = f"{self.model._meta.model_name}_id"
            held = {}
            for pk, tag in through._default_manager.filter(**{f"{column}__in": ids}).values_list(column, "tag_id"):
                held.setdefault(pk, set()).add(str(tag))
            self._present["tags"] = held
        notes: dict[uuid.UUID, set[Any]] = {}
        for pk, content in Note.objects.filter(
            entity=self.entity.name, record_id__in=ids
        ).values_list("record_id", "content"):
            notes.setdefault(pk, set()).add(content)
        self._present["notes"] = notes
        keys: dict[uuid.UUID, set[Any]] = {}
        for pk, key in ExternalId.objects.filter(
            entity=self.entity.name, system=self.mapping.system, record_id__in=ids
        ).values_list("record_id", "key"):
            keys.setdefault(pk, set()).add(key)
        self._present["external"] = keys

    # -- a row ------------------------------------------------------------------------------------

    def earlier(self, draft: Draft) -> int | None:
        """Return the row of an earlier chunk that is about the same record."""
        for key in self.keys_of(draft):
            number = self._seen.get(hash(key))
            if number is None and (pk := self._found.get(key)) is not None:
                number = self._touched.get(pk)
            if number is not None:
                return number
        return None

    def target(self, draft: Draft, pending: dict[int, tuple[Any, ...]], builder: Any) -> Target:
        """Return the record a draft is about."""
        number = self.earlier(draft)
        if number is not None:
            if number in self._recent:
                obj, extras = self._recent[number]
                return Target(obj, number, extras=extras)
            if number in pending:
                return self._rebuilt(pending[number], builder)
        for key in self.keys_of(draft):
            pk = self._found.get(key)
            if pk is None:
                continue
            if pk not in self._objects:
                return Target(refusal=("", "", _("Another %(what)s already has this.") % {"what": in_sentence(self.entity.label)}))
            if pk not in self._changeable and self.mapping.mode != "create":
                return Target(refusal=("", "", _("You may not change the %(what)s that this row is about.") % {"what": in_sentence(self.entity.label)}))
            return Target(self._objects[pk])
        for key in self.keys_of(draft) if self._trash else ():
            if (row := self._trashed.get(self._trash.get(key))) is not None:  # type: ignore[arg-type,union-attr]
                return Target(trashed=row)
        return Target()

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
        for key in self.keys_of(draft):
            self._seen.put(hash(key), draft.number)
        self._recent[draft.number] = (obj, self._extras_of(draft))

    def touch(self, draft: Draft, obj: Any, known: dict[str, Any]) -> None:
        """Keep that this row changes a record of the base, or one of an earlier row."""
        merged = {k: [*known.get(k, []), *v] for k, v in self._extras_of(draft).items()}
        self._touched[obj.pk] = draft.number
        for key in self.keys_of(draft):
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
        fresh_notes = [n for n in draft.notes if n not in target.extras.get("notes", [])]
        if fresh_notes and "\n".join(fresh_notes) not in self._present.get("notes", {}).get(pk, set()):
            made["notes"] = fresh_notes
        return made

    def same_file(self, draft: Draft) -> bool:
        """Tell whether a row without any key comes from a file that was imported before and not undone."""
        if self.run is None or self.keys_of(draft):
            return False
        if self._again is None:
            earlier = ImportRun.objects.filter(
                sha256=self.run.sha256, entity=self.run.entity, state=ImportRun.State.DONE, source__part=self.run.source.get("part", ""),
            ).exclude(pk=self.run.pk)
            sets = ChangeSet.objects.filter(pk__in=earlier.values("change_set"))
            self._again = any(undone_by(change_set) is None for change_set in sets)
        return self._again


def folded_from(model: type[models.Model]) -> list[str]:
    """Return the columns that a model's sort key is made of, in order."""
    expression = model._meta.get_field("sort_key").expression  # type: ignore[union-attr]
    return [e.name for e in expression.flatten() if isinstance(e, models.F)]
