"""People come, change, leave and come back."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import F, Min, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, require
from crm.access.rights import rights_of
from crm.accounts import throttle
from crm.accounts.events import UserDeactivated, UserReactivated
from crm.accounts.invitations import open_invitation
from crm.accounts.mails import request_notice
from crm.accounts.models import Invitation, RefreshToken, Role, Team, User
from crm.accounts.sign_in import end_access
from crm.activity.facts import publish, record_access
from crm.activity.intention import relabel, verb
from crm.lib.errors import Conflict, Denied, Invalid, Missing, TooMany
from crm.records.entity import all_entities
from crm.records.events import RecordsBulkChanged
from crm.records.models import Record
from crm.records.services import create_record, update_record
from crm.records.services.records import lock
from crm.workspace import rules


@dataclass(frozen=True)
class Belongings:
    """What a person is responsible for: how many open records, by entity."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the sum."""
        return sum(self.counts.values())


@verb
def invite_user(
    *, actor: Any, email: str, role: Role, team: Team | None = None, first_name: str = "", last_name: str = "",
    department: str = "",
) -> User:
    """Make a user who can sign in once the mailed invitation is taken."""
    data = {
        "email": email, "role": str(role.pk), "first_name": first_name, "last_name": last_name, "department": department,
    }
    if team is not None:
        data["team"] = str(team.pk)
    made: User = create_record(of="user", data=data, actor=actor)
    return made


@verb
def invite_again(*, user: User, actor: Any) -> Invitation:
    """Send the invitation of someone who has not taken it yet again; the earlier link is dead."""
    user = lock(user)
    _may_govern(actor, user)
    if open_invitation(user) is None and user.has_usable_password():
        raise Conflict(_("This person has joined already."))
    if wait := throttle.take("mail", user.email):
        raise TooMany(_("This person was sent enough mails just now. Try again later."), extra={"retry_after": wait})
    return rules.invite(user, actor, mail=True)


@verb
def withdraw_invitation(*, user: User, actor: Any) -> Invitation:
    """Take back an invitation that nobody has taken: its link is dead, and no reset mail brings it back."""
    user = lock(user)
    _may_govern(actor, user)
    waiting = open_invitation(user)
    if waiting is None or user.has_usable_password():
        raise Conflict(_("There is no invitation to withdraw."))
    relabel(_("Withdraw the invitation of %(name)s") % {"name": user.name})
    waiting.revoked_at = timezone.now()
    waiting.save(update_fields=["revoked_at", "updated_at"])
    return waiting


@verb
def forget_factors(*, user: User, actor: Any) -> int:
    """Remove the second factors of someone who has lost them; he is signed out, told by mail, and sets up new ones."""
    user = lock(user)
    _may_govern(actor, user)
    if getattr(actor, "pk", None) == user.pk:
        raise Conflict(_("Remove your own second factor under Settings, Security."))
    held = list(Authenticator.objects.filter(user_id=user.pk))
    if not held:
        raise Conflict(_("This person has no second factor."))
    relabel(_("Remove the second factor of %(name)s") % {"name": user.name})
    for factor in held:
        record_access("accounts.factor_removed", entity="user", entity_id=user.pk, factor=factor.type)
        factor.delete()
    end_access(user, reason="factor_removed")
    request_notice(user, "factors_removed", ip="", device="", at=timezone.now().isoformat())
    return len(held)


@verb
def change_role(*, user: User, role: Role, actor: Any) -> User:
    """Give a user another role. What was signed in under the old one is signed out at once."""
    changed: User = update_record(obj=user, data={"role": str(role.pk)}, actor=actor)
    return changed


def belongings(user: User) -> Belongings:
    """Count the open records that a successor would take over."""
    counts = {}
    for declared in all_entities().values():
        if declared.owner and issubclass(declared.model, Record):
            rows = declared.to_hand_over(declared.model._default_manager.filter(**{declared.owner: user}))
            if count := rows.count():
                counts[declared.name] = count
    return Belongings(counts)


