"""What happens to people and their access."""

import uuid

from crm.activity.facts import fact


@fact("accounts.access_changed")
class UserAccessChanged:
    """What a user may do, or whether at all, has changed: open sockets of an older epoch must close."""

    user_id: uuid.UUID
    epoch: int
    reason: str


@fact("accounts.invited")
class UserInvited:
    """Someone was invited."""

    user_id: uuid.UUID


@fact("accounts.joined")
class UserJoined:
    """An invitation was accepted."""

    user_id: uuid.UUID


@fact("accounts.deactivated")
class UserDeactivated:
    """Someone can no longer sign in."""

    user_id: uuid.UUID
    successor_id: uuid.UUID | None


@fact("accounts.reactivated")
class UserReactivated:
    """Someone can sign in again."""

    user_id: uuid.UUID


@fact("accounts.refresh_token_reused")
class RefreshTokenReused:
    """A refresh token was used a second time, so someone else may have it; its family is revoked."""

    user_id: uuid.UUID
    family: uuid.UUID
