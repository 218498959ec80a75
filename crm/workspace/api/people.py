"""What the API can do with people and roles beyond reading and writing them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.response import Response

from crm.access.policy import visible_to
from crm.access.rights import SCOPES
from crm.accounts.models import FieldRight, Role, User
from crm.api.schema import describe
from crm.api.schema.shapes import Schema, boolean, listing, mapping, nullable, one_of, optional, shape, text, uuid
from crm.api.views import APIView, answer
from crm.lib.errors import Invalid
from crm.workspace.matrix import ACTIONS
from crm.workspace.services.conditions import effective_cells, in_words
from crm.workspace.services.roles import set_field_rights, set_permissions
from crm.workspace.services.users import (
    belongings,
    deactivate_user,
    invite_again,
    reactivate_user,
    withdraw_invitation,
)

STATE: Schema = shape(id=uuid(), is_active=boolean())
CELL: Schema = shape(
    entity=one_of(ACTIONS), action=one_of(sorted({a for actions in ACTIONS.values() for a in actions})),
    scope=one_of(SCOPES), condition=optional(nullable(mapping())),
)
FIELD: Schema = shape(entity=text(max_length=60), field=text(max_length=80), level=one_of(FieldRight.Level.values))
EFFECTIVE: Schema = shape(
    entity=text(), action=text(), scope=one_of(SCOPES), condition=nullable(mapping()), words=text(),
    role=shape(id=uuid(), name=text()),
)
RIGHTS: Schema = shape(permissions=listing(CELL), field_rights=listing(FIELD))


class UserAction(APIView):
    """An act on one user."""

    def user(self, request: Any, pk: Any) -> User:
        """Return the user of the address, if the caller may see him."""
        found: User = get_object_or_404(visible_to(request.user, User), pk=pk)
        return found


class DeactivateView(UserAction):
    """Ends a person's access."""

    @describe(
        "Deactivate a user",
        description="Ends sessions, tokens and sockets at once. With `successor` the open records are handed over.",
        body=shape(successor=optional(nullable(uuid()))), body_required=False, answer=STATE, errors=(400, 403, 404, 409), tag="users",
    )
    def post(self, request: Any, id: Any) -> Response:
        """Deactivate."""
        body = self.body()
        successor = None
        if body.get("successor"):
            successor = visible_to(request.user, User).filter(pk=body["successor"]).first()
            if successor is None:
                raise Invalid.field("successor", _("There is no such user."))
        done = deactivate_user(user=self.user(request, id), actor=request.user, successor=successor)
        return answer({"id": done.pk, "is_active": done.is_active})


class ReactivateView(UserAction):
    """Lets a person come back."""

    @describe("Reactivate a user", answer=STATE, errors=(403, 404), tag="users")
    def post(self, request: Any, id: Any) -> Response:
        """Reactivate."""
        done = reactivate_user(user=self.user(request, id), actor=request.user)
        return answer({"id": done.pk, "is_active": done.is_active})


class InviteView(UserAction):
    """Sends an invitation again."""

    @describe("Send the invitation again", answer=STATE, errors=(403, 404, 409), tag="users")
    def post(self, request: Any, id: Any) -> Response:
        """Invite again; the earlier link is dead."""
        user = self.user(request, id)
        invite_again(user=user, actor=request.user)
        return answer({"id": user.pk, "is_active": user.is_active})


class WithdrawView(UserAction):
    """Takes an invitation back."""

    @describe("Withdraw an invitation", answer=STATE, errors=(403, 404, 409), tag="users")
    def post(self, request: Any, id: Any) -> Response:
        """Withdraw; the link is dead."""
        user = self.user(request, id)
        withdraw_invitation(user=user, actor=request.user)
        return answer({"id": user.pk, "is_active": user.is_active})


class BelongingsView(UserAction):
    """What a successor would take over."""

    @describe("Count a user’s open records", answer=mapping(), errors=(404,), tag="users")
    def get(self, request: Any, id: Any) -> Response:
        """Return the counts by entity."""
        return answer(belongings(self.user(request, id)).counts)


class RoleRightsView(APIView):
    """The matrix and the fields of a role."""

    @describe("Read the rights of a role", answer=RIGHTS, errors=(404,), tag="roles")
    def get(self, request: Any, id: Any) -> Response:
        """Return the own cells of a role (inherited ones are its parent's)."""
        return answer(rights_of(get_object_or_404(visible_to(request.user, Role), pk=id)))

    @describe(
        "Replace the rights of a role",
        body=shape(permissions=optional(listing(CELL, most=500)), field_rights=optional(listing(FIELD, most=500))),
        answer=RIGHTS, errors=(400, 403, 404), tag="roles",
    )
    def put(self, request: Any, id: Any) -> Response:
        """Replace the own cells, the fields, or both."""
        body = self.body()
        role = get_object_or_404(visible_to(request.user, Role), pk=id)
        if "permissions" in body:
            set_permissions(role=role, cells=body["permissions"], actor=request.user)
        if "field_rights" in body:
            set_field_rights(role=role, fields=body["field_rights"], actor=request.user)
        return answer(rights_of(role))


class EffectiveRightsView(APIView):
    """What a role may do in the end."""

    @describe("Read what a role may do, inherited cells included", answer=listing(EFFECTIVE), errors=(404,), tag="roles",
              description="Each cell with the role that it comes from, and its condition in words.")
    def get(self, request: Any, id: Any) -> Response:
        """Return every cell of a role; an administrator's role has none, since it may do everything."""
        role = get_object_or_404(visible_to(request.user, Role).select_related("parent"), pk=id)
        return answer([
            {**cell, "role": {"id": cell["role"].pk, "name": cell["role"].name},
             "words": in_words(cell["entity"], cell["condition"], request.user)}
            for cell in effective_cells(role)
        ])


def rights_of(role: Role) -> dict[str, Any]:
    """Return the own permissions and field rights of a role."""
    return {
        "permissions": list(role.permissions.values("entity", "action", "scope", "condition")),
        "field_rights": list(role.field_rights.order_by("entity", "field").values("entity", "field", "level")),
    }
