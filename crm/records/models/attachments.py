"""What people attach to any record: notes, comments, documents. The record is named by entity and id."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.models import Model, search_indexes, searched
from crm.records.models.record import Record


class Attached(models.Model):
    """A row that belongs to a record of any entity."""

    entity = models.CharField(max_length=60)
    record_id = models.UUIDField()

    class Meta:
        abstract = True


class Note(Attached, Record):
    """A note on a record (E6). A private one is its author's alone."""

    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    content = models.TextField(_("content"), max_length=100_000)
    is_private = models.BooleanField(_("private"), default=False)
    is_pinned = models.BooleanField(_("pinned"), default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="notes", verbose_name=_("author")
    )

    class Meta:
        base_manager_name = "everything"
        indexes = [
            *Record.record_indexes("note"),
            models.Index(fields=["record_id", "-created_at"], name="note_by_record"),
            models.Index(fields=["author", "-created_at"], name="note_by_author"),
            *search_indexes("note", searched("title", "content")),
        ]
        constraints = [models.CheckConstraint(condition=~models.Q(content=""), name="note_not_empty")]

    def __str__(self) -> str:
        return self.title or self.content[:80]


class Comment(Attached, Model):
    """A remark in the talk about a record (X8)."""

    content = models.TextField(max_length=10_000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="comments")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replies")
    mentions = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="mentioned_in")
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["record_id", "created_at"], name="comment_by_record")]

    def __str__(self) -> str:
        return self.content[:80]


class Document(Attached, Record):
    """A file on a record; its bytes live in its versions (C5)."""

    name = models.CharField(_("name"), max_length=255)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="documents", verbose_name=_("uploaded by")
    )

    class Meta:
        base_manager_name = "everything"
        indexes = [
            *Record.record_indexes("document"),
            models.Index(fields=["record_id", "-created_at"], name="document_by_record"),
            *search_indexes("document", searched("name", "description")),
        ]

    def __str__(self) -> str:
        return self.name


class DocumentVersion(Model):
    """One state of a document: the stored file, what it really is, and its checksum."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.FileField(max_length=300)
    original_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="documentversion_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.original_name} ({self.number})"
