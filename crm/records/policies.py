"""Who reads and changes what people attach to records. Everything follows the record it is on.

One ``WHERE`` answers for all entities: the row's record is looked for among the records of each entity that
the user sees. Nothing is asked per row.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from crm.access.policy import EVERYTHING, NOTHING, Policy, visible_to
from crm.access.rights import Rights, rights_of
from crm.records.entity import all_entities
from crm.records.models import Comment, CustomField, Document, DocumentVersion, Note, Tag


class ReadByAllPolicy(Policy):
    """Everyone who signs in reads it; the matrix says who governs it."""

    owner = None

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return everything for reading, and by the matrix for the rest."""
        return EVERYTHING if action == "view" else super().rows(rights, user, action)

    def allows(self, user: Any, action: str, obj: Any = None) -> bool:
        """Let everybody who signs in read."""
        if obj is None and action == "view":
            return rights_of(user).is_active
        return super().allows(user, action, obj)


class TagPolicy(ReadByAllPolicy, model=Tag):
    """Everyone reads and uses tags."""


class CustomFieldPolicy(ReadByAllPolicy, model=CustomField):
    """Everyone's forms need them."""

    entity = "custom_field"


class OnRecordPolicy(Policy):
    """A row on a record: read by whoever sees the record, changed by the matrix (the author's, the team's, all)."""

    ability = ""
    """The ability of the entities whose records it may stand on."""
    owner = "author"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the rows on visible records; for a change, those the matrix reaches besides."""
        if not rights.may("view", self.entity):
            return NOTHING
        seen = self.on_visible(user)
        if action == "view":
            return seen
        reached = super().rows(rights, user, action)
        return seen if reached == EVERYTHING else seen & reached

    def on_visible(self, user: Any) -> Q:
        """Return the clause for rows whose record the user sees."""
        found = NOTHING
        for of in all_entities().values():
            if self.ability in of.abilities:
                record = visible_to(user, of.model).filter(pk=OuterRef("record_id"))
                clause = Q(entity=of.name) & Q(Exists(record))
                found = clause if found == NOTHING else found | clause
        return found


class NotePolicy(OnRecordPolicy, model=Note):
    """With the record; a private note is its author's alone, whatever anyone else's rights."""

    ability = "notes"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Leave out the private notes of others."""
        rows = super().rows(rights, user, action)
        return rows if rows == NOTHING else rows & (Q(is_private=False) | Q(author=rights.user_id))


class CommentPolicy(OnRecordPolicy, model=Comment):
    """With the record. It goes by the matrix row of notes: whoever may write notes may comment."""

    entity = "note"
    ability = "comments"


class DocumentPolicy(OnRecordPolicy, model=Document):
    """With the record."""

    ability = "documents"
    owner = "uploaded_by"


class DocumentVersionPolicy(Policy, model=DocumentVersion):
    """With the document."""

    entity = "document"
    owner = None

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the versions of the documents that the user may view or change."""
        action = "view" if action == "view" else "change"
        return Q(Exists(visible_to(user, Document, action).filter(pk=OuterRef("document_id"))))
