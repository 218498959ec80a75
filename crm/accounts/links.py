"""Links that sign one person in once, within minutes: the first run, and the emergency."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from crm.accounts.models import SignInLink, User
from crm.accounts.tokens import hash_of
from crm.activity.intention import intend
from crm.activity.models import ChangeSet
from crm.lib.errors import Missing

MINUTES = 15


def one_time_link(user: User, *, base: str = "") -> str:
    """Return the address that signs ``user`` in once within fifteen minutes. Earlier links of theirs are dead."""
    token = secrets.token_urlsafe(32)
    with intend(source=ChangeSet.Source.COMMAND, label="Sign-in link"):
        SignInLink.objects.filter(user=user, used_at=None).delete()
        SignInLink.objects.create(
            user=user, token_hash=hash_of(token), expires_at=timezone.now() + timedelta(minutes=MINUTES)
        )
    return (base or settings.SITE_URL).rstrip("/") + reverse("account_sign_in_link", kwargs={"token": token})


def known(token: str) -> bool:
    """Tell whether a link would still work."""
    return SignInLink.objects.filter(
        token_hash=hash_of(token), used_at=None, expires_at__gt=timezone.now(), user__is_active=True
    ).exists()


def use(token: str) -> User:
    """Use a link and return its user; of two at once one gets it. A used, old or guessed one is ``Missing``."""
    with intend(label="Sign-in link"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_signinlink SET used_at = statement_timestamp() "
            "WHERE token_hash = %s AND used_at IS NULL AND expires_at > statement_timestamp() RETURNING user_id",
            [hash_of(token)],
        )
        row = cursor.fetchone()
    user = User.objects.signing_in().filter(pk=row[0], is_active=True).first() if row else None
    if user is None:
        raise Missing
    return user
