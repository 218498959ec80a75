"""What any record has besides its fields: a timeline, notes, comments, and others to be merged with."""

from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.api.concurrency import check_match
from crm.api.entity import IDEMPOTENCY_KEY, RecordView
from crm.api.keyset import paged
from crm.api.paging import address_with
from crm.api.routes import is_declared, route
from crm.api.schema import shapes
from crm.api.schema.entities import read_schema
from crm.api.schema.operations import IF_MATCH, PAGING, Parameter, describe
from crm.api.schema.shapes import (
    Schema,
    integer,
    listing,
    mapping,
    moment,
    nullable,
    one_of,
    optional,
    reference,
    shape,
    text,
    uuid,
)
from crm.api.views import answer, no_content
from crm.lib.errors import Invalid, Missing
from crm.records.entity import Entity
from crm.records.entity import entity as entity_named
from crm.records.models import Comment, Note
from crm.records.representation import Representation, represent
from crm.records.services import create_record
from crm.records.services.comments import MAX_LENGTH, MAX_MENTIONS, add_comment, delete_comment, edit_comment
from crm.records.services.merging import MAX_OTHERS, merge_records
from crm.records.timeline import kinds_of, timeline

ENTRY: Schema = shape(
    "One thing that happened; `text` is the sentence after the actor's name.",
    kind={"type": "string"}, id={"type": "string"}, at=moment(), text={"type": "string"}, title={"type": "string"},
    body={"type": "string"}, actor=nullable(reference()), fields=listing({"type": "string"}),
)
COMMENT: Schema = shape(
    id=uuid(), content={"type": "string"}, author=reference(), parent=nullable(uuid()), created_at=moment(),
    edited_at=nullable(moment()), version=integer(1),
)
CONTENT = text(min_length=1, max_length=MAX_LENGTH, pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$")


class TimelineView(RecordView):
    """What happened to a record."""

    @describe(
        "The timeline of a record", answer=listing(ENTRY), errors=(400, 404),
        parameters=lambda v: (
            Parameter("limit", integer(1, 100), "Entries a page, 30 by default."),
            Parameter("cursor", text(max_length=400, pattern=r"^[A-Za-z0-9_-]*$"), "What `pagination.next_cursor` said."),
            Parameter("kind", one_of(sorted(kinds_of(v.entity))), "Only entries of this kind."),
        ),
    )
    def get(self, request: Any, id: Any) -> Any:
        """Return what happened, newest first."""
        kind = self.parameter("kind")
        page = timeline(
            self.get_object(id), request.user, before=self.parameter("cursor") or None, kinds=[kind] if kind else None,
            limit=self.parameter("limit", 30),
        )
        entries = [
            {
                "kind": e.kind, "id": e.id, "at": e.at, "text": str(e.text), "title": str(e.title), "body": e.body,
                "actor": {"id": e.actor.pk, "name": e.actor.name} if e.actor else None, "fields": list(map(str, e.fields)),
            }
            for e in page.entries
        ]
        following = address_with(request, cursor=page.next) if page.next else None
        pagination = {
            "limit": self.parameter("limit", 30), "next_cursor": page.next or None, "previous_cursor": None,
            "next": following, "previous": None,
        }
        return answer(entries, metadata={"pagination": pagination, "kinds": sorted(kinds_of(self.entity))})


class Attached(RecordView):
    """Rows of a model that name the record by entity and id."""

    attached: Any

    def rows(self, id: Any) -> Any:
        """Return the rows on a record that the caller sees."""
        record = self.get_object(id)
        visible = visible_to(self.request.user, self.attached)
        return visible.filter(entity=self.entity.name, record_id=record.pk)


class NotesView(Attached):
    """The notes on a record; a single one is at ``/notes/{id}``."""

    attached = Note

    @describe("The notes on a record", answer=lambda v: read_schema(entity_named("note")), many=True, parameters=PAGING, errors=(400, 404))
    def get(self, request: Any, id: Any) -> Any:
        """Return the notes, the newest first."""
        shown = Representation(entity_named("note"), request.user)
        return paged(self, self.rows(id), lambda found: shown.by_id([n.pk for n in found]))

    @describe(
        "Write a note on a record",
        body=shape(
            content=text(min_length=1, max_length=100_000, pattern=CONTENT["pattern"]), title=optional(text(max_length=200)),
            is_private=optional(shapes.boolean()), is_pinned=optional(shapes.boolean()),
        ),
        answer=lambda v: read_schema(entity_named("note")), status=201, parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 404),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Write a note."""
        record, of = self.get_object(id), entity_named("note")
        data = {**self.body(), "entity": self.entity.name, "record_id": str(record.pk)}
        note = create_record(of=of, data=data, actor=request.user)
        return answer(represent(note, of, request.user), status=201, headers={"Location": f"/api/v1/notes/{note.pk}"})


class CommentsView(Attached):
    """The talk about a record."""

    attached = Comment

    @describe("The comments on a record", answer=COMMENT, many=True, parameters=PAGING, errors=(400, 404))
    def get(self, request: Any, id: Any) -> Any:
        """Return the comments, the newest first."""
        return paged(self, self.rows(id).select_related("author"), lambda found: [_comment(c) for c in found])

    @describe(
        "Comment on a record",
        body=shape(
            content=CONTENT, parent=optional(nullable(uuid())), mentions=optional(listing(uuid(), most=MAX_MENTIONS)),
        ),
        answer=COMMENT, status=201, parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 404, 409),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Write a comment."""
        body, record = self.body(), self.get_object(id)
        parent = None
        if body.get("parent"):
            parent = visible_to(request.user, Comment).filter(pk=body["parent"], record_id=record.pk).first()
            if parent is None:
                raise Invalid.field("parent", _("There is no such comment."))
        made = add_comment(
            record=record, content=body["content"], actor=request.user, parent=parent, mentions=body.get("mentions", ())
        )
        return answer(_comment(made), status=201)


class CommentView(Attached):
    """One comment."""

    attached = Comment

    def find(self, id: Any, comment_id: Any) -> Comment:
        """Return the comment, or refuse as missing."""
        record = self.get_object(id)
        found: Comment | None = visible_to(self.request.user, Comment).filter(
            pk=comment_id, entity=self.entity.name, record_id=record.pk
        ).first()
        if found is None:
            raise Missing
        return found

    @describe("Change a comment", body=shape(content=CONTENT), answer=COMMENT, errors=(400, 403, 404, 409))
    def patch(self, request: Any, id: Any, comment_id: Any) -> Any:
        """Change what was said."""
        body = self.body()
        comment = edit_comment(comment=self.find(id, comment_id), content=body["content"], actor=request.user)
        return answer(_comment(comment))

    @describe("Take a comment back", status=204, errors=(403, 404))
    def delete(self, request: Any, id: Any, comment_id: Any) -> Any:
        """Delete the comment; its place stays for the replies."""
        delete_comment(comment=self.find(id, comment_id), actor=request.user)
        return no_content()


def _comment(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.pk, "content": "" if comment.deleted_at else comment.content,
        "author": {"id": comment.author_id, "name": comment.author.name}, "parent": comment.parent_id,
        "created_at": comment.created_at, "edited_at": comment.edited_at, "version": comment.version,
    }


class MergeView(RecordView):
    """Makes one record of several."""

    quota_cost = 5

    @describe(
        "Merge other records into this one",
        description="The others move to the trash; whatever referred to them refers to this one. Undoing the change set "
        "brings everything back. `choices` maps a field to the id of the record whose value is kept.",
        body=shape(
            others=listing(uuid(), least=1, most=MAX_OTHERS), choices=optional(mapping(uuid(), "Field to record id."))
        ),
        answer=lambda v: read_schema(v.entity), parameters=(IF_MATCH, IDEMPOTENCY_KEY), errors=(400, 403, 404, 409, 412),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Merge."""
        body, survivor = self.body(), self.get_object(id)
        check_match(request, survivor, {}, request.user)
        others = [self.get_object(other) for other in dict.fromkeys(body["others"])]
        return self.respond(
            merge_records(survivor=survivor, others=others, actor=request.user, choices=body.get("choices") or {})
        )


_VIEWS: tuple[tuple[str, str, Any], ...] = (
    ("timeline", "timeline", TimelineView),
    ("notes", "notes", NotesView),
    ("comments", "comments", CommentsView),
    ("comments", "comments/{comment_id}", CommentView),
    ("merge", "merge", MergeView),
)


def declare_attachments(of: Entity) -> None:
    """Declare the addresses that an entity's abilities give to its records."""
    for ability, path, view in _VIEWS:
        if ability in of.abilities:
            made = type(f"{of.name.title()}{view.__name__}", (view,), {"entity_name": of.name, "__doc__": view.__doc__})
            if not is_declared(f"{of.plural}/{{id}}/{path}"):
                route(f"{of.plural}/{{id}}/{path}", made)
