"""Sign-in by e-mail address and password, in the same time whether or not the address is known."""

import uuid
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from crm.accounts.models import User
from crm.lib.prepared import PreparedOne

# Asked with every request of a browser.
_BY_ID = PreparedOne(lambda user: User.objects.signing_in().filter(pk=user, is_active=True), samples=(uuid.UUID(int=1),))


class Backend(ModelBackend):
    """Finds people by address, whatever its case; the inactive and the unknown get the same nothing."""

    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        email: str | None = None,
        password: str | None = None,
        username: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the active user with this address and password, or None."""
        address = (email or username or "").strip()
        if not address or not password:
            return None
        user = User.objects.signing_in().filter(email__iexact=address).first()
        if user is None or not user.has_usable_password():
            User().set_password(password)  # the same work as checking one
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> User | None:
        """Return an active user with role and team, in one statement; a deactivated one is nobody at once."""
        try:
            return _BY_ID.first(user_id if isinstance(user_id, uuid.UUID) else uuid.UUID(str(user_id)))
        except ValueError:
            return None
