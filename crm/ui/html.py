"""Writing markup as text, where a template would be too slow: rows, cards and the small things in them.

Everything that is put into such a text goes through ``esc``, unless this program itself wrote it.
"""

from html import escape
from typing import Any

from django.utils.safestring import SafeString

EMPTY = SafeString("")


def esc(value: Any) -> str:
    """Return a value as text that cannot end an element or an attribute; what is markup already stays as it is."""
    if type(value) is str:
        return escape(value)
    markup = getattr(value, "__html__", None)
    return str(markup()) if markup is not None else escape(str(value))


__all__ = ["EMPTY", "SafeString", "esc"]
