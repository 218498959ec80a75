"""The style guide: every token and component on one page, in the current theme."""

from django.http import HttpRequest, HttpResponse

from crm.ui.build.tokens import HUES
from crm.ui.pages import page, render

TONES = ("neutral", "info", "success", "warning", "danger", "accent")
SURFACES = ("canvas", "surface", "sunken", "raised", "hover", "pressed", "selected", "accent-soft")


@page("GET")
def style_guide(request: HttpRequest) -> HttpResponse:
    """Show what pages are made of."""
    rows = [{"label": f"Step {i}", "value": v} for i, v in enumerate((120, 84, 52, 30), 1)]
    stacked = [{"label": f"W{i}", "values": {"won": 20 + i * 7 % 30, "open": 35 - i * 3 % 20}} for i in range(1, 11)]
    context = {
        "hues": [*HUES, "slate"], "tones": TONES, "surfaces": SURFACES, "rows": rows, "stacked": stacked,
        "series": [("won", "Won"), ("open", "Open")], "points": [4, 6, 5, 8, 7, 11, 12], "counts": [1, 3, 6, 9, 7, 4, 2, 1],
        "buttons": ("primary", "soft", "ghost", "accent", "danger"),
    }
    return render(request, "styleguide.html", context)
