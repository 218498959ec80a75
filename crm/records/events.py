"""What can happen to any record."""

import uuid

from django.utils.translation import pgettext_lazy

from crm.activity.facts import fact


@fact("records.created", pgettext_lazy("audit log", "created"))
class RecordCreated:
    """A record was made."""

    entity: str
    record_id: uuid.UUID


@fact("records.changed", pgettext_lazy("audit log", "changed"))
class RecordChanged:
    """Fields of a record were changed."""

    entity: str
    record_id: uuid.UUID
    fields: list[str]


@fact("records.deleted", pgettext_lazy("audit log", "moved to the trash"))
class RecordDeleted:
    """A record was moved to the trash."""

    entity: str
    record_id: uuid.UUID


@fact("records.restored", pgettext_lazy("audit log", "restored"))
class RecordRestored:
    """A record was brought back from the trash."""

    entity: str
    record_id: uuid.UUID


@fact("records.merged", pgettext_lazy("audit log", "merged"))
class RecordsMerged:
    """Duplicates were merged into one record."""

    entity: str
    record_id: uuid.UUID
    merged: list[uuid.UUID]


@fact("records.bulk_changed", pgettext_lazy("audit log", "changed in bulk"))
class RecordsBulkChanged:
    """Many records were made, changed or deleted at once (import, bulk edit, undo)."""

    entity: str
    count: int
    operation: str


@fact("records.noted", pgettext_lazy("audit log", "got a note"))
class NoteWritten:
    """A note was written on a record."""

    note_id: uuid.UUID
    entity: str
    record_id: uuid.UUID


@fact("records.commented", pgettext_lazy("audit log", "got a comment"))
class CommentWritten:
    """A comment was written on a record."""

    comment_id: uuid.UUID
    entity: str
    record_id: uuid.UUID
    mentioned: list[uuid.UUID]


@fact("records.document_added", pgettext_lazy("audit log", "got a document"))
class DocumentAdded:
    """A document, or a new version of it, was added to a record."""

    document_id: uuid.UUID
    entity: str
    record_id: uuid.UUID
    version: int
