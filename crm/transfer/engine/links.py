"""From what a cell calls another record to that record's id: a batch of names is one query."""

import dataclasses
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from rapidfuzz import fuzz, process

from crm.access.policy import visible_to
from crm.lib.text import fold
from crm.records.entity import Entity, entity
from crm.transfer.engine.staging import any_of
from crm.transfer.models import ExternalId

SMALL = 3_000
"""Targets with fewer rows than this are held whole: users, products, stages, pipelines."""
MANY = 5_000


@dataclass(slots=True)
class Found:
    """A record that a name stands for; planned ones are made by the run."""

    id: uuid.UUID
    title: str = ""
    instance: Any = None
    planned: bool = False


@dataclass
class Unresolved:
    """The names in a column that stand for nothing, how often each occurs, and what is to happen."""

    header: str
    field: str
    entity: str
    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    more: int = 0

    def add(self, value: str) -> None:
        """Count one more occurrence."""
        if value in self.counts or len(self.counts) < MANY:
            self.counts[value] += 1
        else:
            self.more += 1


class Directory:
    """Finds the visible records of one entity by id, external id, or title; remembers what it found."""

    def __init__(self, target: Entity, actor: Any, system: str = "") -> None:
        self.target = target
        self.actor = actor
        self.system = system
        self.known: dict[str, Found | None] = {}
        self.titles: list[str] = []
        self._columns = {f.attname for f in target.model._meta.concrete_fields}
        self._whole = self._visible()[:SMALL].count() < SMALL
        self._ready = False

    def _visible(self) -> Any:
        return visible_to(self.actor, self.target.model)

    def add(self, found: Found, *names: str) -> None:
        """Make a planned record known under its names."""
        for name in (found.title, *names):
            if name:
                self.known[fold(name)] = found

    def alias(self, found: Found, *names: str) -> None:
        """Make a record known under further names, which are not suggested."""
        for name in names:
            self.known[fold(name)] = found

    def get(self, text: str) -> Found | None:
        """Return what a name stands for; look it up with ``look_up`` first."""
        return self.known.get(fold(text))

    def is_called(self, found: Found, name: str) -> bool:
        """Tell whether a record that was found by its id has that name."""
        return " ".join(fold(found.title).split()) == " ".join(fold(name).split())

    def look_up(self, texts: Iterable[str]) -> None:
        """Find all of these names that are not known yet."""
        if self._whole and not self._ready:
            self._load_all()
        if len(self.known) > 200_000:
            self.known = {k: v for k, v in self.known.items() if v is not None and (v.planned or v.instance is not None)}
        wanted = {key: text for text in texts if (key := fold(text)) not in self.known}
        if not wanted:
            return
        self._by_key(wanted)
        if not self._whole:
            self._by_title({k: t for k, t in wanted.items() if self.known.get(k) is None})
        for key in wanted:
            self.known.setdefault(key, None)

    def _load_all(self) -> None:
        self._ready = True
        for row in self._visible():
            found = Found(row.pk, str(row), row)
            for name in (str(row), *(str(getattr(row, a)) for a in ("code", "email") if a in self._columns and getattr(row, a))):
                self.known.setdefault(fold(name), found)

    def _by_key(self, wanted: dict[str, str]) -> None:
        """Find ids of ours, and ids that another program gave."""
        ids: dict[uuid.UUID, str] = {}
        for key, text in wanted.items():
            try:
                ids[uuid.UUID(text)] = key
            except ValueError:
                continue
        given = {t: k for k, t in wanted.items() if len(t) <= 200}
        rows = ExternalId.objects.filter(entity=self.target.name, key__in=list(given))
        for external in sorted(rows, key=lambda r: r.system == self.system):
            ids[external.record_id] = given[external.key]
        if "external_id" in self._columns:
            for pk, text in self._visible().filter(external_id__in=list(given)).values_list("pk", "external_id"):
                ids[pk] = given[text]
        if ids:
            names = [n for n in self.target.title if n in self._columns]
            for pk, *title in self._visible().filter(pk__in=any_of(ids)).values_list("pk", *names):
                self.known[ids[pk]] = Found(pk, " ".join(str(t) for t in title if t))

    def _by_title(self, wanted: dict[str, str]) -> None:
        """Find titles through the folded sort key, which is indexed; a person's also by address."""
        if not wanted or "sort_key" not in self._columns:
            return
        table = self.target.model._meta.db_table
        living = "t.deleted_at IS NULL" if "deleted_at" in self._columns else "true"
        names, probes, ends = [], [], []
        for key, text in wanted.items():
            if len(self.target.title) > 1:
                first, _blank, last = text.strip().rpartition(" ")
                probe = f"{last} {first} ".strip() + " "
            else:
                probe = text.strip()
            names.append(key)
            probes.append(probe)
            ends.append(len(self.target.title) > 1)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT ON (p.key) p.key, t.id FROM unnest(%s::text[], %s::text[], %s::bool[]) AS p(key, probe, open) "
                f'JOIN "{table}" t ON {living} AND t.sort_key >= rapport_fold(p.probe) AND t.sort_key <= '
                "CASE WHEN p.open THEN rapport_fold(p.probe) || U&'\\+10FFFF' ELSE rapport_fold(p.probe) END "
                "ORDER BY p.key, t.created_at",
                [names, probes, ends],
            )
            found = dict(cursor.fetchall())
        addresses = {t.lower(): k for k, t in wanted.items() if "@" in t}
        if addresses and "email" in self._columns:
            with connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT lower(t.email), t.id FROM "{table}" t WHERE lower(t.email) = ANY(%s) AND {living}', [list(addresses)]
                )
                found.update({addresses[email]: pk for email, pk in cursor.fetchall()})
        if found:
            visible = set(self._visible().filter(pk__in=any_of(found.values())).values_list("pk", flat=True))
            for key, pk in found.items():
                if pk in visible:
                    self.known[key] = Found(pk, wanted[key])

    def suggest(self, text: str, limit: int = 3) -> list[str]:
        """Return the titles most like a name that stands for nothing."""
        if not self.titles:
            self.titles = [str(row) for row in self._visible().order_by("pk")[: SMALL * 10]] if self._whole else self._some_titles()
            self.titles += [f.title for f in self.known.values() if f is not None and f.title]
            self.titles = list(dict.fromkeys(self.titles))
        folded = {t: fold(t).replace(" ", "") for t in self.titles}
        near = process.extract(fold(text).replace(" ", ""), folded, scorer=fuzz.WRatio, limit=limit, score_cutoff=70)
        return [title for _value, _score, title in near]

    def _some_titles(self) -> list[str]:
        names = [n for n in self.target.title if n in self._columns]
        rows = self._visible().order_by("pk").values_list(*names)[: SMALL * 10]
        return [" ".join(filter(None, row)) for row in rows]


class Directories:
    """The directories of one check, one for each entity that a column points to."""

    def __init__(self, actor: Any, system: str) -> None:
        self.actor = actor
        self.system = system
        self._found: dict[str, Directory] = {}

    def of(self, name: str) -> Directory:
        """Return the directory of an entity."""
        if name not in self._found:
            self._found[name] = Directory(entity(name), self.actor, self.system)
        return self._found[name]

