"""Typed links between people and companies (C3)."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows, require
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Denied, Invalid
from crm.lib.text import clean_line
from crm.records.entity import entity_of
from crm.records.events import RecordChanged
from customers.models import Company, Customer, Relationship


@verb
def relate(
    *, kind: str, of: Customer | Company, to: Customer | Company, actor: Any, note: str = ""
) -> Relationship:
    """Say that ``of`` is the <kind> of ``to``. Both are visible to the actor, and one of them is his to change."""
    for end in (of, to):
        require(actor, "view", end)
    if actor is not SYSTEM and not (allows(actor, "change", of) or allows(actor, "change", to)):
        raise Denied
    if kind not in Relationship.Kind.values:
        raise Invalid.field("kind", _("“%(value)s” is not one of: %(allowed)s.")
                            % {"value": str(kind)[:60], "allowed": ", ".join(Relationship.Kind.values)})
    if of == to:
        raise Invalid.field("to", _("Nobody is related to himself."))
    relabel(_("Add relationship"))
    try:
        with transaction.atomic():
            made = Relationship.objects.create(
                kind=kind, note=clean_line(note)[:300], **_end("from", of), **_end("to", to)
            )
    except IntegrityError:
        raise Conflict(_("This relationship is there already.")) from None
    _announce(of, to)
    return made


@verb
def unrelate(*, relationship: Relationship, actor: Any) -> None:
    """Remove a relationship."""
    require(actor, "change", relationship)
    relabel(_("Remove relationship"))
    ends = [
        relationship.from_customer or relationship.from_company, relationship.to_customer or relationship.to_company
    ]
    relationship.delete()
    _announce(*ends)


def _end(prefix: str, end: Customer | Company) -> dict[str, Any]:
    return {f"{prefix}_{'customer' if isinstance(end, Customer) else 'company'}": end}


def _announce(*ends: Any) -> None:
    for end in ends:
        of = entity_of(end)
        publish(RecordChanged(entity=of.name, record_id=end.pk, fields=["relationships"]), about=end, entity=of.name)
