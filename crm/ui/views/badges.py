"""The small numbers in the side bar, read after the page so that no page waits for them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from crm.ui.nav import sections_for
from crm.ui.pages import page


@page("GET")
def badges(request: HttpRequest) -> HttpResponse:
    """Answer with one part for each number that is not nought."""
    user: Any = request.user
    found = []
    for section in sections_for(user):
        for item in section.items:
            if item.badge is not None:
                count = item.badge(user)
                found.append((item.slug, format_html("{}", "99+" if count > 98 else count or "")))
    parts = format_html_join("", '<hx-partial hx-target="#badge-{}" hx-swap="innerHTML">{}</hx-partial>', found)
    return HttpResponse(parts)
