"""The log, change sets with their undo, and versions, over the API."""

import uuid
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import (
    ENTRIES_AT_ONCE,
    LISTED,
    UndoPreview,
    count_entries,
    preview_undo,
    require_undo,
    undo,
    undone_by,
)
from crm.api.concurrency import check_match
from crm.api.entity import IDEMPOTENCY_KEY, RecordView, record_of
from crm.api.keyset import paged
from crm.api.paging import address_with
from crm.api.schema import describe
from crm.api.schema.operations import IF_MATCH, PAGING, Parameter
from crm.api.schema.shapes import (
    anything,
    boolean,
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
)
from crm.api.schema.shapes import uuid as identifier
from crm.api.views import APIView, answer
from crm.jobs.engine import enqueue
from crm.lib.errors import Denied, Invalid, Missing
from crm.records.audit import Filters, Line, change_sets_for, entries_for, lines
from crm.records.versions import Listed, history, roll_back
from crm.workspace.api.jobs import JOB, shown

PERSON = nullable(reference("Who did it; null for the application itself."))
ENTRY = shape(
    id=identifier(), created_at=moment(), kind=one_of(ActivityLog.Kind.values), action=text(), entity=text(),
    entity_id=nullable(identifier()), user=PERSON, change_set=nullable(identifier()), ip_address=nullable(text()),
    user_agent=text(), changes=mapping(anything(), "Each changed column with its value before and after; of a fact its payload."),
)
CHANGE_SET = shape(
    id=identifier(), created_at=moment(), label=text(), source=one_of(ChangeSet.Source.values), user=PERSON,
    request_id=text(), undoes=nullable(identifier()), undone_by=nullable(identifier()),
)
COUNT = shape(entity=text(), removed=integer(0), changed=integer(0), restored=integer(0), kept=integer(0))
KEPT = shape(
    entity=text(), id=text(), reason=text(), message=text(), fields=listing(text()), change_set=nullable(identifier()),
    user=text(), changed_at=nullable(moment()),
)
UNDO = shape(
    "What an undo does, or did. Conflicts are left alone.",
    change_set=nullable(identifier()), counts=listing(COUNT), conflicts=listing(KEPT, most=LISTED), conflict_count=integer(0),
)
DIFFERENCE = shape(field=text(), label=text(), before=text(), after=text())
VERSION = shape(
    id=identifier(), created_at=moment(), action=text(), version=nullable(integer()), user=PERSON,
    change_set=nullable(identifier()), changes=listing(DIFFERENCE),
)


class ActivityLogsView(APIView):
    """The log, as far as the caller may read it."""

    @describe(
        "List the activity log", answer=ENTRY, many=True, errors=(400, 403),
        parameters=(
            *PAGING,
            Parameter("user", identifier(), "Who acted."),
            Parameter("kind", one_of(ActivityLog.Kind.values)),
            Parameter("action", text(max_length=80), "created, updated, deleted, restored, removed, or the name of a fact."),
            Parameter("entity", text(max_length=60)),
            Parameter("entity_id", identifier(), "One record."),
            Parameter("change_set", identifier()),
            Parameter("created_at__gte", moment()),
            Parameter("created_at__lt", moment()),
        ),
    )
    def get(self, request: Any) -> Any:
        """Return one page of the log, newest first."""
        if not rights_of(request.user).may("view", "audit"):
            raise Denied
        filters = Filters(
            user=_id(self, "user"), kind=self.parameter("kind", ""), action=self.parameter("action", ""),
            entity=self.parameter("entity", ""), entity_id=_id(self, "entity_id"), change_set=_id(self, "change_set"),
            since=_moment(self, "created_at__gte"), until=_moment(self, "created_at__lt"),
        )
        return paged(self, entries_for(request.user, filters), lambda rows: [_entry(r) for r in lines(rows, request.user)])


class ChangeSetsView(APIView):
    """What was done, one intention each."""

    @describe(
        "List change sets", answer=CHANGE_SET, many=True, errors=(400,),
        parameters=(*PAGING, Parameter("source", one_of(ChangeSet.Source.values))),
    )
    def get(self, request: Any) -> Any:
        """Return one page of the change sets that the caller may see, newest first."""
        rows = change_sets_for(request.user)
        if source := self.parameter("source"):
            rows = rows.filter(source=source)
        return paged(self, rows, lambda found: [_change_set(c, _latest_undo(found).get(c.pk)) for c in found])


class ChangeSetView(APIView):
    """One change set."""

    @describe("Get a change set", answer=CHANGE_SET, errors=(404,))
    def get(self, request: Any, id: Any) -> Any:
        """Return one change set."""
        found = _visible(request.user, id)
        by = undone_by(found)
        return answer(_change_set(found, by.pk if by else None))


class UndoView(APIView):
    """The undo of a change set."""

    @describe(
        "Undo a change set", answer=UNDO, also={202: JOB}, errors=(400, 403, 404, 409),
        body=shape(force=optional(boolean("Overwrite what was edited since."))), body_required=False,
        parameters=(Parameter("preview", boolean(), "Only tell what would be done."), IDEMPOTENCY_KEY),
        description="What was edited or built upon since is left alone and listed. Possible for 30 days. A change set of "
        "more than 5,000 changes is undone by a job (202).",
    )
    def post(self, request: Any, id: Any) -> Any:
        """Undo, or tell what an undo would do."""
        found = _visible(request.user, id)
        force = bool(self.body().get("force", False))
        if count_entries(found) > ENTRIES_AT_ONCE and not self.parameter("preview", False):
            require_undo(found, request.user)
            job = enqueue(
                "activity.undo", user=request.user, params={"change_set": str(found.pk), "force": force},
                label=_("Undo: %(name)s") % {"name": found},
            )
            return answer(shown(job), status=202, headers={"Location": f"/api/v1/jobs/{job.pk}"})
        preview = preview_undo(found, request.user, force=force)
        if self.parameter("preview", False):
            return answer(_undo(preview, None))
        done = undo(change_set=found, actor=request.user, force=force)
        return answer(_undo(preview, done))


