"""Tokens of the API: short-lived access tokens (JWT), and refresh tokens that are rows.

Of many refreshes with one token exactly one succeeds: the database decides. A used token that comes again means
that two hold it, so its whole family dies, the newest included.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.accounts.events import RefreshTokenReused
from crm.accounts.models import RefreshToken, User
from crm.accounts.refusals import TokenInvalid
from crm.activity.facts import publish, record_access
from crm.activity.intention import intend
from crm.lib.ids import uuid7
from crm.lib.prepared import PreparedOne

ALGORITHM = "HS256"
AUDIENCE = "rapport-api"
TYPE = "at+jwt"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "typ", "epoch", "fam"]

# One statement: whoever finds the row unused has used it, and everybody else finds nothing.
_USE = """
UPDATE accounts_refreshtoken SET used_at = now(), updated_at = now()
WHERE token_hash = %s AND used_at IS NULL AND revoked_at IS NULL AND expires_at > statement_timestamp()
RETURNING user_id, family, auth_epoch, second_factor
"""

# Asked with every request of the API.
_ALIVE = PreparedOne(
    lambda user, epoch, family: User.objects.signing_in()
    .filter(pk=user, is_active=True, auth_epoch=epoch)
    .filter(refresh_tokens__family=family, refresh_tokens__revoked_at=None, refresh_tokens__used_at=None),
    samples=(uuid.UUID(int=1), 1_234_567_891, uuid.UUID(int=2)),
)


@dataclass(frozen=True)
class Pair:
    """What a sign-in or a refresh gives."""

    access: str
    refresh: str
    expires_in: int


def issue(
    user: User, *, family: uuid.UUID | None = None, second_factor: bool = False, address: str | None = None, agent: str = ""
) -> Pair:
    """Return an access token and a new refresh token of a family (a new family for a new sign-in)."""
    family = family or uuid7()
    refresh = secrets.token_urlsafe(48)
    RefreshToken.objects.create(
        user=user,
        family=family,
        token_hash=hash_of(refresh),
        auth_epoch=user.auth_epoch,
        second_factor=second_factor,
        expires_at=timezone.now() + timedelta(days=settings.JWT_REFRESH_DAYS),
        ip_address=address,
        user_agent=agent[:400],
    )
    return Pair(_access(user, family, second_factor), refresh, settings.JWT_ACCESS_SECONDS)


def refresh(token: str, *, address: str | None = None, agent: str = "") -> tuple[User, Pair]:
    """Use a refresh token and return the next pair; refuse a used, revoked, expired or unknown one."""
    hashed = hash_of(token)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_USE, [hashed])
            row = cursor.fetchone()
        if row is not None:
            user_id, family, epoch, second_factor = row
            user = User.objects.signing_in().filter(pk=user_id, is_active=True).first()
            if user is None or user.auth_epoch != epoch or (user.second_factor_required and not second_factor):
                raise TokenInvalid
            return user, issue(user, family=family, second_factor=second_factor, address=address, agent=agent)
    _note_reuse(hashed)
    raise TokenInvalid


def _note_reuse(hashed: str) -> None:
    known = RefreshToken.objects.filter(token_hash=hashed).select_related("user").first()
    if known is None or known.used_at is None:
        return
    with intend(actor=known.user, label=str(_("Refresh token used twice"))):
        died = revoke_family(known.user, known.family)
        record_access("accounts.refresh_token_reused", user=known.user, family=known.family)
        if died:
            publish(RefreshTokenReused(user_id=known.user_id, family=known.family), about=known.user)


def revoke_family(user: User, family: uuid.UUID) -> int:
    """Revoke every token of a family; returns how many were alive."""
    return RefreshToken.objects.filter(user=user, family=family, revoked_at=None).update(revoked_at=timezone.now())


def revoke(token: str) -> None:
    """Sign out: revoke the family of a refresh token. An unknown one is not an error."""
    known = RefreshToken.objects.filter(token_hash=hash_of(token)).select_related("user").first()
    if known is not None:
        revoke_family(known.user, known.family)


def authenticate_access(token: str) -> User:
    """Return the active user of an access token, or refuse with ``TokenInvalid``.

    The user's row is read each time: deactivation, change of role, change of password and sign-out everywhere
    raise the epoch, and signing out revokes the family, so an access token never outlives them.
    """
    claims = _decode(token)
    try:
        user_id, family = uuid.UUID(str(claims["sub"])), uuid.UUID(str(claims["fam"]))
    except ValueError:
        raise TokenInvalid from None
    user = _ALIVE.first(user_id, claims["epoch"], family)
    if user is None or (user.second_factor_required and not claims.get("mfa")):
        raise TokenInvalid
    return user


def family_of(token: str) -> uuid.UUID:
    """Return the sign-in that an access token belongs to."""
    return uuid.UUID(str(_decode(token)["fam"]))


def hash_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _access(user: User, family: uuid.UUID, second_factor: bool) -> str:
    now = timezone.now()
    claims = {
        "iss": settings.SITE_URL,
        "aud": AUDIENCE,
        "sub": str(user.pk),
        "iat": now,
        "exp": now + timedelta(seconds=settings.JWT_ACCESS_SECONDS),
        "jti": secrets.token_urlsafe(12),
        "typ": "access",
        "epoch": user.auth_epoch,
        "fam": str(family),
        "mfa": second_factor,
    }
    return jwt.encode(claims, _key(settings.SECRET_KEY), algorithm=ALGORITHM, headers={"typ": TYPE})


def _decode(token: str) -> dict[str, Any]:
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            found = jwt.decode_complete(
                token, _key(secret), algorithms=[ALGORITHM], audience=AUDIENCE, issuer=settings.SITE_URL,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError):
            raise TokenInvalid from None
        claims: dict[str, Any] = found["payload"]
        if found["header"].get("typ") != TYPE or claims["typ"] != "access" or not isinstance(claims["epoch"], int):
            raise TokenInvalid
        return claims
    raise TokenInvalid


def _key(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"rapport.jwt.access", hashlib.sha256).digest()