@verb
def deactivate_user(*, user: User, actor: Any, successor: User | None = None) -> User:
    """End a person's access at once. With a successor the open records go to him, otherwise they stay."""
    user = lock(user)
    _may_govern(actor, user)
    if getattr(actor, "pk", None) == user.pk:
        raise Conflict(_("Nobody deactivates the own account."))
    if not user.is_active:
        return user
    if successor is not None and not User.objects.active().filter(pk=successor.pk).exclude(pk=user.pk).exists():
        raise Invalid.field("successor", _("Choose another active person."))
    rules.guard_last_admin(user)
    relabel(_("Deactivate %(name)s") % {"name": user.name})
    if successor is not None:
        _hand_over(user, successor)
    user.is_active = False
    user.deactivated_at = timezone.now()
    user.version += 1
    user.save(update_fields=["is_active", "deactivated_at", "version", "updated_at"])
    Invitation.objects.filter(user=user, accepted_at=None, revoked_at=None).update(revoked_at=timezone.now())
    Team.objects.filter(manager=user).update(manager=successor)
    end_access(user, reason="deactivated")
    publish(
        UserDeactivated(user_id=user.pk, successor_id=successor.pk if successor else None), about=user, entity="user"
    )
    return user


def _hand_over(user: User, successor: User) -> None:
    for declared in all_entities().values():
        if not declared.owner or not issubclass(declared.model, Record):
            continue
        rows = declared.to_hand_over(declared.model._default_manager.filter(**{declared.owner: user}))
        values: dict[str, Any] = {declared.owner: successor, "updated_at": timezone.now(), "version": F("version") + 1}
        if count := rows.update(**values):
            publish(RecordsBulkChanged(entity=declared.name, count=count, operation="hand_over"), entity=declared.name)


@verb
def reactivate_user(*, user: User, actor: Any) -> User:
    """Let someone come back, with the role and team of before."""
    user = lock(user)
    _may_govern(actor, user)
    if user.is_active:
        return user
    relabel(_("Reactivate %(name)s") % {"name": user.name})
    user.is_active = True
    user.deactivated_at = None
    user.version += 1
    user.save(update_fields=["is_active", "deactivated_at", "version", "updated_at"])
    publish(UserReactivated(user_id=user.pk), about=user, entity="user")
    if not user.has_usable_password() and user.last_login is None:
        rules.invite(user, actor)
    return user


@verb
def sign_out_everywhere(*, user: User, actor: Any) -> None:
    """End every session, token and socket of a user: one's own, or (for those who manage users) another's."""
    if getattr(actor, "pk", None) != user.pk:
        _may_govern(actor, user)
    relabel(_("Sign out everywhere"))
    end_access(lock(user), reason="signed_out")
    UserSession.objects.filter(user=user).delete()


def sessions_of(user: User) -> tuple[list[UserSession], list[RefreshToken]]:
    """Return a user's browser sessions and API sign-ins that are alive, newest first."""
    browsers = [s for s in UserSession.objects.filter(user=user).order_by("-last_seen_at") if s.exists()]
    began = RefreshToken.objects.filter(family=OuterRef("family")).order_by().values("family").annotate(at=Min("created_at")).values("at")
    families = RefreshToken.objects.filter(
        user=user, used_at=None, revoked_at=None, expires_at__gt=timezone.now(), auth_epoch=user.auth_epoch
    ).annotate(began=Subquery(began)).order_by("-created_at")
    return browsers, list(families)


@verb
def end_session(*, user: User, key: str, actor: Any) -> None:
    """End one of the own sessions: a browser by its number, an API sign-in by its family."""
    if getattr(actor, "pk", None) != user.pk:
        raise Denied
    relabel(_("End a session"))
    if key.isascii() and key.isdigit() and len(key) < 18:
        found = UserSession.objects.filter(user=user, pk=int(key)).first()
        if found is None:
            raise Missing
        found.end()
        return
    try:
        family = uuid.UUID(key)
    except ValueError:
        raise Missing from None
    alive = RefreshToken.objects.filter(user=user, family=family, revoked_at=None)
    if not alive.update(revoked_at=timezone.now()):
        raise Missing


def _may_govern(actor: Any, user: User) -> None:
    """Refuse unless the actor manages users and has every right that ``user`` has."""
    if actor is SYSTEM:
        return
    require(actor, "view", user)
    if not rights_of(actor).may("manage", "user") or not rules.outranks(actor, user.role_id):
        raise Denied
