"""Create, update, delete, restore, archive: the verbs every record has.

Pages, API, import, workflows and commands all come through here. Each verb is one transaction under one
actor; it writes only the fields that changed.
"""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, policy_of, require
from crm.activity.facts import publish
from crm.activity.intention import current_intention, relabel, verb
from crm.lib.errors import Conflict, Detail, Invalid, Missing
from crm.lib.prepared import PreparedOne, Shelf
from crm.lib.rows import insert_row, update_row
from crm.records.entity import Entity, Saving, creates_records, entity, entity_of
from crm.records.events import RecordChanged, RecordCreated, RecordDeleted, RecordRestored
from crm.records.fields import LINKS
from crm.records.models import Record
from crm.records.services.cleaning import Cleaned, check_owner, clean
from crm.records.services.constraints import explain
from crm.records.services.contested import settle
from crm.records.services.fitting import require_fit


@verb
def create_record(*, of: Entity | str, data: dict[str, Any], actor: Any, quiet: bool = False) -> Any:
    """Make a record of an entity from public field names. Raises ``Invalid``, ``Denied`` or ``Conflict``."""
    declared = entity(of) if isinstance(of, str) else of
    require(actor, "create", declared.model)
    relabel(_("Create %(what)s") % {"what": declared.label})
    cleaned = clean(declared, data, actor=actor, creating=True)
    obj = declared.model()
    obj._saving = Saving(quiet=quiet)
    if getattr(actor, "pk", None) and isinstance(obj, Record):
        obj.created_by = actor
    for name, value in declared.defaults(actor).items():
        setattr(obj, declared.own_fields[name].source if name in declared.own_fields else name, value)
    for f in declared.fields:
        if f.default is not None and f.writable and not f.computed and f.kind != "tags":
            setattr(obj, f.source, f.default() if callable(f.default) else f.default)
    _apply(obj, cleaned)
    if declared.owner:
        check_owner(declared, getattr(obj, declared.owner), actor, creating=True)
    _check(declared, obj, cleaned.names, actor)
    declared.before_save(obj, cleaned.names, actor)
    _save(declared, obj)
    if cleaned.tags:
        obj.tags.set(cleaned.tags)
    declared.after_save(obj, cleaned.names, True, actor)
    require_fit(declared, [obj.pk], actor)
    publish(
        RecordCreated(entity=declared.name, record_id=obj.pk),
        about=obj, entity=declared.name, subjects=declared.timeline_subjects(obj), quiet=quiet,
    )
    return obj


@verb
def update_record(
    *,
    obj: Any,
    data: dict[str, Any],
    actor: Any,
    version: int | None = None,
    whole: bool = False,
    quiet: bool = False,
    doing: str = "",
) -> Any:
    """Change a record. With ``version`` (the one the actor read), contested fields raise ``Outdated``.

    Two people changing different fields both win; the same field shows both values and asks. ``whole`` says that
    ``data`` comes from a form with every field, touched or not. ``doing`` names the domain's verb around the
    change, for the hooks that allow more to it than to an edit.
    """
    declared = entity_of(obj)
    obj = lock(obj)
    require(actor, "change", obj)
    cleaned = clean(declared, data, actor=actor, obj=obj)
    changed = _changes(declared, obj, cleaned)
    if version is not None and version != obj.version and changed:
        changed = settle(declared, obj, version, changed, cleaned, whole=whole)
    if not changed:
        return obj
    relabel(_("Change %(what)s") % {"what": declared.label})
    before = {name: value for name, value in vars(obj).items() if not name.startswith("_")}
    obj._saving = Saving(before=before, doing=doing, quiet=quiet)
    previous_owner = getattr(obj, f"{declared.owner}_id", None) if declared.owner else None
    _apply(obj, cleaned)
    if declared.owner and declared.owner in changed and getattr(obj, f"{declared.owner}_id") != previous_owner:
        require(actor, "assign", obj)
        check_owner(declared, getattr(obj, declared.owner), actor, creating=False)
    _check(declared, obj, changed, actor)
    declared.before_save(obj, changed, actor)
    _save(declared, obj, before)
    if "tags" in changed and cleaned.tags is not None:
        obj.tags.set(cleaned.tags)
    declared.after_save(obj, changed, False, actor)
    publish(
        RecordChanged(entity=declared.name, record_id=obj.pk, fields=sorted(changed)),
        about=obj, entity=declared.name, subjects=declared.timeline_subjects(obj), quiet=quiet,
    )
    return obj


@verb
def delete_record(*, obj: Any, actor: Any, quiet: bool = False) -> Any:
    """Move a record to the trash. Deleting it again does nothing."""
    declared = entity_of(obj)
    obj = lock(obj)
    require(actor, "delete", obj)
    declared.before_delete(obj, actor)
    relabel(_("Delete %(what)s") % {"what": declared.label})
    if not isinstance(obj, Record):
        _remove(declared, obj)
        return obj
    _touch(obj, deleted_at=timezone.now())
    publish(
        RecordDeleted(entity=declared.name, record_id=obj.pk),
        about=obj, entity=declared.name, subjects=declared.timeline_subjects(obj), quiet=quiet,
    )
    return obj


