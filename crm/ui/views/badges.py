"""The small numbers and the favourites of the side bar, read after the page so that no page waits for them."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from crm.ui.nav import sections_for
from crm.ui.pages import page, render


@page("GET")
def badges(request: HttpRequest) -> HttpResponse:
    """Answer with one part for each number, and one for the favourites."""
    user: Any = request.user
    items = [i for section in sections_for(user) for i in section.items if i.badge is not None]
    counts = [(i.slug, min(i.badge(user), 99)) for i in items if i.badge is not None]
    return render(request, "components/badges.html", {"counts": counts})
