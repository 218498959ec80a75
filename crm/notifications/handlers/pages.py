"""What open pages are told when something happens: which record, which of its fields, or what hangs on it."""

import uuid
from typing import Any

from crm.access.events import RecordShared, RecordUnshared
from crm.access.policy import SYSTEM
from crm.accounts.events import UserAccessChanged, UserDeactivated
from crm.accounts.models import User
from crm.activity.facts import Heard, reacts_to
from crm.activity.models import ActivityLog
from crm.lib.prepared import PreparedTuples, Shelf
from crm.realtime.push import check_everybody, check_topic, end_sockets, push
from crm.records.entity import Entity, all_entities
from crm.records.events import (
    CommentWritten,
    DocumentAdded,
    NoteWritten,
    RecordChanged,
    RecordCreated,
    RecordDeleted,
    RecordRestored,
    RecordsBulkChanged,
    RecordsMerged,
)
from crm.records.fields import Field, Kind
from crm.records.timeline import fields_of

MOST = 200
"""So many records of one act are told of one by one; lists hear of all of them at once."""


@reacts_to(RecordCreated, RecordChanged, RecordDeleted, RecordRestored, name="notifications.tell_pages")
def tell_pages(heard: Heard) -> None:
    """Tell the pages of a record, of the records that it links to, and the lists of its kind."""
    name, pk = heard.fact.entity, heard.fact.record_id
    of = all_entities().get(name)
    if name in ("role", "team"):
        check_everybody()
    elif name == "user":
        end_sockets(pk)
    if of is None:
        return
    logged = _changes(heard, of, [pk]).get(pk, [])
    if isinstance(heard.fact, RecordChanged):
        columns = {f.key for changes in logged for f in fields_of(changes, of, SYSTEM)}
        _changed(heard, of, pk, sorted({*heard.fact.fields, *columns}))
    elif not isinstance(heard.fact, RecordCreated):
        event = "record.deleted" if isinstance(heard.fact, RecordDeleted) else "record.restored"
        push(f"record:{name}:{pk}", event, {"entity": name, "id": str(pk), "by": _actor(heard)}, tab=heard.tab)
    for topic in _linked(of, pk, logged):
        push(topic, "record.related", {"of": name, "of_id": str(pk)}, tab=heard.tab)
    push(f"list:{name}", "list.dirty", {"entity": name, "id": str(pk)}, tab=heard.tab)


def _changed(heard: Heard, of: Entity, pk: uuid.UUID, fields: list[str]) -> None:
    topic = f"record:{of.name}:{pk}"
    push(topic, "record.changed", {"entity": of.name, "id": str(pk), "fields": fields}, tab=heard.tab)
    if of.owner in fields:
        check_topic(topic)


@reacts_to(RecordsBulkChanged, name="notifications.tell_lists")
def tell_lists(heard: Heard) -> None:
    """Tell the lists of a kind that many rows changed, and the pages of the first of them."""
    of = all_entities().get(heard.fact.entity)
    push(f"list:{heard.fact.entity}", "list.dirty", {"entity": heard.fact.entity}, tab=heard.tab)
    if of is None or heard.entry.change_set_id is None or "pages" not in of.abilities:
        return
    for pk, logged in _changes(heard, of).items():
        fields = {f.key for changes in logged for f in fields_of(changes, of, SYSTEM)}
        if fields:
            _changed(heard, of, pk, sorted(fields))


@reacts_to(RecordsMerged, name="notifications.tell_of_merge")
def tell_of_merge(heard: Heard) -> None:
    """Tell the pages of the merged records that these are gone."""
    for pk in heard.fact.merged:
        data = {"entity": heard.fact.entity, "id": str(pk), "by": _actor(heard), "into": str(heard.fact.record_id)}
        push(f"record:{heard.fact.entity}:{pk}", "record.deleted", data, tab=heard.tab)


@reacts_to(NoteWritten, CommentWritten, DocumentAdded, name="notifications.tell_timelines")
def tell_timelines(heard: Heard) -> None:
    """Let the page of a record know what was written or put on it."""
    fact = heard.fact
    data: dict[str, Any] = {"of": "comment"}
    if isinstance(fact, NoteWritten):
        data = {"of": "note", "of_id": str(fact.note_id)}
    elif isinstance(fact, DocumentAdded):
        data = {"of": "document", "of_id": str(fact.document_id)}
    push(f"record:{fact.entity}:{fact.record_id}", "record.related", data, tab=heard.tab)


@reacts_to(UserAccessChanged, UserDeactivated, name="notifications.end_sockets")
def check_sockets(heard: Heard) -> None:
    """Close the sockets of someone whose rights or account have changed."""
    end_sockets(heard.fact.user_id)


@reacts_to(RecordShared, RecordUnshared, name="notifications.check_sockets_of_share")
def check_share(heard: Heard) -> None:
    """Let the pages of a record ask whether they may still show it."""
    check_topic(f"record:{heard.fact.entity}:{heard.fact.record_id}")


_WRITTEN = PreparedTuples(
    lambda act, table: _of_act(act, table).values_list("entity_id", "changes")[:MOST], (uuid.UUID(int=1), "no_such_table")
)
_WRITTEN_OF = PreparedTuples(
    lambda act, table, ids: _of_act(act, table).filter(entity_id__among=ids).values_list("entity_id", "changes")[:MOST],
    (uuid.UUID(int=1), "no_such_table", [uuid.UUID(int=2)]),
)


def _of_act(act: uuid.UUID, table: str) -> Any:
    return ActivityLog.objects.filter(change_set_id=act, kind=ActivityLog.Kind.CHANGE, table_name=table)


def _changes(heard: Heard, of: Entity, ids: list[uuid.UUID] | None = None) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return what the act that was heard of changed, by record."""
    act, table = heard.entry.change_set_id, of.model._meta.db_table
    if act is None:
        return {}
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for pk, changes in _WRITTEN.ask([act, table]) if ids is None else _WRITTEN_OF.ask([act, table, ids]):
        if pk is not None:
            found.setdefault(pk, []).append(changes)
    return found


_standing: Shelf[PreparedTuples] = Shelf()


def _linked(of: Entity, pk: uuid.UUID, logged: list[dict[str, Any]]) -> set[str]:
    """Return the topics of the records that a record links to, or linked to until now."""
    links: list[Field] = [
        f for f in of.own_fields.values()
        if f.kind == Kind.LINK and not f.computed and "__" not in f.source and "pages" in all_entities()[f.link].abilities
    ]
    if not links:
        return set()
    columns = [f"{f.source}_id" for f in links]
    manager = getattr(of.model, "everything", of.model._default_manager)
    standing = _standing.get(
        of.model, lambda: PreparedTuples(lambda key: manager.filter(pk=key).values_list(*columns), (uuid.UUID(int=1),))
    ).ask([pk])
    found = set()
    for at, (f, column) in enumerate(zip(links, columns, strict=True)):
        ids = {row[at] for row in standing} | {c[column][0] for c in logged if column in c}
        found.update(f"record:{f.link}:{one}" for one in ids if one)
    return found


def _actor(heard: Heard) -> str:
    user = User.objects.filter(pk=heard.entry.user_id).first() if heard.entry.user_id else None
    return str(user or "")
