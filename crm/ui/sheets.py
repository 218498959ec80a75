"""The style sheets of a page: what every page needs, and one for each room."""

from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

ROOMS = ("lists", "board", "record", "home", "rooms")
"""The sheets behind ``app.css``, in the order in which they stand; ``build.mjs`` makes them."""


def addresses() -> list[str]:
    """Return where the sheets lie."""
    return [static(f"{name}.css") for name in ("app", *ROOMS)]


def sheets(*needed: str) -> SafeString:
    """Link the sheets: of the rooms that a page shows, or all where none is named.

    The others are switched off and weigh nothing until somebody does something (``person.js``).
    """
    switched = ["", *("" if not needed or room in needed else SafeString(" disabled") for room in ROOMS)]
    return format_html_join("", '<link rel="stylesheet" href="{}"{}>', zip(addresses(), switched, strict=True))
