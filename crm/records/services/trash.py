"""Emptying the trash: the only way in which a record goes for good."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM
from crm.access.rights import rights_of
from crm.activity.intention import relabel, verb
from crm.lib.errors import Denied
from crm.records.entity import Entity
from crm.records.models import Comment, Document, Note

AT_ONCE = 1000


@verb
def empty_trash(*, of: Entity, actor: Any) -> tuple[int, int]:
    """Remove up to 1,000 trashed records of a kind for good; return how many went, and how many are still used."""
    if actor is not SYSTEM and not rights_of(actor).is_admin:
        raise Denied
    relabel(_("Empty trash: %(what)s") % {"what": of.label_plural})
    removed = kept = 0
    for obj in of.model.everything.trashed().order_by("deleted_at")[:AT_ONCE]:
        try:
            with transaction.atomic():
                for model in (Note, Comment, Document):
                    model._base_manager.filter(entity=of.name, record_id=obj.pk).delete()
                obj.delete()
            removed += 1
        except (ProtectedError, RestrictedError, IntegrityError):
            kept += 1
    return removed, kept
