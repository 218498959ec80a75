"""What happens to people and their access."""

import uuid

from django.utils.translation import pgettext_lazy

from crm.activity.facts import fact


@fact("accounts.access_changed", pgettext_lazy("audit log", "given other rights"))
class UserAccessChanged:
    """What a user may do, or whether at all, has changed: open sockets of an older epoch must close."""

    user_id: uuid.UUID
    epoch: int
    reason: str


@fact("accounts.invited", pgettext_lazy("audit log", "invited"))
class UserInvited:
    """Someone was invited."""

    user_id: uuid.UUID


@fact("accounts.joined", pgettext_lazy("audit log", "joined"))
class UserJoined:
    """An invitation was accepted."""

    user_id: uuid.UUID


@fact("accounts.deactivated", pgettext_lazy("audit log", "deactivated"))
class UserDeactivated:
    """Someone can no longer sign in."""

    user_id: uuid.UUID
    successor_id: uuid.UUID | None


@fact("accounts.reactivated", pgettext_lazy("audit log", "reactivated"))
class UserReactivated:
    """Someone can sign in again."""

    user_id: uuid.UUID


@fact("accounts.refresh_token_reused", pgettext_lazy("audit log", "a refresh token was used twice"))
class RefreshTokenReused:
    """A refresh token was used a second time, so someone else may have it; its family is revoked."""

    user_id: uuid.UUID
    family: uuid.UUID
