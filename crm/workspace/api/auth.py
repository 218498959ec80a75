"""Signing in and out of the API."""

from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from rest_framework.response import Response

from crm.accounts import second_factor, sign_in, throttle, tokens
from crm.accounts.models import RefreshToken, User
from crm.accounts.refusals import NotSignedIn, RegistrationClosed
from crm.activity.facts import record_access
from crm.api.schema import describe
from crm.api.schema.shapes import (
    Schema,
    boolean,
    email,
    integer,
    moment,
    nullable,
    one_of,
    optional,
    shape,
    text,
    uuid,
)
from crm.api.views import APIView, PublicAPIView, answer, no_content
from crm.jobs.engine import enqueue
from crm.lib.addresses import client_address, network_of
from crm.lib.errors import TooMany
from crm.workspace.services.users import end_session, sessions_of, sign_out_everywhere

PERSON: Schema = shape(
    "The person who is signed in.",
    id=uuid(), email=text(), name=text(), first_name=text(), last_name=text(),
    role=shape(id=uuid(), code=text(), name=text()),
    team=nullable(shape(id=uuid(), name=text())),
    department=text(), time_zone=text(), language=text(), is_admin=boolean(), second_factor=boolean(),
)
PAIR: Schema = shape(
    "An access token, to be sent as “Authorization: Bearer”, and the refresh token that is good for one use.",
    access=text(), refresh=text(), token_type=one_of(["Bearer"]), expires_in=integer(1), user=PERSON,
)
SESSION: Schema = shape(
    id=text(), kind=one_of(["browser", "api"]), ip_address=nullable(text()), user_agent=text(),
    created_at=moment(), last_seen_at=moment(), current=boolean(),
)
TOKEN = text(min_length=1, max_length=2000)


def person(user: User) -> dict[str, Any]:
    """Return a user as the sign-in routes show him."""
    return {
        "id": user.pk, "email": user.email, "name": user.name,
        "first_name": user.first_name, "last_name": user.last_name,
        "role": {"id": user.role_id, "code": user.role.code, "name": user.role.name},
        "team": {"id": user.team_id, "name": user.team.name} if user.team else None,
        "department": user.department, "time_zone": user.time_zone, "language": user.language,
        "is_admin": user.is_admin, "second_factor": second_factor.has_second_factor(user),
    }


def _pair(user: User, pair: tokens.Pair) -> dict[str, Any]:
    return {
        "access": pair.access, "refresh": pair.refresh, "token_type": "Bearer", "expires_in": pair.expires_in,
        "user": person(user),
    }


def _client(request: Any) -> dict[str, Any]:
    return {"address": client_address(request), "agent": request.META.get("HTTP_USER_AGENT", "")[:400]}


class LoginView(PublicAPIView):
    """Exchanges a password, and the second factor where there is one, for tokens."""

    authentication_classes = ()
    atomic = False
    idempotent = False

    @describe(
        "Sign in",
        description="401 `SECOND_FACTOR_REQUIRED` when the password is right and `otp` is missing or wrong. "
        "429 while the account or the address is locked after too many wrong attempts.",
        body=shape(
            email=text(min_length=1, max_length=254), password=text(min_length=1, max_length=1000),
            otp=optional(text(max_length=40)),
        ),
        answer=PAIR, errors=(400, 401, 429), public=True, tag="auth",
    )
    def post(self, request: Any) -> Response:
        """Sign in."""
        body = self.body()
        client = _client(request)
        user = sign_in.check_password(
            email=body["email"], password=body["password"], address=client["address"],
            device=sign_in.device_of(request), request=request._request,
        )
        factor = second_factor.check_sign_in(user, body.get("otp"))
        pair = tokens.issue(user, second_factor=factor, **client)
        record_access("accounts.signed_in", user=user, door="api")
        return answer(_pair(user, pair))


