"""The tabs that every record with the ability has: its documents, and the talk about it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.lib.markup import to_html
from crm.records.files import SHOWN
from crm.records.mentions import mentioned_in
from crm.records.models import Comment, Document
from crm.records.panels import panel

ENTITIES = ("customer", "company", "deal", "task", "interaction", "product")
MOST = 200


def documents_of(obj: Any, user: Any) -> Any:
    """Return the documents on a record that a user sees."""
    return visible_to(user, Document).filter(entity=obj._meta.model_name, record_id=obj.pk)


def comments_of(obj: Any, user: Any) -> Any:
    """Return the remarks about a record that a user sees, those taken back besides."""
    return visible_to(user, Comment).filter(entity=obj._meta.model_name, record_id=obj.pk)


def documents(obj: Any, user: Any) -> dict[str, Any]:
    """Return the documents of a record with their versions."""
    rows = documents_of(obj, user).order_by("-created_at")
    rows = rows.select_related("uploaded_by").prefetch_related("versions")[:MOST]
    return {
        "obj": obj, "entity_name": obj._meta.model_name, "documents": rows, "shown": SHOWN,
        "may_add": rights_of(user).may("create", "document"),
    }


def comments(obj: Any, user: Any) -> dict[str, Any]:
    """Return the talk about a record, replies under what they answer."""
    rows = comments_of(obj, user).filter(parent=None).order_by("created_at")
    found = list(rows.select_related("author").prefetch_related("replies__author")[:MOST])
    everything = [c for top in found for c in (top, *top.replies.all())]
    names = [person.name for person in mentioned_in("\n".join(c.content for c in everything))]
    bodies = {c.pk: to_html(c.content, names) for c in everything if c.deleted_at is None}
    return {
        "obj": obj, "entity_name": obj._meta.model_name, "user": user,
        "comments": [(c, bodies.get(c.pk, ""), [(r, bodies.get(r.pk, "")) for r in c.replies.all()]) for c in found],
        "may_add": rights_of(user).may("create", "note"),
    }


for name in ENTITIES:
    panel(name, "documents", _("Documents"), "workspace/panels/documents.html", 80, icon="paperclip", load=documents,
          needs=("view", "document"), watches=("document",), count=lambda obj, user: documents_of(obj, user).count())
    panel(name, "comments", _("Comments"), "workspace/panels/comments.html", 90, icon="message-circle", load=comments,
          needs=("view", "note"), watches=("comment",), count=lambda obj, user: comments_of(obj, user).count())
