"""Versions with public names: what a user may see of a record's history, compared and rolled back (D8)."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, all_policies, require, visible_to
from crm.accounts.models import User
from crm.activity.intention import relabel, verb
from crm.activity.versions import Version, state_at, version, versions
from crm.lib.errors import Conflict, Invalid, Missing
from crm.records.entity import Entity, entity_of
from crm.records.fields import Field, Kind
from crm.records.services.records import update_record
from crm.records.timeline import UNTOLD


@dataclass(frozen=True)
class Difference:
    """One field with two values, as they are stored and as they read."""

    field: Field
    before: Any
    after: Any
    before_text: str = ""
    after_text: str = ""


@dataclass(frozen=True)
class Listed:
    """A version as a user may see it."""

    id: uuid.UUID
    at: datetime
    action: str
    user: User | None
    change_set_id: uuid.UUID | None
    number: int | None
    differences: list[Difference]


def history(obj: Any, user: Any, *, before: uuid.UUID | None = None, limit: int = 50) -> list[Listed]:
    """Return the versions of a record, newest first, without what the user may not see of it."""
    of = entity_of(obj)
    found = versions(obj, before=before, limit=limit)
    people = User.objects.in_bulk({v.user_id for v in found if v.user_id})
    pairs = [(v, _pairs(of, user, v.changes)) for v in found]
    names = _names(of, user, [p for _v, ps in pairs for p in ps])
    return [
        Listed(v.id, v.at, v.action, people.get(v.user_id) if v.user_id else None, v.change_set_id, v.number,
               [_difference(p, names) for p in ps])
        for v, ps in pairs
        if ps or v.action != "updated"
    ]


def compare(obj: Any, user: Any, *, older: uuid.UUID, newer: uuid.UUID | None = None) -> list[Difference]:
    """Return what differs between a version and another (by default: the record as it is)."""
    of = entity_of(obj)
    first = state_at(obj, _get(obj, older))
    second = state_at(obj, _get(obj, newer)) if newer else _today(obj)
    changes = {c: [first.get(c), second.get(c)] for c in first if first.get(c) != second.get(c)}
    pairs = _pairs(of, user, changes)
    names = _names(of, user, pairs)
    return [_difference(p, names) for p in pairs]


@verb
def roll_back(*, obj: Any, to: uuid.UUID, actor: Any, version: int | None = None, fields: Iterable[str] | None = None) -> Any:
    """Give a record the values of an earlier version, by the rules of any other change.

    Fields that the actor may not write stay as they are. ``fields`` limits it to some.
    """
    of = entity_of(obj)
    require(actor, "change", obj)
    writable = of.writable_fields(actor)
    wanted = set(fields) if fields is not None else None
    if wanted is not None and (unknown := wanted - set(writable)):
        raise Invalid.field(sorted(unknown)[0], _("This field cannot be rolled back."))
    data: dict[str, Any] = {}
    for difference in compare(obj, actor, older=to):
        key = difference.field.key
        if key in writable and (wanted is None or key in wanted):
            data[key] = difference.before
    if not data:
        raise Conflict(_("Nothing differs from that version."))
    relabel(_("Roll back %(what)s") % {"what": of.label})
    return update_record(obj=obj, data=_nested(data), actor=actor, version=version)


def _nested(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with custom fields below ``custom``, as the verbs take them."""
    custom = {k.removeprefix("custom."): v for k, v in data.items() if k.startswith("custom.")}
    plain = {k: v for k, v in data.items() if not k.startswith("custom.")}
    return {**plain, "custom": custom} if custom else plain


def _get(obj: Any, id: uuid.UUID) -> Version:
    found = version(obj, id)
    if found is None:
        raise Missing
    return found


def _today(obj: Any) -> dict[str, Any]:
    newest = versions(obj, limit=1)
    if not newest:
        raise Missing
    return state_at(obj, newest[0])


def _columns(of: Entity) -> dict[str, str]:
    """Return the public name of each column that is a field's."""
    found = {}
    for f in of.own_fields.values():
        if f.computed or f.kind == Kind.TAGS or "__" in f.source or f.source in UNTOLD:
            continue
        found[str(of.model._meta.get_field(f.source).column)] = f.name  # type: ignore[union-attr]
    return found


def _pairs(of: Entity, user: Any, changes: dict[str, list[Any]]) -> list[tuple[Field, Any, Any]]:
    readable = of.fields_for(user)
    columns = _columns(of)
    found = []
    for column, (before, after) in changes.items():
        if column == "custom":
            old, new = before or {}, after or {}
            found += [
                (readable[f"custom.{k}"], old.get(k), new.get(k))
                for k in {**old, **new}
                if old.get(k) != new.get(k) and f"custom.{k}" in readable
            ]
        elif columns.get(column) in readable:
            found.append((readable[columns[column]], before, after))
    order = {k: i for i, k in enumerate(readable)}
    return sorted(found, key=lambda p: order[p[0].key])


def _names(of: Entity, user: Any, pairs: list[tuple[Field, Any, Any]]) -> dict[tuple[str, str], str]:
    """Return the titles of linked records that the user sees, one statement for each kind of link."""
    ids: dict[str, set[str]] = {}
    for f, before, after in pairs:
        if f.kind in (Kind.USER, Kind.LINK) and not f.custom:
            ids.setdefault(f.name, set()).update(str(v) for v in (before, after) if v)
    found: dict[tuple[str, str], str] = {}
    for name, wanted in ids.items():
        field: Any = of.model._meta.get_field(of.own_fields[name].source)
        target = field.target_field.name
        rows = field.related_model._base_manager.filter(**{f"{target}__in": wanted})
        if field.related_model in all_policies() and user is not SYSTEM:
            rows = visible_to(user, rows)
        for row in rows:
            found[name, str(getattr(row, target))] = str(row)
    return found


def _difference(pair: tuple[Field, Any, Any], names: dict[tuple[str, str], str]) -> Difference:
    f, before, after = pair

    def text(value: Any) -> str:
        if value in (None, "", [], {}):
            return ""
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        if choice := f.choice(str(value)) if not isinstance(value, dict | list) else None:
            return str(choice.label)
        if isinstance(value, dict):
            return ", ".join(str(v) for v in value.values() if v)
        if isinstance(value, list):
            return ", ".join(str(v) for v in value)
        if f.kind in (Kind.USER, Kind.LINK) and not f.custom:
            return names.get((f.name, str(value)), _("A record you cannot see"))
        return str(value)

    return Difference(f, before, after, text(before), text(after))
