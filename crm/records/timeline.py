"""The timeline of a record: who did what, when, from every part of the application, newest first.

    page = timeline(customer, user, before=cursor, kinds={"note", "interaction"}, limit=30)

A domain adds a source in its ``timeline.py``. Each source reads at most ``limit`` rows that the user may see,
older than the cursor, by an index; the number of statements does not depend on the number of rows.

    @timeline_source("interaction", _("Interactions"), entities={"customer", "company", "deal"})
    def interactions(asked: Asked) -> Iterable[Entry]: ...

A fact appears when its app gives it words: ``@sentence(DealApproved)``.
"""

import base64
import binascii
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.access.policy import SYSTEM, field_rights, visible_to
from crm.accounts.models import User
from crm.activity.facts import fact_name, revive
from crm.activity.models import ActivityLog
from crm.lib.errors import Invalid
from crm.records.entity import Entity, all_entities, entity_of
from crm.records.events import RecordsMerged
from crm.records.fields import Field, Kind
from crm.records.models import Comment, Document, Note

TOGETHER = timedelta(minutes=10)
"""Changes by one person within this time are one entry."""

BROUGHT_IN = timedelta(days=1)

UNTOLD = frozenset({"created_at", "updated_at", "version", "last_activity_at"})
"""Columns that follow from others or count; nobody did anything to them."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened. ``text`` is the sentence after the actor's name."""

    kind: str
    id: str
    at: datetime
    text: str
    icon: str = "circle"
    hue: str = "slate"
    actor_id: uuid.UUID | None = None
    actor: Any = None
    url: str = ""
    title: str = ""
    body: str = ""
    details: tuple[str, ...] = ()
    """Short things to know besides: how long it took, how it ended."""
    pinned: bool = False
    fields: tuple[str, ...] = ()
    formatted: bool = False
    """Whether the body has the formatting of notes."""

    @property
    def key(self) -> tuple[datetime, str, str]:
        """Return what entries are ordered by."""
        return self.at, self.kind, self.id


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins: after this entry."""

    at: datetime
    kind: str
    id: str

    def text(self) -> str:
        """Return the cursor as it stands in an address."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()}|{self.kind}|{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Return the cursor of a text; refuse a broken one."""
        try:
            at, kind, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("|")
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None or kind not in _SOURCES:
                raise ValueError
            return cls(moment, kind, str(uuid.UUID(key)))
        except (ValueError, binascii.Error):
            raise Invalid.field("cursor", _("This is not a cursor of a timeline.")) from None


@dataclass(frozen=True)
class Asked:
    """What a source is asked for."""

    obj: Any
    entity: Entity
    user: Any
    kind: str
    cursor: Cursor | None
    limit: int
    since: datetime | None = None
    by: uuid.UUID | None = None
    words: str = ""

    def older(
        self, queryset: QuerySet[Any], time: str, *, person: str = "user_id", texts: tuple[str, ...] = (), key: str = "id"
    ) -> QuerySet[Any]:
        """Return the rows after the cursor, newest first, as many as can be needed.

        ``person`` and ``texts`` name what is filtered by whom it was and by words; without texts no words are found.
        """
        if self.by is not None:
            queryset = queryset.filter(**{person: self.by})
        if self.words:
            found = Q(pk__in=[])
            for name in texts:
                found |= Q(**{f"{name}__icontains": self.words})
            queryset = queryset.filter(found)
        if self.since is not None:
            queryset = queryset.filter(**{f"{time}__gte": self.since})
        if self.cursor is not None:
            at = self.cursor.at
            if self.kind < self.cursor.kind:
                queryset = queryset.filter(**{f"{time}__lte": at})
            elif self.kind > self.cursor.kind:
                queryset = queryset.filter(**{f"{time}__lt": at})
            else:
                queryset = queryset.filter(
                    Q(**{f"{time}__lt": at}) | Q(**{time: at, f"{key}__lt": self.cursor.id}), **{f"{time}__lte": at}
                )
        return queryset.order_by(f"-{time}", f"-{key}")[: self.limit + 1]


@dataclass(frozen=True)
class Source:
    """One stream of entries."""

    kind: str
    label: Any
    entities: frozenset[str] | None
    read: Callable[[Asked], Iterable[Entry]]


@dataclass(frozen=True)
class TimelinePage:
    """Some entries, and the cursor of the next ones (empty at the end)."""

    entries: list[Entry]
    next: str = ""


_SOURCES: dict[str, Source] = {}
_SENTENCES: dict[str, Callable[[Any, ActivityLog], tuple[str, str, str]]] = {}


def timeline_source(
    kind: str, label: Any, *, entities: set[str] | None = None
) -> Callable[[Callable[[Asked], Iterable[Entry]]], Callable[[Asked], Iterable[Entry]]]:
    """Register a source for the timelines of some entities, or of all."""

    def declare(function: Callable[[Asked], Iterable[Entry]]) -> Callable[[Asked], Iterable[Entry]]:
        _SOURCES[kind] = Source(kind, label, frozenset(entities) if entities else None, function)
        return function

    return declare


