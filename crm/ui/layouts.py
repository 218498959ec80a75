"""Rooms with several layouts: the address decides, then what the list itself needs, then how it was last seen."""

from django.http import HttpRequest

LIST_ONLY = ("view", "sort", "columns", "group", "archived", "facets", "after")
"""Parameters that only the table understands."""


def layout_of(request: HttpRequest, room: str, known: tuple[str, ...]) -> str:
    """Return the layout to show, and remember one that was asked for. The first known one is the default."""
    key = f"layout:{room}"
    asked = request.GET.get("layout", "")
    if asked in known:
        if request.session.get(key) != asked:
            request.session[key] = asked
        return asked
    if "table" in known and any(name in request.GET for name in LIST_ONLY):
        return "table"
    kept = request.session.get(key)
    return kept if kept in known else known[0]
