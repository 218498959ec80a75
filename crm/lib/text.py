"""Text as people type it: cleaning and folding."""

import re
import unicodedata
from typing import Any

from django.utils.translation import get_language

# C0 and C1 controls except tab and newline, and lone surrogates: PostgreSQL refuses NUL and surrogates,
# browsers and spreadsheets stumble over the rest.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Marks that have no width and no meaning at the edge of a text: two texts that differ only by them look the same.
_UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_UNSEEN_ANYWHERE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_OPEN, _CLOSED = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068", "\u202c\u2069"
LAST = "\U0010ffff"
"""Stands behind every letter: what begins with a word stands before the word and this."""


def clean_line(value: str) -> str:
    """Return ``value`` on one line, trimmed, in NFC, without control characters."""
    if value.isascii() and value.isprintable():
        return value.strip()
    value = _UNWANTED.sub("", value.replace("\r", " ").replace("\n", " ").replace("\t", " "))
    return trimmed(unicodedata.normalize("NFC", value))


def clean_text(value: str) -> str:
    """Return ``value`` in NFC with Unix line ends and without control characters."""
    value = _UNWANTED.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return trimmed(unicodedata.normalize("NFC", value))


def trimmed(value: str) -> str:
    """Return ``value`` without white space and without marks that nobody sees at its edges; a direction is taken off at both ends."""
    value = value.strip()
    if value.isascii():
        return value
    while (bare := value.strip(_UNSEEN).strip()) != value or (bare[:1] and bare[0] in _OPEN and bare[-1] in _CLOSED):
        value = bare[1:-1] if bare[:1] and bare[0] in _OPEN and bare[-1] in _CLOSED else bare
    return value


def without_unseen(value: str) -> str:
    """Return ``value`` without any mark that nobody sees: for addresses, where it never has a meaning."""
    return value if value.isascii() else _UNSEEN_ANYWHERE.sub("", value)


def has_unstorable(value: str) -> bool:
    """Tell whether ``value`` holds a NUL byte or a lone surrogate, which PostgreSQL cannot store."""
    return "\x00" in value or (not value.isascii() and _SURROGATE.search(value) is not None)


def whole_number(text: str) -> int | None:
    """Return the number that up to nine plain digits say; None for anything else that calls itself a digit (², ٣)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def in_sentence(noun: Any) -> str:
    """Return the name of a thing as it stands within a sentence: small, except where nouns are always written large."""
    text = str(noun)
    if (get_language() or "").startswith("de") or text[1:2].isupper():
        return text
    return text[:1].lower() + text[1:]


def fold(value: str) -> str:
    """Return ``value`` lower-cased and unaccented, for comparing in Python."""
    if value.isascii():
        return value.lower()
    decomposed = unicodedata.normalize("NFKD", value)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