def sentence(
    *facts: type,
) -> Callable[[Callable[[Any, ActivityLog], tuple[str, str, str]]], Callable[[Any, ActivityLog], tuple[str, str, str]]]:
    """Give facts their words: a function that returns the sentence, an icon and a hue."""

    def declare(function: Callable[[Any, ActivityLog], tuple[str, str, str]]) -> Any:
        for cls in facts:
            _SENTENCES[fact_name(cls)] = function
        return function

    return declare


def sentences() -> dict[str, Callable[[Any, ActivityLog], tuple[str, str, str]]]:
    """Return the words of every fact that has them, by the fact's name."""
    return dict(_SENTENCES)


def kinds_of(of: Entity) -> dict[str, Any]:
    """Return the kinds of entries an entity's timeline has, with their labels."""
    return {s.kind: s.label for s in _SOURCES.values() if s.entities is None or of.name in s.entities}


def timeline(
    obj: Any, user: Any, *, before: str | None = None, kinds: Iterable[str] | None = None, limit: int = 30,
    since: datetime | None = None, by: uuid.UUID | None = None, words: str = "",
) -> TimelinePage:
    """Return what happened to a record, newest first: by one person, with these words, not before ``since``.

    ``obj`` must come from ``visible_to``.
    """
    of = entity_of(obj)
    known = kinds_of(of)
    wanted = set(known) if kinds is None else set(kinds)
    if unknown := wanted - set(known):
        raise Invalid.field("kind", _("There is no kind “%(kind)s”.") % {"kind": sorted(unknown)[0]})
    cursor = Cursor.read(before) if before else None
    found: list[Entry] = []
    for kind in sorted(wanted):
        found.extend(_SOURCES[kind].read(Asked(obj, of, user, kind, cursor, limit, since, by, words)))
    found.sort(key=lambda e: e.key, reverse=True)
    entries = _joined(found[: limit + 1] if len(found) > limit else found)
    more = len(found) > limit
    entries = entries[:limit] if more else entries
    people = User.objects.in_bulk({e.actor_id for e in entries if e.actor_id})
    shown = [replace(e, actor=people.get(e.actor_id) if e.actor_id else None) for e in entries]
    last = found[min(limit, len(found)) - 1] if found else None
    return TimelinePage(shown, Cursor(last.at, last.kind, last.id).text() if more and last else "")


def _joined(entries: list[Entry]) -> list[Entry]:
    """Make one entry of the changes that one person made within a few minutes."""
    made: list[Entry] = []
    for entry in entries:
        last = made[-1] if made else None
        if (
            last is not None and last.fields and entry.fields and last.actor_id == entry.actor_id
            and last.at - entry.at <= TOGETHER
        ):
            fields = tuple(dict.fromkeys([*last.fields, *entry.fields]))
            made[-1] = replace(last, fields=fields, text=_changed(fields))
        else:
            made.append(entry)
    return made


def _changed(labels: tuple[str, ...]) -> str:
    if len(labels) <= 3:
        return _("changed %(fields)s") % {"fields": ", ".join(labels)}
    return ngettext("changed %(count)d field", "changed %(count)d fields", len(labels)) % {"count": len(labels)}


# -- what every record has ------------------------------------------------------------------------


def fields_of(changes: dict[str, Any], of: Entity, user: Any) -> list[Field]:
    """Return the fields in a logged change that a user may see."""
    rights = field_rights(user, of.model) if user is not SYSTEM else None
    columns = _columns(of)
    found = [
        columns[c] for c in changes
        if c in columns and c not in UNTOLD and (rights is None or rights.can_read(columns[c].name))
    ]
    if "custom" in changes:
        old, new = (value or {} for value in changes["custom"])
        customs = {f.name: f for k, f in of.all_fields().items() if f.custom and (rights is None or rights.can_read(k))}
        found += [customs[k] for k in {**old, **new} if k in customs and old.get(k) != new.get(k)]
    return found


def _columns(of: Entity) -> dict[str, Field]:
    """Return the fields of an entity by the column that holds them."""
    found = {}
    for f in of.own_fields.values():
        if not f.computed and f.kind != Kind.TAGS and "__" not in f.source and hasattr(of.model, f.source):
            found[str(getattr(of.model._meta.get_field(f.source), "column", f.source))] = f
    return found


