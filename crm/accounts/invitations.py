"""Invitations: single use, bound to one address, at most seven days; only the hash of the link is stored."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.accounts.events import UserJoined
from crm.accounts.models import Invitation, User
from crm.accounts.tokens import hash_of
from crm.activity.facts import publish, record_access
from crm.activity.intention import intend
from crm.lib.errors import Detail, Invalid, Missing

DAYS = 7


def open_invitation(user: User) -> Invitation | None:
    """Return the invitation that the user has not accepted yet, if there is one."""
    return Invitation.objects.filter(user=user, accepted_at=None, revoked_at=None).first()


def fresh_token(invitation: Invitation) -> str:
    """Return a new link token for an invitation; an earlier one is dead from now on."""
    token = secrets.token_urlsafe(32)
    invitation.token_hash = hash_of(token)
    invitation.expires_at = timezone.now() + timedelta(days=DAYS)
    invitation.save(update_fields=["token_hash", "expires_at", "updated_at"])
    return token


def link_of(invitation: Invitation) -> str:
    """Return the address by which an invitation is taken, made anew; an earlier one is dead from now on."""
    return str(settings.SITE_URL) + reverse("account_invitation", kwargs={"token": fresh_token(invitation)})


def find(token: str) -> Invitation:
    """Return the invitation of a link; a used, withdrawn, expired or guessed one is ``Missing``."""
    found = (
        Invitation.objects.select_related("user__role", "user__team")
        .filter(token_hash=hash_of(token), accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())
        .filter(user__is_active=True)
        .first()
    )
    if found is None or found.user is None or found.user.email.lower() != found.email.lower():
        raise Missing(_("This invitation is not valid any more. Ask for a new one."))
    return found


def accept(*, token: str, password: str, first_name: str = "", last_name: str = "") -> User:
    """Take an invitation: set the password and the name. The link is dead afterwards."""
    with transaction.atomic():
        found = find(token)
        locked = Invitation.objects.select_for_update(of=("self",)).get(pk=found.pk)
        if locked.accepted_at is not None:
            raise Missing(_("This invitation is not valid any more. Ask for a new one."))
        user = User.objects.select_for_update(of=("self",)).select_related("role", "team").get(pk=found.user_id)
        user.first_name = first_name.strip()[:100] or user.first_name
        user.last_name = last_name.strip()[:100] or user.last_name
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise Invalid(details=[Detail("password", m) for m in error.messages]) from None
        with intend(actor=user, label=_("Accept invitation")):
            user.set_password(password)
            user.version += 1
            user.save(update_fields=["password", "first_name", "last_name", "version", "updated_at"])
            locked.accepted_at = timezone.now()
            locked.save(update_fields=["accepted_at", "updated_at"])
            publish(UserJoined(user_id=user.pk), about=user, entity="user")
            record_access("accounts.joined", user=user)
    return user
