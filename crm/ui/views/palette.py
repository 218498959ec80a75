"""The results of the palette: records, things to make, pages to go to."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.lib.text import fold
from crm.search.recent import recent_visits
from crm.search.service import recent_hits, search
from crm.ui.nav import creatable_by, sections_for, settings_for
from crm.ui.pages import page, render


@dataclass
class Choice:
    """One line of the palette."""

    label: Any
    icon: str
    url: str = ""
    sub: Any = ""
    hue: str = ""
    open: str = ""
    keys: tuple[str, ...] = ()


@page("GET")
def palette(request: HttpRequest) -> HttpResponse:
    """Show what fits the words: records first, then commands, then pages; ``>`` leaves the records out."""
    user: Any = request.user
    q = request.GET.get("q", "").replace("\x00", "")[:200].strip()
    commands_only = q.startswith(">")
    words = q.lstrip("> ").strip()
    groups: list[tuple[Any, list[Choice]]] = []
    if not commands_only:
        if words:
            hits = search(user, words, limit=6)[:12]
            groups.append((_("Records"), [Choice(h.title, h.icon, h.url, h.subtitle, h.hue) for h in hits]))
        else:
            visited = recent_hits(user, recent_visits(user, 6))
            groups.append((_("Opened last"), [Choice(h.title, h.icon, h.url, h.subtitle, h.hue) for h in visited]))
    makes = [Choice(_("New %(what)s") % {"what": str(c.label).lower()}, "plus", c.url) for c in creatable_by(user)]
    groups.append((_("Create"), makes))
    places = [
        Choice(i.label, i.icon, i.url, keys=("G", i.key.upper()) if i.key else ()) for s in sections_for(user) for i in s.items
    ]
    places += [Choice(i.label, i.icon, i.url, _("Settings")) for s in settings_for(user) for i in s.items]
    groups.append((_("Go to"), places))
    groups.append((_("Help"), [Choice(_("Keyboard shortcuts"), "keyboard", open="keys", keys=("?",))]))
    found = []
    for label, choices in groups:
        fitting = choices if label in (_("Records"), _("Opened last")) else [c for c in choices if _fits(c, words)]
        if fitting:
            found.append((label, fitting))
    search_url = f"/search?q={words}" if words and not commands_only else ""
    return render(request, "components/palette_results.html", {"groups": found, "q": words, "search_url": search_url})


def _fits(choice: Choice, words: str) -> bool:
    text = fold(f"{choice.label} {choice.sub}")
    return all(w in text for w in fold(words).split())
