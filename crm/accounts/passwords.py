"""The password policy: long enough, not guessable, and never silently truncated."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

LONGEST = 128
SHORT, UNKNOWN = 10, 7.9
"""Below so many characters a password must be one that no dictionary helps with: 10^7.9 guesses or more."""


class MaximumLength:
    """At most 128 characters, so that hashing stays cheap. (BCryptSHA256 does not truncate at 72 bytes.)"""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse a longer one."""
        if len(password) > LONGEST:
            raise ValidationError(_("At most %(limit)d characters.") % {"limit": LONGEST}, code="password_too_long")

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("At most %(limit)d characters.") % {"limit": LONGEST}


class HardToGuess:
    """Refuse what a guesser tries in its first million attempts (zxcvbn score under 2), the product's name included.

    A short one must be random: the fewer characters, the less a pattern may help.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse a guessable one, saying why where zxcvbn knows."""
        known = ["rapport", "crm"]
        known += [w for n in ("email", "first_name", "last_name") if (w := str(getattr(user, n, "") or ""))]
        rest = password.casefold()
        for word in known:
            rest = rest.replace(word.casefold(), "")
        if len(rest) < 6:
            raise ValidationError(_("This password is too easy to guess."), code="password_too_guessable")
        found = zxcvbn(password[:72], user_inputs=known)
        if found["score"] < 2 or (len(password) < SHORT and found["guesses_log10"] < UNKNOWN):
            raise ValidationError(_("This password is too easy to guess."), code="password_too_guessable")

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("It must not be easy to guess: a few unrelated words are good.")
