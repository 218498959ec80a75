"""Texts that a spreadsheet would run: guarded on the way out, recognised on the way back in (CWE-1236)."""

BEFORE = " \u00a0\"'`"
"""What a spreadsheet passes over before a formula."""
STARTS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20|%")


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet could take a text for a formula, also after blanks and quotation marks."""
    rest = text.lstrip(BEFORE)
    return rest[:1] in STARTS if rest else False


def guard(text: str) -> str:
    """Return a text with an apostrophe before what could be run."""
    return f"'{text}" if is_formula(text) else text


def unguard(text: str) -> str:
    """Return a text without the apostrophe that ``guard`` put there."""
    return text[1:] if text[:1] == "'" and is_formula(text[1:]) else text
