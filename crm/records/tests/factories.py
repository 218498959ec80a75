"""What any record can have, for tests."""

import uuid

import factory
from factory.django import DjangoModelFactory

from crm.accounts.tests.factories import UserFactory
from crm.records.models import Comment, CustomField, Document, Note, Tag


class TagFactory(DjangoModelFactory[Tag]):
    """A tag."""

    class Meta:
        model = Tag

    name = factory.Sequence(lambda n: f"tag-{n}")


class CustomFieldFactory(DjangoModelFactory[CustomField]):
    """A text field of customers. Made by SQL alone: call ``forget_custom_fields`` or use the service."""

    class Meta:
        model = CustomField

    entity = "customer"
    key = factory.Sequence(lambda n: f"field_{n}")
    label = factory.LazyAttribute(lambda o: o.key.replace("_", " ").capitalize())
    kind = CustomField.Kind.TEXT


class AttachedFactory(DjangoModelFactory):  # type: ignore[type-arg]
    """Something on a record: ``NoteFactory(record=customer)``."""

    class Meta:
        abstract = True

    class Params:
        record = None

    entity = factory.LazyAttribute(lambda o: o.record._meta.model_name if o.record else "customer")
    record_id = factory.LazyAttribute(lambda o: o.record.pk if o.record else uuid.uuid4())


class NoteFactory(AttachedFactory):
    """A note that its record's readers see."""

    class Meta:
        model = Note

    content = factory.Sequence(lambda n: f"Note {n}")
    author = factory.SubFactory(UserFactory)


class CommentFactory(AttachedFactory):
    """A remark."""

    class Meta:
        model = Comment

    content = factory.Sequence(lambda n: f"Comment {n}")
    author = factory.SubFactory(UserFactory)


class DocumentFactory(AttachedFactory):
    """A document without a stored file; use ``add_document`` for one with bytes."""

    class Meta:
        model = Document

    name = factory.Sequence(lambda n: f"document-{n}.txt")
    uploaded_by = factory.SubFactory(UserFactory)
