"""What the API can do with deals beyond reading and writing them."""

from typing import Any

from crm.access.policy import visible_to
from crm.api.concurrency import check_match
from crm.api.entity import IDEMPOTENCY_KEY
from crm.api.parts import Parts, PartsView, PartView
from crm.api.schema import describe, shapes
from crm.api.schema.operations import IF_MATCH
from crm.api.schema.shapes import integer, moment, nullable, optional, reference, shape, text
from crm.api.views import answer
from crm.api.viewsets import RecordView, record_of
from sales.models import Deal, DealContact, DealProduct, StageChange
from sales.services.deals import move_deal, reopen_deal
from sales.services.parts import (
    CONTACT_FIELDS,
    LINE_FIELDS,
    add_contact,
    add_line,
    change_contact,
    change_line,
    remove_part,
)

VERSION = optional(integer(1, 2_147_483_647, "The version that was read; contested fields are refused with 412."))
STAGE = shapes.shape_of(
    {"id": shapes.uuid(), "name": text(), "code": text()}, description="A stage as it was passed through."
)
MOVE = shape(
    stage=text(max_length=120, min_length=1, description="The id, code or name of the stage."),
    version=VERSION,
    close_reason=optional(nullable(shapes.uuid("Why it was won or lost."))),
)
HISTORY = shape(
    id=shapes.uuid(), from_stage=nullable(STAGE), to_stage=STAGE, user=nullable(reference()), happened_at=moment(),
    seconds_in_stage=nullable(integer(0, description="How long it had stood in the stage it left.")),
    value=shapes.decimal("The value at that time."),
)

LINES = Parts(
    of="deal", model=DealProduct, parent="deal", name="lines", order=("position", "created_at"), fields=LINE_FIELDS
)
CONTACTS = Parts(of="deal", model=DealContact, parent="deal", name="contacts", fields=CONTACT_FIELDS)


class StageView(RecordView):
    """Where a deal stands."""

    entity_name = "deal"

    @describe(
        "Move a deal to a stage", body=MOVE, answer=record_of, parameters=(IF_MATCH,), errors=(400, 403, 404, 409, 412)
    )
    def put(self, request: Any, id: Any) -> Any:
        """Move the deal; moving it to where it is does nothing."""
        body = self.body()
        deal = self.get_object(id, to_change=True)
        version = check_match(request, deal, {}, request.user) or body.get("version")
        deal = move_deal(
            deal=deal, stage=body["stage"], actor=request.user, version=version, reason=body.get("close_reason")
        )
        return self.respond(deal)


class ReopenView(RecordView):
    """Opens a closed deal again."""

    entity_name = "deal"

    @describe(
        "Reopen a won or lost deal",
        body=shape(stage=optional(nullable(text(max_length=120, min_length=1))), version=VERSION), body_required=False,
        answer=record_of, parameters=(IF_MATCH, IDEMPOTENCY_KEY), errors=(400, 403, 404, 409, 412),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Open the deal in a stage, or in the one it came from."""
        body, deal = self.body(), self.get_object(id, to_change=True)
        version = check_match(request, deal, {}, request.user) or body.get("version")
        return self.respond(reopen_deal(deal=deal, actor=request.user, stage=body.get("stage"), version=version))


class HistoryView(RecordView):
    """The way of a deal."""

    entity_name = "deal"

    @describe("The stages that a deal passed through", answer=HISTORY, many=True, whole=True, errors=(404,))
    def get(self, request: Any, id: Any) -> Any:
        """Return every change of stage, the first one first."""
        deal: Deal = self.get_object(id)
        rows = (
            visible_to(request.user, StageChange).filter(deal=deal)
            .select_related("from_stage", "to_stage", "user").order_by("happened_at", "id")[:1000]
        )
        return answer([_change(row) for row in rows])


def _change(row: StageChange) -> dict[str, Any]:
    return {
        "id": row.pk,
        "from_stage": _stage(row.from_stage) if row.from_stage else None,
        "to_stage": _stage(row.to_stage),
        "user": {"id": row.user_id, "name": row.user.name} if row.user else None,
        "happened_at": row.happened_at,
        "seconds_in_stage": row.seconds_in_stage,
        "value": row.value,
    }


def _stage(stage: Any) -> dict[str, Any]:
    return {"id": stage.pk, "name": stage.name, "code": stage.code}


class LinesView(PartsView):
    """What a deal is about."""

    parts = LINES

    def add(self, parent: Any, body: dict[str, Any]) -> Any:
        """Add a line."""
        return add_line(deal=parent, data=body, actor=self.request.user)


class LineView(PartView):
    """One line of a deal."""

    parts = LINES

    def alter(self, part: Any, body: dict[str, Any]) -> Any:
        """Change it."""
        return change_line(line=part, data=body, actor=self.request.user)

    def remove(self, part: Any) -> None:
        """Remove it."""
        remove_part(part=part, actor=self.request.user)


class ContactsView(PartsView):
    """Who has a say in a deal."""

    parts = CONTACTS

    def add(self, parent: Any, body: dict[str, Any]) -> Any:
        """Give a person a part."""
        return add_contact(deal=parent, data=body, actor=self.request.user)


class ContactView(PartView):
    """One person's part in a deal."""

    parts = CONTACTS

    def alter(self, part: Any, body: dict[str, Any]) -> Any:
        """Change it."""
        return change_contact(contact=part, data=body, actor=self.request.user)

    def remove(self, part: Any) -> None:
        """Take the person out."""
        remove_part(part=part, actor=self.request.user)
