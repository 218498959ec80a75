"""Who is calling: a bearer token, or the browser's session (with CSRF for whatever writes)."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as RestSessionAuthentication

from crm.accounts.tokens import authenticate_access
from crm.api.errors import TokenInvalid


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>``."""

    def authenticate(self, request: Any) -> Any:
        """Return the token's user; None when no header is sent."""
        scheme, _blank, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise TokenInvalid(_("This way of authentication is not known."))
        return authenticate_access(token.strip()), token

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="api"'


class SessionAuthentication(RestSessionAuthentication):
    """The session of the pages; unsafe methods need the CSRF token."""

    def authenticate_header(self, request: Any) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="api"'
