"""Finding the records of the base that rows are about: by external id, by unique field, by title, by all that is said.

Only what the database holds to be unique may find a record that the actor does not see (the row is refused, as a form would be);
a name that somebody else's record has, too, tells nothing.
"""

import uuid
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.models.functions import Lower

from crm.access.policy import visible_to
from crm.lib.text import fold
from crm.records.entity import Entity
from crm.records.fields import Field
from crm.records.models import Note
from crm.transfer.adapters import Adapter, Draft
from crm.transfer.engine.namesakes import Namesakes
from crm.transfer.engine.staging import any_of
from crm.transfer.mapping.model import Mapping
from crm.transfer.models import ExternalId

Key = tuple[str, ...]
COMPARED = 200
"""How many records of one name that seem to say the same are compared in full."""


class Finder:
    """Finds the ids of the records of a chunk of drafts with a fixed number of queries."""

    def __init__(self, entity: Entity, adapter: Adapter, mapping: Mapping, fields: dict[str, Field], actor: Any) -> None:
        self.entity = entity
        self.actor = actor
        self.adapter = adapter
        self.mapping = mapping
        self.fields = fields
        self.model = entity.model
        self.columns = {f.attname: f for f in self.model._meta.concrete_fields}
        unique = [f.name for f in entity.fields if f.unique and f.name in self.columns]
        self.unique = {*unique, *unique_alone(self.model)}
        wanted = mapping.match or [*adapter.keys, *unique]
        self.keys = [k for k in dict.fromkeys(wanted) if k in self.columns]
        self.by_title = adapter.title_is_key and (not mapping.match or entity.title[0] in mapping.match)
        self.found: dict[Key, uuid.UUID] = {}
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
            keys.append(self._natural(draft))
        return keys

    def _natural(self, draft: Draft) -> Key:
        """Return all that a row without a key says: another that says exactly the same is about the same record."""
        said = {k: v[1] if isinstance(v, tuple) else v for k, v in draft.values.items() if v not in (None, "", [], {})}
        rest = {k: v for k, v in draft.children.items() if v}
        return ("natural", repr((sorted(said.items(), key=lambda i: i[0]), rest, draft.notes, draft.tags)))

    def telling(self, draft: Draft) -> list[Key]:
        """Return the keys by which a later row is recognised: a name alone does not make two rows of a file one person."""
        if any(draft.values.get(name) for name in self.adapter.natural):
            return self.keys_of(draft)
        return [key for key in self.keys_of(draft) if key[0] != "natural"]

    @cached_property
    def namesakes(self) -> Namesakes:
        """The records by their names and what else they say."""
        return Namesakes(self.entity, self.fields, folded_from(self.model))

    def find(self, drafts: list[Draft]) -> None:
        """Find the records that some drafts are about; ``found`` says which."""
        self.found, self._raw = {}, {}
        by_kind: dict[str, list[Key]] = {}
        for draft in drafts:
            for key in self.keys_of(draft):
                by_kind.setdefault(key[0], []).append(key)
        self._by_external(by_kind.get("external", []))
        self._by_fields(by_kind.get("field", []))
        self._by_title(by_kind.get("title", []), {self.folded(t): t for d in drafts if (t := str(d.values.get(self.entity.title[0]) or ""))})
        self.by_nature(drafts)

    def among(self, ids: list[uuid.UUID]) -> Any:
        """Return the records with these ids; one array instead of thousands of parameters."""
        return self.model._default_manager.filter(pk__in=any_of(ids))

    def _seen_among(self, rows: list[tuple[Any, uuid.UUID]]) -> list[tuple[Any, uuid.UUID]]:
        """Return the rows (what was looked for, the record) whose records the actor sees."""
        seen = set(visible_to(self.actor, self.among(list({pk for _what, pk in rows}))).values_list("pk", flat=True)) if rows else set()
        return [row for row in rows if row[1] in seen]

    def _by_external(self, keys: list[Key]) -> None:
        if keys:
            there = 'AND r.deleted_at IS NULL' if "deleted_at" in self.columns else ""
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT e.key, r.id FROM "{ExternalId._meta.db_table}" e JOIN "{self.model._meta.db_table}" r ON r.id = e.record_id {there} '
                    "WHERE e.entity = %s AND e.system = %s AND e.key = ANY(%s)",
                    [self.entity.name, self.mapping.system, [k[1] for k in keys]],
                )
                self.found.update({("external", key): pk for key, pk in cursor.fetchall()})
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
            for pk in visible_to(self.actor, self.among(list(own))).values_list("pk", flat=True):
                self.found[("external", own[pk])] = pk

    def _by_fields(self, keys: list[Key]) -> None:
        lowered = unique_alone(self.model, lowered=True)
        living = "AND deleted_at IS NULL" if "deleted_at" in self.columns else ""
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
                rows = [(("field", name, value), pk) for pk, value in cursor.fetchall()]
            self.found.update(rows if name in self.unique else self._seen_among(rows))

    def _by_title(self, keys: list[Key], texts: dict[str, str]) -> None:
        if not keys:
            return
        names = list(dict.fromkeys(k[1] for k in keys))
        living = "t.deleted_at IS NULL" if "deleted_at" in self.columns else "true"
        column = "t.sort_key" if "sort_key" in self.columns else f'rapport_fold(t."{self.entity.title[0]}")'
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT p.name, t.id FROM unnest(%s::text[], %s::text[]) AS p(name, title) JOIN "{self.model._meta.db_table}" t '
                f"ON {column} = rapport_fold(p.title) AND {living} ORDER BY t.created_at DESC",
                [names, [texts.get(n, n) for n in names]],
            )
            rows = [(("title", name), pk) for name, pk in cursor.fetchall()]
        self.found.update(rows if self.entity.title[0] in self.unique else self._seen_among(rows))

    def by_nature(self, drafts: list[Draft]) -> None:
        """Find records without a key by their title, then compare the rest in Python."""
        if not self.adapter.natural or "sort_key" not in self.columns:
            return
        waiting = {key: d for d in drafts for key in self.keys_of(d) if key[0] == "natural"}
        if not waiting:
            return
        candidates = self._seen_among([(key, pk) for key, pks in self.namesakes.alike(waiting).items() for pk in pks[:COMPARED]])
        if not candidates:
            return
        rows = {r.pk: r for r in self.among(list({pk for _key, pk in candidates}))}
        alike = [(key, pk) for key, pk in candidates if pk in rows and self._alike(rows[pk], waiting[key])]
        notes: dict[uuid.UUID, str] = {}
        if any(waiting[key].notes for key, _pk in alike):
            told = Note.objects.filter(entity=self.entity.name, record_id__in=any_of({pk for _key, pk in alike}))
            for pk, content in told.values_list("record_id", "content"):
                notes[pk] = f"{notes.get(pk, '')}\n{content}"
        for key, pk in alike:
            if all(f"\n{note}\n" in f"{notes.get(pk, '')}\n" for note in waiting[key].notes):
                self.found[key] = pk

    def _alike(self, row: Any, draft: Draft) -> bool:
        """Tell whether a record says all that a row says, and is as silent as it about what tells records apart."""
        for name in (*self.adapter.natural, *draft.values):
            f = self.fields.get(name)
            value = draft.values.get(name)
            if f is None or name in draft.derived:
                continue
            if f.custom:
                if str(row.custom.get(f.name) or "") != str(value or ""):
                    return False
                continue
            if isinstance(value, tuple):  # a link by name: its title is compared
                other = getattr(row, f.source, None)
                if self.folded(str(other or "")) != self.folded(str(value[1])):
                    return False
            elif (getattr(row, f.source, None) or "") != (value or ""):
                return False
        return True


def unique_alone(model: type[models.Model], *, lowered: bool = False) -> set[str]:
    """Return the columns that are unique by themselves, or only those that are so whatever their case."""
    constraints = [c for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)]
    found = {f.name for c in constraints for e in c.expressions if isinstance(e, Lower) for f in e.get_source_expressions()}
    if lowered:
        return found
    return found | {c.fields[0] for c in constraints if len(c.fields) == 1} | {f.name for f in model._meta.concrete_fields if f.unique}


def folded_from(model: type[models.Model]) -> list[str]:
    """Return the columns that a model's sort key is made of, in order."""
    expression = model._meta.get_field("sort_key").expression  # type: ignore[union-attr]
    return [e.name for e in expression.flatten() if isinstance(e, models.F)]
