"""One's own notifications, over the API."""

from typing import Any

from crm.api.entity import IDEMPOTENCY_KEY
from crm.api.keyset import paged
from crm.api.schema import describe, shapes
from crm.api.schema.operations import PAGING, Parameter
from crm.api.schema.shapes import boolean, integer, listing, moment, nullable, optional, shape, text
from crm.api.views import APIView, answer
from crm.lib.errors import Missing
from crm.notifications.kinds import kinds
from crm.notifications.models import Notification
from crm.notifications.service import choices_of, choose, mark_read, mark_unread, unread_count

NOTIFICATION = shape(
    id=shapes.uuid(), kind=text(), text=text(), url=text(), entity=text(), record_id=nullable(shapes.uuid()),
    created_at=moment(), read_at=nullable(moment()),
)
WAYS = listing(shape(kind=text(), label=text(), in_app=boolean(), digest=boolean()))


class NotificationsView(APIView):
    """One's own notifications, newest first."""

    @describe(
        "List my notifications", answer=NOTIFICATION, many=True, errors=(400,), tag="notifications",
        parameters=(*PAGING, Parameter("unread", boolean(), "Only those not read.")),
    )
    def get(self, request: Any) -> Any:
        """Answer a page of them."""
        rows = Notification.objects.filter(user=request.user, in_app=True)
        if self.parameter("unread", False):
            rows = rows.filter(read_at=None)
        answered = paged(self, rows, lambda found: [_row(n) for n in found])
        answered.data["metadata"]["unread"] = unread_count(request.user)
        return answered


class NotificationView(APIView):
    """One notification of one's own."""

    @describe("Read a notification", answer=NOTIFICATION, errors=(404,), tag="notifications")
    def get(self, request: Any, id: Any) -> Any:
        """Answer it."""
        return answer(_row(_own(request.user, id)))

    @describe("Mark a notification as read or unread", body=shape(read=boolean()), answer=NOTIFICATION, errors=(400, 404),
              tag="notifications")
    def patch(self, request: Any, id: Any) -> Any:
        """Change whether it is read."""
        row = _own(request.user, id)
        if self.body()["read"]:
            mark_read(user=request.user, ids=[row.pk])
        else:
            mark_unread(user=request.user, pk=row.pk)
        return answer(_row(_own(request.user, id)))


class ReadView(APIView):
    """Marks many as read."""

    @describe(
        "Mark notifications as read", tag="notifications", errors=(400,), parameters=(IDEMPOTENCY_KEY,),
        body=shape(ids=optional(listing(shapes.uuid(), most=1000, description="Which; all when left out."))),
        answer=shape(changed=integer(0), unread=integer(0)),
    )
    def post(self, request: Any) -> Any:
        """Mark some, or all, as read."""
        changed = mark_read(user=request.user, ids=self.body().get("ids"))
        return answer({"changed": changed, "unread": unread_count(request.user)})


class WaysView(APIView):
    """By which ways one hears of each kind."""

    @describe("Read how I am notified", answer=WAYS, tag="notifications")
    def get(self, request: Any) -> Any:
        """Answer every kind with its ways."""
        return answer(_ways(request.user))

    @describe(
        "Choose how I am notified", errors=(400,), tag="notifications", answer=WAYS,
        body=listing(shape(kind=text(max_length=40), in_app=boolean(), digest=boolean()), most=100),
    )
    def put(self, request: Any) -> Any:
        """Keep the ways of the kinds given; the others stay."""
        choose(user=request.user, ways={row["kind"]: (row["in_app"], row["digest"]) for row in self.body()})
        return answer(_ways(request.user))


def _own(user: Any, pk: Any) -> Notification:
    found = Notification.objects.filter(user=user, pk=pk, in_app=True).first()
    if found is None:
        raise Missing
    return found


def _row(n: Notification) -> dict[str, Any]:
    return {
        "id": n.pk, "kind": n.kind, "text": n.text, "url": n.url, "entity": n.entity, "record_id": n.record_id,
        "created_at": n.created_at, "read_at": n.read_at,
    }


def _ways(user: Any) -> list[dict[str, Any]]:
    known = choices_of(user)
    return [
        {"kind": name, "label": str(kinds()[name].label), "in_app": way.in_app, "digest": way.digest}
        for name, way in known.items()
    ]
