"""The style guide: every token and component on one page, in the current theme."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from crm.ui.build.tokens import HUES
from crm.ui.html import SafeString
from crm.ui.pages import page, render

TONES = ("neutral", "info", "success", "warning", "danger", "accent")
SURFACES = ("canvas", "surface", "sunken", "raised", "hover", "pressed", "selected", "accent-soft")
STATES = ("default", "hover", "focus", "active")
COLUMNS = (("Column", ""), ("A card over it", "over"), ("Over its limit", "limit"))
CARDS = tuple((name, SafeString(marks), extra) for name, marks, extra in (
    ("Default", "", ""), ("Hover", 'data-force="hover"', ""), ("Focus", 'data-force="focus"', ""), ("Lifted", "data-lifted", ""),
    ("Ghost", "", "ghost"), ("Pending", "data-pending", ""), ("Conflict", "", "conflict"), ("Edited by somebody", 'data-remote data-hue="apricot"', "by"),
    ("Fresh", "data-fresh", ""), ("Idle", "", "idle"), ("Late", "", "late"), ("Won", "", "won"), ("Lost", "", "lost"),
))
"""Cards in every state: what stands on them, the attributes that make the state, and what else they show."""


@page("GET")
def style_guide(request: HttpRequest) -> HttpResponse:
    """Show what pages are made of."""
    rows = [{"label": f"Step {i}", "value": v} for i, v in enumerate((120, 84, 52, 30), 1)]
    stacked = [{"label": f"W{i}", "values": {"won": 20 + i * 7 % 30, "open": 35 - i * 3 % 20}} for i in range(1, 11)]
    context = {
        "hues": [*HUES, "slate"], "tones": TONES, "surfaces": SURFACES, "rows": rows, "stacked": stacked,
        "series": [("won", "Won"), ("open", "Open")], "points": [4, 6, 5, 8, 7, 11, 12], "counts": [1, 3, 6, 9, 7, 4, 2, 1],
        "buttons": ("primary", "soft", "ghost", "accent", "danger"), "states": STATES, "columns": COLUMNS, "cards": CARDS,
        "bulks": ((3, "selected"), ("1,240", "selected, all that match")), "themes": (("light", _("Light")), ("dark", _("Dark"))),
    }
    return render(request, "styleguide.html", context)