class VersionsView(RecordView):
    """The versions of a record."""

    @describe(
        "List the versions of a record", answer=VERSION, many=True, errors=(400, 404),
        parameters=(
            *(p for p in PAGING if p.name != "page"),
        ),
    )
    def get(self, request: Any, id: Any) -> Any:
        """Return the versions of a record, newest first, without what is hidden from the caller."""
        obj = self.get_object(id)
        limit = self.parameter("limit", 20)
        before = _uuid(self.parameter("cursor", ""), "cursor")
        found = history(obj, request.user, before=before, limit=limit + 1)
        following = str(found[limit - 1].id) if len(found) > limit else None
        shown = [_version(v) for v in found[:limit]]
        return answer(shown, metadata={"pagination": {
            "limit": limit, "next_cursor": following, "previous_cursor": None,
            "next": address_with(request, cursor=following) if following else None, "previous": None,
        }})


class RollBackView(RecordView):
    """A record as it was."""

    @describe(
        "Roll a record back to a version", answer=record_of, errors=(400, 403, 404, 409, 412),
        body=shape(version=identifier("The id of the version."), fields=optional(listing(text(max_length=80), most=200))),
        parameters=(IF_MATCH, IDEMPOTENCY_KEY),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Give the record the values of an earlier version."""
        obj = self.get_object(id)
        body = self.body()
        check_match(request, obj, {}, request.user)
        obj = roll_back(obj=obj, to=uuid.UUID(body["version"]), actor=request.user, fields=body.get("fields"))
        return self.respond(obj)


def _visible(user: Any, id: Any) -> ChangeSet:
    found = visible_to(user, ChangeSet).select_related("user").filter(pk=id).first()
    if found is None:
        raise Missing
    return found


def _latest_undo(found: list[ChangeSet]) -> dict[Any, Any]:
    """Return which of the change sets stand undone: an undo that was undone itself does not count."""
    undos = ChangeSet.objects.filter(undoes__in=[c.pk for c in found]).order_by("created_at", "id")
    redone = set(ChangeSet.objects.filter(undoes__in=undos.values("pk")).values_list("undoes_id", flat=True))
    return {u.undoes_id: None if u.pk in redone else u.pk for u in undos}


def _person(user: Any) -> dict[str, Any] | None:
    return {"id": str(user.pk), "name": user.name} if user is not None else None


def _entry(line: Line) -> dict[str, Any]:
    e = line.entry
    changes: dict[str, Any] = {c.name: [c.before, c.after] for c in line.changes} if e.kind == "change" else line.payload
    return {
        "id": e.id, "created_at": e.created_at, "kind": e.kind, "action": e.action, "entity": e.entity,
        "entity_id": None if line.hidden else e.entity_id, "user": _person(line.user), "change_set": e.change_set_id,
        "ip_address": e.ip_address, "user_agent": e.user_agent, "changes": changes,
    }


def _change_set(found: ChangeSet, undone: Any) -> dict[str, Any]:
    return {
        "id": found.pk, "created_at": found.created_at, "label": found.label, "source": found.source,
        "user": _person(found.user), "request_id": found.request_id, "undoes": found.undoes_id, "undone_by": undone,
    }


def _undo(preview: UndoPreview, done: ChangeSet | None) -> dict[str, Any]:
    return {
        "change_set": done.pk if done else None,
        "counts": [
            {"entity": c.entity, "removed": c.removed, "changed": c.changed, "restored": c.restored, "kept": c.kept}
            for c in preview.counts
        ],
        "conflicts": [
            {
                "entity": c.entity, "id": c.record_id, "reason": c.reason, "message": c.sentence, "fields": c.columns,
                "change_set": c.change_set_id, "user": c.who, "changed_at": c.when,
            }
            for c in preview.conflicts
        ],
        "conflict_count": preview.conflict_count,
    }


def _version(v: Listed) -> dict[str, Any]:
    return {
        "id": v.id, "created_at": v.at, "action": v.action, "version": v.number, "user": _person(v.user),
        "change_set": v.change_set_id,
        "changes": [
            {"field": d.field.key, "label": str(d.field.label), "before": d.before_text, "after": d.after_text}
            for d in v.differences
        ],
    }


def _id(view: APIView, name: str) -> uuid.UUID | None:
    return _uuid(view.parameter(name, ""), name)


def _uuid(value: str, name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if value else None
    except ValueError:
        raise Invalid.field(name, _("An identifier is expected.")) from None


def _moment(view: APIView, name: str) -> datetime | None:
    value = view.parameter(name, "")
    try:
        found = datetime.fromisoformat(value) if value else None
    except ValueError:
        found = None
    if value and (found is None or found.tzinfo is None):
        raise Invalid.field(name, _("A point in time with its offset is expected, such as 2026-01-31T09:00:00Z."))
    return found
