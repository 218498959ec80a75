"""What the API tells about access to a record: who sees it and why, and with whom it is shared."""

from typing import Any

from django.utils.translation import gettext as _

from crm.access.reasons import who_sees
from crm.access.services import share_record, shares_of, unshare_record
from crm.accounts.models import Team, User
from crm.api.entity import IDEMPOTENCY_KEY
from crm.api.routes import route
from crm.api.schema import describe
from crm.api.schema.shapes import DOCUMENTED, Schema, boolean, listing, nullable, one_of, optional, shape, text, uuid
from crm.api.views import answer, no_content
from crm.api.viewsets import RecordView
from crm.lib.errors import Invalid, Missing
from crm.records.entity import all_entities

MOST = 500
PERSON = shape(id=uuid(), name=text())
REASON = shape(action=one_of(["view", "change", "delete"]), why=text(), text=text())
SEEN = shape(user=PERSON, actions=listing({"type": "string"}), reasons=listing(REASON))
SHARE = shape(user=nullable(PERSON), team=nullable(PERSON), may_change=boolean())


def _whose(**more: Schema) -> Schema:
    """Return the schema of a person or a team; the refusal of both, or of neither, is a sentence of our own."""
    none = optional({"type": "null"})
    either = {"anyOf": [shape(user=uuid(), team=none, **more), shape(team=uuid(), user=none, **more)]}
    return {**shape(user=optional(nullable(uuid())), team=optional(nullable(uuid())), **more), DOCUMENTED: either}


SHARING = _whose(may_change=optional(boolean()))
SHARED = _whose()

def _person(row: Any) -> dict[str, Any] | None:
    return None if row is None else {"id": row.pk, "name": str(row)}


class AccessView(RecordView):
    """Who can see a record, and why."""

    @describe("Who can see this, and why", answer=SEEN, many=True, whole=True, errors=(404,),
              description="The first 500 people by name who see the record, each with every reason.")
    def get(self, request: Any, id: Any) -> Any:
        """List everyone who sees the record."""
        people, _more = who_sees(self.get_object(id), limit=MOST)
        return answer([
            {"user": _person(p.user), "actions": p.actions, "reasons": [r.as_dict() for r in p.reasons]} for p in people
        ])


class SharesView(RecordView):
    """The people and teams that a record is shared with."""

    @describe("With whom this is shared", answer=SHARE, many=True, whole=True, errors=(404, 409))
    def get(self, request: Any, id: Any) -> Any:
        """List the shares."""
        return self._shares(self.get_object(id))

    @describe("Share with a person or a team", body=SHARING, answer=SHARE, many=True, parameters=(IDEMPOTENCY_KEY,),
              errors=(400, 403, 404, 409))
    def post(self, request: Any, id: Any) -> Any:
        """Share the record, or set the level of a share anew."""
        body = self.body()
        obj = self.get_object(id)
        user, team = _whom(body)
        share_record(obj=obj, user=user, team=team, may_change=bool(body.get("may_change")), actor=request.user)
        return self._shares(obj)

    @describe("Stop sharing", body=SHARED,
              status=204, errors=(400, 403, 404, 409))
    def delete(self, request: Any, id: Any) -> Any:
        """Take a share back."""
        body = self.body()
        user, team = _whom(body)
        if not unshare_record(obj=self.get_object(id), user=user, team=team, actor=request.user):
            raise Missing
        return no_content()

    def _shares(self, obj: Any) -> Any:
        return answer([
            {"user": _person(s.user), "team": _person(s.team), "may_change": s.may_change} for s in shares_of(obj)
        ])


def _whom(body: dict[str, Any]) -> tuple[User | None, Team | None]:
    user = team = None
    if body.get("user"):
        user = User.objects.active().filter(pk=body["user"]).first()
        if user is None:
            raise Invalid.field("user", _("There is no such user."))
    if body.get("team"):
        team = Team.objects.filter(pk=body["team"]).first()
        if team is None:
            raise Invalid.field("team", _("There is no such team."))
    return user, team


def declare() -> None:
    """Declare the routes of every entity that can be asked."""
    for of in all_entities().values():
        if {"api", "pages"} <= of.abilities:
            route(f"{of.plural}/{{id}}/access", type("AccessView", (AccessView,), {"entity_name": of.name}))
        if {"api", "share"} <= of.abilities:
            route(f"{of.plural}/{{id}}/shares", type("SharesView", (SharesView,), {"entity_name": of.name}))
