"""The talk about a record (X8): remarks, replies, and the people mentioned in them."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows, require
from crm.accounts.models import User
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Denied, Invalid
from crm.lib.text import clean_text, has_unstorable
from crm.records.entity import entity_of
from crm.records.events import CommentWritten
from crm.records.models import Comment

MAX_LENGTH = 10_000
MAX_MENTIONS = 50


@verb
def add_comment(
    *, record: Any, content: str, actor: Any, parent: Comment | None = None, mentions: Iterable[uuid.UUID] = ()
) -> Comment:
    """Say something about ``record``. Of the people mentioned, those who may see it are told."""
    of = entity_of(record)
    require(actor, "view", record)
    require(actor, "create", Comment)
    if "comments" not in of.abilities:
        raise Conflict(_("Records of this kind cannot be commented on."))
    if parent is not None:
        if parent.record_id != record.pk or parent.deleted_at:
            raise Invalid.field("parent", _("There is no such comment."))
        parent = parent.parent or parent
    relabel(_("Comment"))
    comment = Comment.objects.create(
        entity=of.name, record_id=record.pk, content=_clean(content), author=actor, parent=parent
    )
    _mention(comment, record, mentions)
    return comment


@verb
def edit_comment(*, comment: Comment, content: str, actor: Any) -> Comment:
    """Change what was said. It is marked as edited, and nobody is told again."""
    require(actor, "change", comment)
    comment = Comment.objects.select_for_update().get(pk=comment.pk)
    if actor is not SYSTEM and comment.author_id != actor.pk:
        # Others may take it away; nobody puts words into someone's mouth.
        raise Denied
    if comment.deleted_at:
        raise Conflict(_("This comment was deleted."))
    relabel(_("Edit comment"))
    comment.content, comment.edited_at = _clean(content), timezone.now()
    comment.version += 1
    comment.save(update_fields=["content", "edited_at", "version", "updated_at"])
    return comment


@verb
def delete_comment(*, comment: Comment, actor: Any) -> Comment:
    """Take a remark back: its words are gone, and its place stays for the replies."""
    require(actor, "delete", comment)
    comment = Comment.objects.select_for_update().get(pk=comment.pk)
    relabel(_("Delete comment"))
    if comment.deleted_at is None:
        comment.deleted_at = timezone.now()
        comment.version += 1
        comment.save(update_fields=["deleted_at", "version", "updated_at"])
    return comment


def _clean(content: Any) -> str:
    if not isinstance(content, str) or has_unstorable(content):
        raise Invalid.field("content", _("A text is expected."))
    text = clean_text(content)
    if not text:
        raise Invalid.field("content", _("This field is required."))
    if len(text) > MAX_LENGTH:
        raise Invalid.field("content", _("At most %(limit)d characters.") % {"limit": MAX_LENGTH})
    return text


def _mention(comment: Comment, record: Any, mentions: Iterable[uuid.UUID]) -> None:
    ids = list(dict.fromkeys(mentions))
    if len(ids) > MAX_MENTIONS:
        raise Invalid.field("mentions", _("At most %(limit)d people.") % {"limit": MAX_MENTIONS})
    people = User.objects.active().filter(pk__in=ids).exclude(pk=comment.author_id)
    told = [user for user in people if allows(user, "view", record)]
    comment.mentions.set(told)
    of = entity_of(record)
    publish(
        CommentWritten(comment_id=comment.pk, entity=of.name, record_id=record.pk, mentioned=[u.pk for u in told]),
        about=record, entity=of.name, subjects=of.timeline_subjects(record),
    )
