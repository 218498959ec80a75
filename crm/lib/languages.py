"""How the active language writes: Babel's locale of it, and that of its dates."""

import re

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language

_PLAIN = re.compile(r"-?\d+\.\d+")
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


def typed_number(text: str) -> str:
    """Return a number as someone typed it, “1.234,5” or “1,234.5” by the language, the way programs write it; others as they are."""
    group, decimal = (locale().number_symbols["latn"][name] for name in ("group", "decimal"))
    bare = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    sign = "-" if bare.startswith("-") else ""
    whole, mark, rest = bare.removeprefix("-").partition(decimal)
    first, *others = whole.split(group)
    grouped = others and 1 <= len(first) <= 3 and all(len(part) == 3 for part in others)
    digits = [first, *others, rest] if mark else [first, *others]
    if (others and not grouped) or not all(part.isascii() and part.isdigit() for part in digits):
        return text
    return f"{sign}{''.join([first, *others])}{'.' + rest if mark else ''}"


def number_to_type(text: str) -> str:
    """Return a number that a program wrote as someone would type it: “1234,5”."""
    return text.replace(".", str(locale().number_symbols["latn"]["decimal"])) if _PLAIN.fullmatch(text) else text


def typed_numbers(text: str) -> list[str]:
    """Return several numbers; where the comma is the decimal sign, a blank behind it or a semicolon keeps them apart."""
    comma = locale().number_symbols["latn"]["decimal"] == ","
    return [typed_number(part.strip()) for part in re.split(r";|,\s" if comma else "[;,]", text) if part.strip()]
