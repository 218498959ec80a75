"""Tags, custom fields, notes and documents, declared: the same lists, API and rules as everything else."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.access import stamps
from crm.access.policy import visible_to
from crm.activity.facts import publish
from crm.lib.errors import Conflict
from crm.records.customfields import STAMP
from crm.records.entity import REFERENCE, Entity, able, all_entities, register, saving
from crm.records.events import NoteWritten
from crm.records.fields import HUE_CHOICES, Field, Kind, choices_of
from crm.records.models import CustomField, Document, Note, Tag
from crm.records.services.customfields import is_used, problems_of


class TagEntity(Entity):
    """A word that people put on records."""

    name = "tag"
    plural = "tags"
    model = Tag
    label = _("Tag")
    label_plural = _("Tags")
    icon = "tag"
    sort = ("name",)
    owner = None
    abilities = REFERENCE
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=60, unique=True),
        Field("hue", Kind.CHOICE, _("Colour"), choices=HUE_CHOICES, default="slate"),
        Field("description", Kind.TEXT, _("Description"), max_length=200),
    )


class CustomFieldEntity(Entity):
    """A field of one's own."""

    name = "custom_field"
    plural = "custom-fields"
    model = CustomField
    label = _("Custom field")
    label_plural = _("Custom fields")
    icon = "text-cursor-input"
    title = ("label",)
    sort = ("entity", "position")
    owner = None
    abilities = REFERENCE
    fields = (
        Field("entity", Kind.TEXT, _("Entity"), required=True, max_length=60, extra={"among": lambda: able("custom")}),
        Field("key", Kind.TEXT, _("Key"), required=True, max_length=60),
        Field("label", Kind.TEXT, _("Label"), required=True, max_length=120),
        Field("kind", Kind.CHOICE, _("Kind"), required=True, choices=choices_of(CustomField.Kind)),
        Field("help_text", Kind.TEXT, _("Help"), max_length=300),
        Field("group", Kind.TEXT, _("Group"), max_length=80),
        Field("is_required", Kind.BOOLEAN, _("Required"), default=False),
        Field("in_list", Kind.BOOLEAN, _("In lists"), default=False),
        Field("choices", Kind.JSON, _("Choices"), default=list, sortable=False, filterable=False,
              extra={"empty": [], "schema": {"type": ["array", "null"], "items": {"type": ["string", "object"]}}}),
        Field("link_entity", Kind.TEXT, _("Links to"), max_length=60, extra={"among": lambda: sorted(all_entities())}),
        Field("max_length", Kind.INTEGER, _("Longest"), min_value=1, max_value=200_000),
        Field("min_value", Kind.NUMBER, _("Least"), extra={"places": 10}),
        Field("max_value", Kind.NUMBER, _("Most"), extra={"places": 10}),
        Field("position", Kind.INTEGER, _("Order"), min_value=0, default=0),
        Field("archived_at", Kind.DATETIME, _("Archived"), writable=False),
    )

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """Hold the definition together, and keep what records depend on."""
        return problems_of(draft, saving(draft).before)

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Let every process learn of it."""
        stamps.bump(STAMP)

    def before_delete(self, obj: Any, actor: Any) -> None:
        """Refuse while records have values: such a field is archived."""
        if is_used(obj):
            raise Conflict(_("Records have values of “%(field)s”. Archive it instead.") % {"field": obj.label})
        stamps.bump(STAMP)


def record_of(entity: str, record_id: Any) -> Any:
    """Return the record that a note, comment or document is on, in the trash or not; None for none."""
    of = all_entities().get(entity)
    return of.model._base_manager.filter(pk=record_id).first() if of is not None else None


class OnRecordEntity(Entity):
    """What stands on a record of any entity."""

    ability = ""

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """The record is there, of the right kind, and visible to the writer; it never changes."""
        before = saving(draft).before
        if before and {"entity", "record_id"} & changed:
            yield "record_id", _("It stays on its record.")
            return
        if before:
            return
        of = all_entities().get(draft.entity)
        if of is None or self.ability not in of.abilities:
            yield "entity", _("There is no such kind of record.")
        elif not visible_to(actor, of.model).filter(pk=draft.record_id).exists():
            yield "record_id", _("There is no such record.")

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the record, and what its own news is shown on."""
        record = record_of(obj.entity, obj.record_id)
        return [obj.record_id, *(all_entities()[obj.entity].timeline_subjects(record) if record is not None else ())]

    def url(self, obj: Any) -> str:
        """Return the page of the record that it is on."""
        of = all_entities().get(getattr(obj, "entity", ""))
        return of.url(obj.record_id) if of is not None else super().url(obj)


def _on(ability: str) -> tuple[Field, Field]:
    """Return the two fields that name the record."""
    among = {"among": lambda: able(ability)}
    return (
        Field("entity", Kind.TEXT, _("Kind of record"), required=True, max_length=60, in_form=False, extra=among),
        Field("record_id", Kind.TEXT, _("Record"), required=True, in_form=False, extra={"format": "uuid"}, sortable=False),
    )


class NoteEntity(OnRecordEntity):
    """A note on a record."""

    name = "note"
    plural = "notes"
    model = Note
    label = _("Note")
    label_plural = _("Notes")
    icon = "sticky-note"
    hue = "amber"
    title = ("title", "content")
    owner = None
    ability = "notes"
    abilities = frozenset({"api", "export", "bulk", "attached"})
    fields = (
        *_on("notes"),
        Field("title", Kind.TEXT, _("Title"), max_length=200, quick=True, in_list=True),
        Field("content", Kind.LONG_TEXT, _("Content"), required=True, max_length=100_000, sortable=False, quick=True, in_list=True),
        Field("is_private", Kind.BOOLEAN, _("Private"), default=False, quick=True),
        Field("is_pinned", Kind.BOOLEAN, _("Pinned"), default=False),
        Field("author", Kind.USER, _("Author"), writable=False, in_list=True),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, in_list=True),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False),
    )

    def defaults(self, actor: Any) -> dict[str, Any]:
        """Sign it."""
        return {"author": actor} if getattr(actor, "pk", None) else {}

    def after_save(self, obj: Any, changed: set[str], created: bool, actor: Any) -> None:
        """Announce a new note; a private one is nobody else's news."""
        if created and not obj.is_private:
            publish(
                NoteWritten(note_id=obj.pk, entity=obj.entity, record_id=obj.record_id),
                about=obj, entity=self.name, subjects=self.timeline_subjects(obj), quiet=saving(obj).quiet,
            )


class DocumentEntity(OnRecordEntity):
    """A file on a record. Made by uploading (``crm.records.services.documents``)."""

    name = "document"
    plural = "documents"
    model = Document
    label = _("Document")
    label_plural = _("Documents")
    icon = "paperclip"
    hue = "slate"
    title = ("name",)
    owner = None
    ability = "documents"
    abilities = frozenset({"api", "export", "bulk", "attached"})
    fields = (
        *_on("documents"),
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=255, in_list=True),
        Field("description", Kind.TEXT, _("Description"), max_length=500, in_list=True),
        Field("uploaded_by", Kind.USER, _("Uploaded by"), writable=False, in_list=True),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, in_list=True),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False),
    )

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """A document without a file is none: it is made by an upload."""
        if not saving(draft).before:
            yield "file", _("Upload a file.")
        yield from super().check(draft, changed, actor)


for declared in (TagEntity(), CustomFieldEntity(), NoteEntity(), DocumentEntity()):
    register(declared)