@timeline_source("change", gettext_lazy("Changes"))
def changes(asked: Asked) -> Iterable[Entry]:
    """Read the changes of the record itself from the log, whoever made them and how."""
    rows = ActivityLog.objects.filter(
        entity_id=asked.obj.pk, kind=ActivityLog.Kind.CHANGE, table_name=asked.obj._meta.db_table
    ).exclude(change_set__source="system", user=None, action="updated")
    words = {
        "created": (_("created this"), "plus", "green"), "deleted": (_("moved this to the trash"), "trash-2", "coral"),
        "restored": (_("restored this"), "undo-2", "teal"), "removed": (_("removed this"), "trash-2", "coral"),
    }
    for row in asked.older(rows, "created_at"):
        base = {"kind": "change", "id": str(row.id), "at": row.created_at, "actor_id": row.user_id}
        if row.action == "created" and row.user_id is None and asked.obj.created_at < row.created_at - BROUGHT_IN:
            continue  # it was brought in with its own date: the program that did so has no part in its story
        if row.action in words:
            text, icon, hue = words[row.action]
            yield Entry(text=text, icon=icon, hue=hue, **base)
        elif labels := tuple(str(f.label) for f in fields_of(row.changes, asked.entity, asked.user)):
            yield Entry(text=_changed(labels), icon="pencil", fields=labels, **base)


@timeline_source("fact", gettext_lazy("Events"))
def facts(asked: Asked) -> Iterable[Entry]:
    """Read the facts that have words: about the record, or about others that concern it."""
    about = Q(entity_id=asked.obj.pk) | Q(subjects__contains=[str(asked.obj.pk)])
    rows = list(
        asked.older(ActivityLog.objects.filter(about, kind=ActivityLog.Kind.FACT, action__in=_SENTENCES), "created_at")
    )
    allowed = {asked.obj.pk}
    by_entity: dict[str, set[Any]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, set()).add(row.entity_id)
    for name, of in all_entities().items():
        if name in by_entity:
            allowed.update(visible_to(asked.user, of.model).filter(pk__in=by_entity[name]).values_list("pk", flat=True))
    for row in rows:
        about_entity = all_entities().get(row.entity)
        if row.entity_id not in allowed:
            continue
        try:
            text, icon, hue = _SENTENCES[row.action](revive(row.action, row.changes), row)
        except (LookupError, TypeError, ValueError):
            continue  # a fact of an older version, told in words that it has no more
        other = row.entity_id != asked.obj.pk and about_entity is not None and "pages" in about_entity.abilities
        if row.action == fact_name(RecordsMerged) and row.entity_id == asked.obj.pk:
            yield _merge(row, text)
            continue
        yield Entry(
            kind="fact", id=str(row.id), at=row.created_at, text=text, icon=icon, hue=hue, actor_id=row.user_id,
            url=about_entity.url(row.entity_id) if other and about_entity is not None else "",
        )


@sentence(RecordsMerged)
def _merged(happened: Any, row: ActivityLog) -> tuple[str, str, str]:
    count = len(happened.merged)
    text = ngettext("merged a duplicate into this", "merged %(count)d duplicates into this", count) % {"count": count}
    return text, "merge", "violet"


def _merge(row: ActivityLog, text: str) -> Entry:
    """Return a merge with the way to take it back."""
    return Entry(
        kind="fact", id=str(row.id), at=row.created_at, text=text, icon="merge", hue="violet", actor_id=row.user_id,
        url=f"/changes/{row.change_set_id}",
    )


@timeline_source("note", gettext_lazy("Notes"))
def notes(asked: Asked) -> Iterable[Entry]:
    """Read the notes on the record; private ones are their author's alone."""
    rows = visible_to(asked.user, Note).filter(entity=asked.entity.name, record_id=asked.obj.pk)
    for row in asked.older(rows, "created_at", person="author_id", texts=("title", "content")):
        yield Entry(
            kind="note", id=str(row.pk), at=row.created_at, icon="sticky-note", hue="amber", actor_id=row.author_id,
            text=_("wrote a private note") if row.is_private else _("wrote a note"),
            title=row.title, body=row.content[:2000], pinned=row.is_pinned, formatted=True,
        )


@timeline_source("comment", gettext_lazy("Comments"))
def comments(asked: Asked) -> Iterable[Entry]:
    """Read the talk about the record."""
    rows = visible_to(asked.user, Comment).filter(
        entity=asked.entity.name, record_id=asked.obj.pk, deleted_at=None
    )
    for row in asked.older(rows, "created_at", person="author_id", texts=("content",)):
        yield Entry(
            kind="comment", id=str(row.pk), at=row.created_at, icon="message-square", hue="sky",
            actor_id=row.author_id, text=_("commented"), body=row.content[:2000], formatted=True,
        )


@timeline_source("document", gettext_lazy("Documents"))
def documents(asked: Asked) -> Iterable[Entry]:
    """Read the documents on the record."""
    rows = visible_to(asked.user, Document).filter(entity=asked.entity.name, record_id=asked.obj.pk)
    for row in asked.older(rows, "created_at", person="uploaded_by_id", texts=("name", "description")):
        yield Entry(
            kind="document", id=str(row.pk), at=row.created_at, icon="paperclip", hue="violet",
            actor_id=row.uploaded_by_id, text=_("added the document “%(name)s”") % {"name": row.name},
        )
