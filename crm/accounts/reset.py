"""Links to reset a password."""

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator


class ResetTokens(PasswordResetTokenGenerator):
    """Dead after use, after a change of password, address or rights, and for the inactive."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.auth_epoch}{user.is_active}"

    def check_token(self, user: Any, token: str | None) -> bool:
        """Tell whether the link is good for this user now."""
        return bool(user is not None and user.is_active and super().check_token(user, token))