@verb
def restore_record(*, obj: Any, actor: Any) -> Any:
    """Bring a record back from the trash; a living one that took its unique key is a ``Conflict``."""
    declared = entity_of(obj)
    obj = lock(obj, trashed=True)
    require_in_trash(actor, obj)
    relabel(_("Restore %(what)s") % {"what": declared.label})
    try:
        _touch(obj, deleted_at=None)
    except IntegrityError as error:
        raise explain(declared, obj, error) from None
    publish(
        RecordRestored(entity=declared.name, record_id=obj.pk),
        about=obj, entity=declared.name, subjects=declared.timeline_subjects(obj),
    )
    return obj


@verb
def archive_record(*, obj: Any, actor: Any) -> Any:
    """Put a record away: it stays readable and leaves the lists."""
    obj = lock(obj)
    require(actor, "change", obj)
    _touch(obj, archived_at=timezone.now())
    return obj


@verb
def unarchive_record(*, obj: Any, actor: Any) -> Any:
    """Bring a record back into the lists."""
    obj = lock(obj)
    require(actor, "change", obj)
    _touch(obj, archived_at=None)
    return obj


def require_in_trash(actor: Any, obj: Any) -> None:
    """Refuse unless the actor could delete this trashed record (the same right restores it)."""
    if actor is SYSTEM:
        return
    if not visible_trash(actor, type(obj)).filter(pk=obj.pk).exists():
        raise Missing


def visible_trash(actor: Any, model: Any) -> Any:
    """Return the trashed rows that the actor may restore."""
    return policy_of(model).visible(model.everything.trashed(), actor, "delete")


_locked: Shelf[PreparedOne[Any]] = Shelf()


def locked(rows: Any) -> Any:
    """Return a queryset that locks the rows it reads.

    No key: a row that refers to one of them may be written meanwhile (with a key lock two companies that are put below
    each other would lock up instead of one being refused).
    """
    return rows.select_for_update(of=("self",), no_key=True)


def held(obj: Any) -> Any:
    """Mark a record as just read by ``locked`` under the open intention: the verb that follows need not read it again."""
    obj._held_under = current_intention()
    return obj


def lock(obj: Any, *, trashed: bool = False) -> Any:
    """Read a record again under a row lock; a vanished one is ``Missing``."""
    model = obj._meta.model
    under = vars(obj).pop("_held_under", None)
    if under is not None and under is current_intention() and not trashed:
        return obj

    def build(pk: Any) -> Any:
        return locked(model.everything.trashed() if trashed else model._default_manager.all()).filter(pk=pk)

    fresh = _locked.get((model, trashed), lambda: PreparedOne(build, (uuid.UUID(int=1),))).first(obj.pk)
    if fresh is None:
        raise Missing
    return fresh


def _apply(obj: Any, cleaned: Cleaned) -> None:
    for name, value in cleaned.values.items():
        setattr(obj, name, value)
    if cleaned.custom:
        kept = {k: v for k, v in {**obj.custom, **cleaned.custom}.items() if v not in (None, "", [])}
        obj.custom = kept


def _changes(declared: Entity, obj: Any, cleaned: Cleaned) -> set[str]:
    """Return the public names of the fields whose value would differ."""
    changed: set[str] = set()
    for name in cleaned.names:
        f = declared.field(name)
        if f is None:
            continue
        if f.custom:
            new = cleaned.custom[f.name]
            if (obj.custom.get(f.name) or None) != (new if new not in ("", []) else None):
                changed.add(name)
        elif f.kind == "tags":
            if {t.pk for t in cleaned.tags or []} != set(obj.tags.values_list("pk", flat=True)):
                changed.add(name)
        elif f.kind in LINKS:
            # The key is enough: what it leads to need not be read.
            if getattr(obj, f"{f.source}_id") != getattr(cleaned.values[f.source], "pk", None):
                changed.add(name)
        elif getattr(obj, f.source) != cleaned.values[f.source]:
            changed.add(name)
    return changed


def _check(declared: Entity, obj: Any, changed: set[str], actor: Any) -> None:
    problems = [Detail(name, str(message)) for name, message in declared.check(obj, changed, actor)]
    if problems:
        raise Invalid(problems[0].message if len(problems) == 1 else None, details=problems)


def _save(declared: Entity, obj: Any, before: dict[str, Any] | None = None) -> None:
    """Insert, or update the attributes that differ from ``before``, and raise the version."""
    try:
        if before is None:
            insert_row(obj)
            return
        concrete = {f.attname: f.name for f in obj._meta.concrete_fields if not f.generated}
        names = {name for attname, name in concrete.items() if before.get(attname) != getattr(obj, attname)}
        names |= {"version", "updated_at"} & vars(obj).keys()
        if "version" in names:
            obj.version = before["version"] + 1
        update_row(obj, names)
    except IntegrityError as error:
        raise explain(declared, obj, error) from None


def _remove(declared: Entity, obj: Any) -> None:
    """Delete reference data for good; refuse while anything refers to it."""
    try:
        with transaction.atomic():
            obj.delete()
    except ProtectedError as error:
        count = len(error.protected_objects)
        raise Conflict(
            _("%(what)s “%(name)s” is in use (%(count)d times). Move what uses it first.")
            % {"what": declared.label, "name": obj, "count": count}
        ) from None


def _touch(obj: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(obj, name, value)
    obj.version += 1
    update_row(obj, {*values, "version", "updated_at"})


creates_records(lambda of, data, actor: create_record(of=of, data=data, actor=actor))
