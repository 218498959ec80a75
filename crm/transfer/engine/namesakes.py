"""Records of one name, told apart by what else they say: each is read once, however many rows ask for its name.

In a file without addresses hundreds of rows share a name, and so do the records that it made when it was imported before.
To compare each with each would take minutes. So the database returns a number for all that a record says of what the rows
say; rows with the same number are candidates, and only those are compared in full.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection, models
from psycopg import sql

from crm.records.entity import Entity
from crm.records.fields import Field
from crm.records.models import Note
from crm.transfer.adapters import Draft

AT_MOST = 10_000
"""How many records of one name are read; a name that more have tells nobody."""
REMEMBERED = 100_000
"""How many are remembered for the rows to come; beyond that only those that the rows at hand ask for are kept."""
AT_ONCE = 5_000
FEW = 5
"""Of so many records that say the same, the notes are compared piece by piece; of more, only a note that is the same as a whole."""
_BETWEEN = "\x1f"

Key = tuple[str, ...]
Said = tuple[str, ...]
"""The fields that a row fills with what can be told by its text."""


class Namesakes:
    """The records of an entity by name and by what they say, as far as rows have asked."""

    def __init__(self, entity: Entity, fields: dict[str, Field], named_by: list[str]) -> None:
        self.entity = entity
        self.fields = fields
        self.named_by = named_by
        self.columns: dict[str, Any] = {f.attname: f for f in entity.model._meta.concrete_fields}
        self._known: dict[tuple[Said, bool, str], dict[int, list[uuid.UUID]]] = {}
        self._held = 0

    def alike(self, waiting: Mapping[Key, Draft]) -> dict[Key, list[uuid.UUID]]:
        """Return the records that are called like drafts and seem to say what they say."""
        said = {key: self._said(draft) for key, draft in waiting.items()}
        asked: dict[tuple[Said, bool], set[str]] = {}
        for key, draft in waiting.items():
            asked.setdefault((tuple(said[key]), bool(draft.notes)), set()).add(self._name(draft))
        numbers = {key: self._numbers(said[key], draft) for key, draft in waiting.items()}
        wanted = {number for pair in numbers.values() for number in pair}
        for (names, noted), probes in asked.items():
            self._read(names, noted, sorted(p for p in probes if (names, noted, p) not in self._known), wanted)
        found = {}
        for key, draft in waiting.items():
            of_name = self._known[tuple(said[key]), bool(draft.notes), self._name(draft)]
            whole, bare = numbers[key]
            pks = of_name.get(whole, [])
            if not pks and whole != bare and len(few := of_name.get(bare, [])) <= FEW:
                pks = few
            if pks:
                found[key] = pks
        if self._held > REMEMBERED:
            self._known, self._held = {}, 0
        return found

    @staticmethod
    def _numbers(said: dict[str, str], draft: Draft) -> tuple[int, int]:
        """Return the numbers of all that a draft says, with its notes and without."""
        bare = _BETWEEN.join(said.values())
        return _number(f"{bare}{_BETWEEN}{_as_written(draft.notes)}") if draft.notes else _number(bare), _number(bare)

    def _name(self, draft: Draft) -> str:
        return " ".join(str(draft.values.get(p) or "") for p in self.named_by)

    def _said(self, draft: Draft) -> dict[str, str]:
        """Return what a draft says, of what the database can say in the same words."""
        found = {}
        for name in sorted(draft.values):
            f, value = self.fields.get(name), draft.values[name]
            if f is None or not value or name in draft.derived:
                continue
            if f.custom:
                if isinstance(value, str):
                    found[name] = value
                continue
            column = self.columns.get(f.source)
            if isinstance(column, models.CharField | models.TextField):
                found[name] = str(value)
            elif isinstance(column, models.DecimalField) and isinstance(value, Decimal):
                found[name] = format(value.normalize(), "f")
            elif isinstance(column, models.IntegerField) and isinstance(value, int):
                found[name] = str(int(value))
            elif column.__class__ is models.DateField and isinstance(value, dt.date):
                found[name] = value.isoformat()
        return found

    def _expression(self, name: str) -> sql.Composable:
        """Return what the database says of a field, as ``_said`` does of a row."""
        f = self.fields[name]
        if f.custom:
            return sql.SQL("coalesce(t.custom ->> {}, '')").format(sql.Literal(f.name))
        column = self.columns[f.source]
        text = sql.SQL("trim_scale(t.{})") if isinstance(column, models.DecimalField) else sql.SQL("t.{}")
        return sql.SQL("coalesce({}::text, '')").format(text.format(sql.Identifier(column.column)))

    def _read(self, names: Said, noted: bool, probes: list[str], wanted: set[int]) -> None:
        if not probes:
            return
        of = [self._known.setdefault((names, noted, probe), {}) for probe in probes]
        said = sql.SQL(r" || E'\x1f' || ").join([*map(self._expression, names)] or [sql.Literal("")])
        statement = sql.SQL(
            "SELECT p.place - 1, t.id, md5(t.said), md5(t.said || E'\\x1f' || n.content) "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS p(probe, place) CROSS JOIN LATERAL ("
            "SELECT id, {said} AS said FROM {table} t WHERE t.sort_key = rapport_fold(p.probe) AND t.deleted_at IS NULL LIMIT {most}) t "
            "LEFT JOIN {notes} n ON %s AND n.entity = %s AND n.record_id = t.id"
        ).format(
            said=said, table=sql.Identifier(self.entity.model._meta.db_table), most=sql.Literal(AT_MOST),
            notes=sql.Identifier(Note._meta.db_table),
        )
        with connection.chunked_cursor() as cursor:
            cursor.execute(statement, [probes, noted, self.entity.name])  # type: ignore[arg-type]
            while rows := cursor.fetchmany(AT_ONCE):
                for place, pk, *digests in rows:
                    for number in (_short(d) for d in digests if d):
                        if self._held > REMEMBERED and number not in wanted:
                            continue
                        pks = of[place].setdefault(number, [])
                        if pks[-1:] != [pk]:
                            pks.append(pk)
                            self._held += 1


def _as_written(notes: list[str]) -> str:
    return "\n".join(notes)[:100_000]


def _number(said: str) -> int:
    return _short(hashlib.md5(said.encode(), usedforsecurity=False).hexdigest())


def _short(digest: str) -> int:
    return int(digest[:15], 16)