class RefreshView(PublicAPIView):
    """Exchanges a refresh token for the next pair, once."""

    authentication_classes = ()
    atomic = False
    idempotent = False

    @describe(
        "Refresh the tokens",
        description="Each refresh token is good once. Using one again ends the whole sign-in that it belongs to.",
        body=shape(refresh=TOKEN), answer=PAIR, errors=(400, 401), public=True, tag="auth",
    )
    def post(self, request: Any) -> Response:
        """Refresh."""
        user, pair = tokens.refresh(self.body()["refresh"], **_client(request))
        return answer(_pair(user, pair))


class LogoutView(PublicAPIView):
    """Ends a sign-in."""

    atomic = False
    idempotent = False

    @describe(
        "Sign out",
        description="Ends the sign-in that the access token, the refresh token in the body, or the session belongs to.",
        body=shape(refresh=optional(TOKEN)), body_required=False, answer=None, status=204, errors=(400, 401, 403), tag="auth",
    )
    def post(self, request: Any) -> Response:
        """Sign out."""
        body = self.body()
        if token := body.get("refresh"):
            tokens.revoke(token)
        if isinstance(request.auth, str):
            tokens.revoke_family(request.user, tokens.family_of(request.auth))
        elif request.user.is_authenticated:
            logout(request._request)
        elif not token:
            raise NotSignedIn
        return no_content()


class RegisterView(PublicAPIView):
    """Registration, where an installation allows it."""

    authentication_classes = ()
    idempotent = False

    @describe(
        "Register",
        description="Closed (403 `REGISTRATION_CLOSED`) unless the installation opens it. The answer is the same "
        "whether or not the address is known; a mail with a link to choose a password follows.",
        body=shape(
            email=email(), first_name=optional(text(max_length=100)), last_name=optional(text(max_length=100))
        ),
        answer=shape(status=one_of(["pending"])), status=202, errors=(400, 403, 429), public=True, tag="auth",
    )
    def post(self, request: Any) -> Response:
        """Register."""
        if not settings.REGISTRATION_OPEN:
            raise RegistrationClosed
        body = self.body()
        wait = throttle.take("mail", body["email"]) or throttle.take("mail-from", network_of(client_address(request)))
        if wait:
            raise TooMany(extra={"retry_after": wait})
        enqueue("workspace.register", params=dict(body))
        return answer({"status": "pending"}, status=202)


class MeView(APIView):
    """The person who calls."""

    @describe("Who am I", answer=PERSON, tag="auth")
    def get(self, request: Any) -> Response:
        """Return the caller."""
        return answer(person(request.user))


class SessionsView(APIView):
    """The caller's sign-ins: browsers and API clients."""

    @describe("List my sessions", answer=SESSION, many=True, whole=True, tag="auth")
    def get(self, request: Any) -> Response:
        """Return the sessions that are alive."""
        browsers, families = sessions_of(request.user)
        family = tokens.family_of(request.auth) if isinstance(request.auth, str) else None
        key = request._request.session.session_key if family is None else None
        found = [
            {
                "id": str(s.pk), "kind": "browser", "ip_address": s.ip, "user_agent": s.user_agent,
                "created_at": s.created_at, "last_seen_at": s.last_seen_at, "current": s.session_key == key,
            }
            for s in browsers
        ]
        return answer(found + [_family(t, family) for t in families])

    @describe("Sign out everywhere", answer=None, status=204, tag="auth")
    def delete(self, request: Any) -> Response:
        """End every session and token of the caller, this one included."""
        sign_out_everywhere(user=request.user, actor=request.user)
        return no_content()


def _family(token: RefreshToken, current: Any) -> dict[str, Any]:
    return {
        "id": str(token.family), "kind": "api", "ip_address": token.ip_address, "user_agent": token.user_agent,
        "created_at": getattr(token, "began", token.created_at), "last_seen_at": token.created_at, "current": token.family == current,
    }


class SessionView(APIView):
    """One sign-in of the caller."""

    @describe("End one of my sessions", answer=None, status=204, errors=(404,), tag="auth")
    def delete(self, request: Any, session: str) -> Response:
        """End a session."""
        end_session(user=request.user, key=session, actor=request.user)
        return no_content()
