"""What any record can have: tags, notes, comments, documents, custom fields."""

from crm.records.models.alike import Alike
from crm.records.models.attachments import Comment, Document, DocumentVersion, Note
from crm.records.models.customfield import CustomField
from crm.records.models.different import Different
from crm.records.models.record import Record, RecordManager, RecordQuerySet
from crm.records.models.tag import Tag
from crm.records.models.touched import Touched

__all__ = [
    "Alike",
    "Comment",
    "CustomField",
    "Different",
    "Document",
    "DocumentVersion",
    "Note",
    "Record",
    "RecordManager",
    "RecordQuerySet",
    "Tag",
    "Touched",
]
