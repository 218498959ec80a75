"""Checking a password, under one lock-out for every door; and what belongs to being signed in.

A device that an account has signed in from before carries a signed cookie. It is counted by itself, so that
nobody can keep a person out from elsewhere by guessing.
"""

import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.accounts import throttle
from crm.accounts.events import UserAccessChanged
from crm.accounts.models import RefreshToken, User
from crm.accounts.refusals import NotSignedIn
from crm.activity.facts import publish, record_access
from crm.activity.intention import intend
from crm.lib.addresses import network_of
from crm.lib.errors import TooMany

WRONG = _("The e-mail address or the password is not right, or there were too many attempts. Try again later.")
EPOCH = "auth_epoch"
BEGAN, SEEN = "signed_in_at", "seen_at"
DEVICE_COOKIE = "device"
DEVICE_DAYS = 180
_signer = signing.TimestampSigner(salt="rapport.device")


def check_password(
    *, email: str, password: str, address: str, device: str = "", request: HttpRequest | None = None
) -> User:
    """Return the user, or refuse: ``NotSignedIn`` for a wrong pair, ``TooMany`` while locked, in the same words."""
    email = email.strip()[:254]
    counted = [("device", f"{device}:{email}")] if known_device(device, email) else [
        ("account", email), ("address", network_of(address)),
    ]
    wait = max([throttle.take(*c) for c in counted])
    if wait:
        if wait >= throttle.LIMITS[counted[0][0]].lock:  # the lock falls with this attempt
            record_access("accounts.locked_out", email=email)
        raise TooMany(str(WRONG), extra={"retry_after": wait})
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User):
        record_access("accounts.sign_in_failed", email=email)
        raise NotSignedIn(str(WRONG))
    for c in counted:
        throttle.give_back(*c)
    return user


def known_device(device: str, email: str) -> bool:
    """Tell whether ``device`` is the cookie of an earlier success of this very account."""
    try:
        value = _signer.unsign(device, max_age=DEVICE_DAYS * 86_400)
    except signing.BadSignature:
        return False
    return value.rpartition(":")[2] == _mark(email)


def device_of(request: HttpRequest) -> str:
    """Return the device cookie of a request."""
    return str(request.COOKIES.get(DEVICE_COOKIE, ""))


def new_device(user: User) -> str:
    """Return a cookie value that makes a device known to ``user``."""
    return _signer.sign(f"{secrets.token_urlsafe(12)}:{_mark(user.email)}")


def _mark(email: str) -> str:
    return throttle.key_of("device-of", email).partition(":")[2]


def set_password(user: User, password: str, *, request: HttpRequest | None = None) -> None:
    """Store a password, end every other session and token of the user, and keep this one."""
    with intend(actor=user, label=str(_("Change password"))):
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
        end_access(user, reason="password_changed")
        record_access("accounts.password_changed", user=user)
    if request is not None and getattr(request, "user", None) is not None and request.user.pk == user.pk:
        request.session[EPOCH] = user.auth_epoch


def end_access(user: User, *, reason: str) -> None:
    """End the sessions, tokens and sockets of a user: whatever carries an older epoch is dead.

    Call it inside a transaction; it takes effect with the commit.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("end_access() belongs inside a verb.")
    User.objects.filter(pk=user.pk).update(auth_epoch=F("auth_epoch") + 1)
    user.auth_epoch = User.objects.values_list("auth_epoch", flat=True).get(pk=user.pk)
    RefreshToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    publish(UserAccessChanged(user_id=user.pk, epoch=user.auth_epoch, reason=reason), about=user)


def begin_session(session: Any, user: Any) -> None:
    """Bind a new session to the user's epoch, and note when it began."""
    session[EPOCH] = user.auth_epoch
    session[BEGAN] = session[SEEN] = int(time.time())


def session_holds(session: Any, user: Any) -> bool:
    """Tell whether a browser session still speaks for ``user`` (pages and sockets ask this).

    It ends with the epoch, ``SESSION_MAX_DAYS`` after sign-in, and when it was not used for ``SESSION_IDLE_HOURS``.
    """
    now = time.time()
    return bool(
        user.is_active
        and session.get(EPOCH) == user.auth_epoch
        and now - session.get(BEGAN, 0) < settings.SESSION_COOKIE_AGE
        and now - session.get(SEEN, 0) < settings.SESSION_IDLE_SECONDS
    )


def note_use(session: Any) -> None:
    """Note in the session that it is used, when the last note is getting old."""
    now = int(time.time())
    if now - session.get(SEEN, 0) > min(3600, settings.SESSION_IDLE_SECONDS // 4):
        session[SEEN] = now
