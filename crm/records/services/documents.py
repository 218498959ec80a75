"""Documents on records (C5): upload, new versions, and the bytes behind them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Invalid
from crm.lib.text import clean_line
from crm.records.entity import entity, entity_of
from crm.records.events import DocumentAdded
from crm.records.files import clean_name, sniff, storage_name
from crm.records.models import Document, DocumentVersion

MAX_VERSIONS = 200


@verb
def add_document(*, record: Any, file: Any, actor: Any, name: str = "", description: str = "") -> Document:
    """Put a file on ``record``. What it is is read from its content; its place is chosen by the server."""
    of = entity_of(record)
    require(actor, "view", record)
    require(actor, "create", Document)
    if "documents" not in of.abilities:
        raise Conflict(_("Records of this kind have no documents."))
    shown = clean_name(name or getattr(file, "name", ""))
    relabel(_("Add document"))
    document = Document.objects.create(
        entity=of.name, record_id=record.pk, name=shown, description=clean_line(description)[:500], uploaded_by=actor,
        created_by=actor,
    )
    _store(document, file, actor)
    return document


@verb
def add_version(*, document: Document, file: Any, actor: Any) -> DocumentVersion:
    """Store a new state of a document; the earlier ones stay."""
    require(actor, "change", document)
    document = Document.objects.select_for_update(of=("self",)).get(pk=document.pk)
    if document.versions.count() >= MAX_VERSIONS:
        raise Invalid.field("file", _("A document has at most %(limit)d versions.") % {"limit": MAX_VERSIONS})
    relabel(_("Add version of document"))
    document.version += 1
    document.save(update_fields=["version", "updated_at"])
    return _store(document, file, actor)


def _store(document: Document, file: Any, actor: Any) -> DocumentVersion:
    sniffed = sniff(file)
    stored = default_storage.save(storage_name(), file)
    try:
        with transaction.atomic():
            number = (document.versions.aggregate(last=Max("number"))["last"] or 0) + 1
            version = DocumentVersion.objects.create(
                document=document, number=number, file=stored, original_name=clean_name(getattr(file, "name", "")),
                size=sniffed.size, content_type=sniffed.content_type, sha256=sniffed.sha256, uploaded_by=actor,
            )
            of = entity("document")
            publish(
                DocumentAdded(document_id=document.pk, entity=document.entity, record_id=document.record_id, version=number),
                about=document, entity=of.name, subjects=of.timeline_subjects(document),
            )
    except BaseException:
        # The row never was: neither shall its file be. (A later rollback leaves one for the sweep.)
        default_storage.delete(stored)
        raise
    return version


def orphans(*, older_than: timedelta = timedelta(days=1)) -> Iterator[str]:
    """Yield the stored files that no version refers to: what a rolled back transaction left behind."""
    limit = timezone.now() - older_than
    try:
        folders, _files = default_storage.listdir("documents")
    except FileNotFoundError:
        return
    for folder in folders:
        _folders, names = default_storage.listdir(f"documents/{folder}")
        paths = [f"documents/{folder}/{name}" for name in names]
        known = set(DocumentVersion.objects.filter(file__in=paths).values_list("file", flat=True))
        for path in paths:
            if path not in known and default_storage.get_modified_time(path) < limit:
                yield path


def sweep(*, older_than: timedelta = timedelta(days=1)) -> int:
    """Remove orphaned files; return how many."""
    count = 0
    for path in orphans(older_than=older_than):
        default_storage.delete(path)
        count += 1
    return count
