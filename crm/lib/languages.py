"""How the active language writes: Babel's locale of it, and that of its dates."""

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language

_LOCALES: dict[str, Locale] = {}
_BRITISH = Locale.parse("en_GB")


def locale() -> Locale:
    """Return Babel's locale of the active language."""
    language = get_language() or "en"
    if language not in _LOCALES:
        try:
            _LOCALES[language] = Locale.parse(language, sep="-")
        except (UnknownLocaleError, ValueError):
            _LOCALES[language] = Locale.parse("en")
    return _LOCALES[language]


def dates() -> Locale:
    """Return the locale of dates and times: the day stands before the month in every language of ours."""
    found = locale()
    return _BRITISH if found.language == "en" and not found.territory else found
