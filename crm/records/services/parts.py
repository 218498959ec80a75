"""The parts of a record: rows that belong to it, go by its policy, and are told as a change of it.

A domain declares each kind once and gives it verbs of its own names:

    LINES = PartKind(model=DealProduct, entity="deal", name="lines", fields=LINE_FIELDS, check=_priced, …)

    @verb
    def add_line(*, deal, data, actor):
        return write_part(LINES, DealProduct(deal=open_for_parts(deal, actor)), data, actor, _("Add a line"))
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.access.policy import require, visible_to
from crm.activity.facts import publish
from crm.activity.intention import relabel
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.entity import entity
from crm.records.events import RecordChanged
from crm.records.fields import LINKS, Field
from crm.records.services.records import lock
from crm.records.services.values import Bad, to_python


@dataclass(frozen=True)
class PartKind:
    """One kind of parts of an entity's records."""

    model: type[Any]
    entity: str
    """The entity of the record, which is also the name of the link to it."""
    name: str
    """What the record's change is called: ``lines``, ``contacts``."""
    fields: tuple[Field, ...]
    taken: tuple[str, Any]
    """The field and the sentence for a part that is there already."""
    check: Callable[[Any], Iterable[Detail]] = lambda row: ()
    """Brings a row whose values are good one by one into its form, and says what does not fit together."""
    before_save: Callable[[Any], None] = lambda row: None


def open_for_parts(record: Any, actor: Any) -> Any:
    """Return the record under a lock, if the actor may change it."""
    locked = lock(record)
    require(actor, "change", locked)
    return locked


def write_part(kind: PartKind, row: Any, data: dict[str, Any], actor: Any, label: str) -> Any:
    """Check the values and save the part; everything that is wrong comes back at once."""
    relabel(label)
    known = {f.name: f for f in kind.fields}
    problems: list[Detail] = []
    for name, value in data.items():
        try:
            if name not in known:
                raise Bad(_("Unknown field “%(name)s”.") % {"name": str(name)[:60]})
            setattr(row, name, _value(known[name], value, actor))
        except Bad as bad:
            problems.extend(Detail(str(name), message) for message in bad.messages)
    given = {p.field for p in problems}
    problems.extend(
        Detail(f.name, _("This field is required."))
        for f in kind.fields if f.required and f.name not in given and _is_empty(row, f)
    )
    problems.extend([] if problems else kind.check(row))
    if problems:
        raise Invalid(problems[0].message if len(problems) == 1 else None, details=problems)
    kind.before_save(row)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != "23505":
            raise Invalid(_("The values do not fit together.")) from None
        field, message = kind.taken
        raise Conflict(str(message), details=[Detail(field, str(message))]) from None
    announce_part(kind, getattr(row, kind.entity))
    return row


def remove_part(kind: PartKind, row: Any, actor: Any, label: str) -> None:
    """Take a part away."""
    record = open_for_parts(getattr(row, kind.entity), actor)
    relabel(label)
    row.delete()
    announce_part(kind, record)


def announce_part(kind: PartKind, record: Any) -> None:
    """Tell that the parts of a record changed."""
    of = entity(kind.entity)
    publish(
        RecordChanged(entity=of.name, record_id=record.pk, fields=[kind.name]), about=record, entity=of.name,
        subjects=of.timeline_subjects(record),
    )


def _value(f: Field, given: Any, actor: Any) -> Any:
    value = to_python(f, given)
    if f.kind in LINKS and value is not None:
        declared = entity(f.link)
        found = visible_to(actor, declared.model).filter(pk=value).first() if isinstance(value, uuid.UUID) else None
        if found is None:
            raise Bad(_("There is no such %(what)s.") % {"what": declared.label})
        return found
    return f.default if value in (None, "") and f.default is not None else value


def _is_empty(row: Any, f: Field) -> bool:
    return getattr(row, f"{f.name}_id" if f.kind in LINKS else f.name) in (None, "")
