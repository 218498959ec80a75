"""Icons, avatars, marks, badges and tags: the small things that every row shows."""

import functools
import uuid
from typing import Any

from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from crm.ui.html import esc

HUES = ("coral", "apricot", "amber", "olive", "green", "teal", "sky", "blue", "violet", "pink")

OFTEN = frozenset({
    "archive", "arrow-down", "arrow-left-right", "arrow-up", "arrow-up-down", "arrow-up-right", "at-sign", "bell", "bold",
    "building-2", "calendar", "calendar-plus", "chart-column", "chart-gantt", "check", "chevron-down", "chevron-left",
    "chevron-right", "chevron-up", "chevrons-left", "chevrons-up-down", "circle", "circle-alert", "circle-check",
    "circle-dot", "circle-x", "clock", "columns-3", "copy", "download", "ellipsis", "file-text", "globe", "grip-vertical",
    "handshake", "history", "hourglass", "house", "italic", "keyboard", "layout-dashboard", "life-buoy", "link", "list",
    "list-filter", "lock", "log-out", "mail", "merge", "message-square", "messages-square", "notebook-pen", "package",
    "panel-left", "panel-top", "pencil", "phone", "pin", "plus", "presentation", "refresh-cw", "rows-3", "rows-4", "search",
    "settings", "settings-2", "square-kanban", "star", "sun-moon", "table-2", "tag", "trash-2", "triangle-alert", "trophy",
    "upload", "user", "user-round", "users", "users-round", "wifi-off", "x",
})
"""The icons of the shell, the lists, the board and the records: a first page loads only the sprite that holds these."""

LOGO = mark_safe(
    '<svg class="ws-mark" viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="7" fill="var(--accent)"/>'
    '<path d="M5 15.5c2.4-2 4.6-2 7 0s4.6 2 7 0" fill="none" stroke="var(--on-accent)" stroke-width="2"'
    ' stroke-linecap="round"/><path d="M12 4.5l4.2 6.6H7.8z" fill="var(--spark)"/></svg>'
)


def hue_of(key: Any) -> str:
    """Return the hue that always belongs to a record or word."""
    if isinstance(key, uuid.UUID):
        return HUES[key.int % len(HUES)]
    return HUES[sum(str(key).encode()) % len(HUES)]


def initials(name: str) -> str:
    """Return one or two letters for a name."""
    words = [w for w in name.replace("@", " ").replace(".", " ").split() if w[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


@functools.lru_cache(maxsize=2048)
def icon(name: str, classes: str = "") -> SafeString:
    """Draw an icon of a sprite; it says nothing to a screen reader."""
    sprite = static("icons.svg" if name in OFTEN else "icons-more.svg")
    return SafeString(f'<svg class="icon {esc(classes)}" aria-hidden="true"><use href="{esc(sprite)}#{esc(name)}"/></svg>')


def avatar(who: Any, classes: str = "", title: bool = True) -> SafeString:
    """Draw a person as a round avatar; with ``title`` the name is told too."""
    if who is None or who == "":
        return SafeString(f'<span class="av {esc(classes)}" data-hue="slate" aria-hidden="true">–</span>')
    name = getattr(who, "name", None) or str(who)
    shown = esc(name)
    told = f' role="img" aria-label="{shown}" title="{shown}"' if title else ' aria-hidden="true"'
    hue = hue_of(getattr(who, "pk", None) or name)
    return SafeString(f'<span class="av {esc(classes)}" data-hue="{hue}"{told}>{esc(initials(name))}</span>')


def mark(name: Any, key: Any = None, classes: str = "", hue: str = "", symbol: str = "") -> SafeString:
    """Draw anything that is no person as a square mark, with its initials or an icon."""
    inner = icon(symbol) if symbol else esc(initials(str(name)))
    return SafeString(
        f'<span class="mk {esc(classes)}" data-hue="{esc(hue or hue_of(key or str(name)))}" aria-hidden="true">{inner}</span>'
    )


def badge(label: Any, tone: str = "neutral", hue: str = "") -> SafeString:
    """Draw a status: a dot, a tone and the word."""
    if hue and not tone:
        return tag(label, hue)
    return SafeString(f'<span class="badge" data-tone="{esc(tone or "neutral")}">{esc(label)}</span>')


def tag(label: Any, hue: str = "slate") -> SafeString:
    """Draw a category: a soft fill and the word."""
    return SafeString(f'<span class="tag" data-hue="{esc(hue or "slate")}">{esc(label)}</span>')
