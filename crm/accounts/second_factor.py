"""Second factors: whether one is due, checking a code, and keeping the secrets encrypted."""

import base64
import hashlib
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import connection

from crm.accounts import throttle
from crm.accounts.models import User
from crm.accounts.refusals import NotSignedIn, SecondFactorRequired
from crm.activity.facts import record_access
from crm.lib.errors import TooMany

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

_USE = """
UPDATE mfa_authenticator SET data = jsonb_set(data, '{last_counter}', to_jsonb(%(counter)s::bigint))
WHERE id = %(id)s AND coalesce((data ->> 'last_counter')::bigint, -1) < %(counter)s
"""


def has_second_factor(user: User) -> bool:
    """Tell whether the user has set up an authenticator app or a passkey."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def check_code(user: User, code: str | None) -> None:
    """Refuse unless ``code`` is a current one-time code or an unused recovery code of the user."""
    if not code:
        raise SecondFactorRequired
    wait = throttle.take("code", str(user.pk))
    if wait:
        raise TooMany(extra={"retry_after": wait})
    if not _valid(user, code.strip()):
        record_access("accounts.code_failed", user=user)
        raise SecondFactorRequired("The code is not right.")
    throttle.give_back("code", str(user.pk))


def check_sign_in(user: User, code: str | None) -> bool:
    """Ask for the second factor where it is due (the API's sign-in). Returns whether one was given."""
    if has_second_factor(user):
        check_code(user, code)
        return True
    if getattr(user, "second_factor_required", False):
        raise NotSignedIn("Your role requires a second factor. Sign in on the web page once to set it up.")
    return False


def _valid(user: User, code: str) -> bool:
    for authenticator in Authenticator.objects.filter(user_id=user.pk).exclude(type=Authenticator.Type.WEBAUTHN):
        kept: Any = authenticator.wrap()
        if kept.validate_code(code):
            authenticator.record_usage()
            return True
    return False


def use_code(kept: TOTP, code: str) -> bool:
    """Take a right one-time code; False for one that was taken before.

    allauth notes used codes in the cache, which may be away; we note the last one with the authenticator itself.
    """
    secret = decrypt(kept.instance.data["secret"])
    for counter in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
            with connection.cursor() as cursor:
                cursor.execute(_USE, {"id": kept.instance.pk, "counter": counter})
                return cursor.rowcount == 1
    return False


def _keys() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"rapport.mfa:" + s.encode()).digest())) for s in secrets]
    )


def encrypt(text: str) -> str:
    """Encrypt a secret for storage."""
    return _keys().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Decrypt a stored secret; under a lost key it is an empty secret that no code fits."""
    try:
        return _keys().decrypt(text.encode()).decode()
    except InvalidToken:
        return ""
