"""Icons, avatars, marks, badges and tags: the small things that every row shows."""

import uuid
from typing import Any

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

HUES = ("coral", "apricot", "amber", "olive", "green", "teal", "sky", "blue", "violet", "pink")

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


def icon(name: str, classes: str = "") -> SafeString:
    """Draw an icon of the sprite; it says nothing to a screen reader."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static("icons.svg"), name
    )


def avatar(who: Any, classes: str = "", title: bool = True) -> SafeString:
    """Draw a person as a round avatar; with ``title`` the name is told too."""
    if who is None or who == "":
        return format_html('<span class="av {}" data-hue="slate" aria-hidden="true">–</span>', classes)
    name = getattr(who, "name", None) or str(who)
    told: Any = format_html(' role="img" aria-label="{}" title="{}"', name, name) if title else mark_safe(' aria-hidden="true"')
    hue = hue_of(getattr(who, "pk", None) or name)
    return format_html('<span class="av {}" data-hue="{}"{}>{}</span>', classes, hue, told, initials(name))


def mark(name: Any, key: Any = None, classes: str = "", hue: str = "", symbol: str = "") -> SafeString:
    """Draw anything that is no person as a square mark, with its initials or an icon."""
    inner = icon(symbol) if symbol else initials(str(name))
    return format_html(
        '<span class="mk {}" data-hue="{}" aria-hidden="true">{}</span>', classes, hue or hue_of(key or str(name)), inner
    )


def badge(label: Any, tone: str = "neutral", hue: str = "") -> SafeString:
    """Draw a status: a dot, a tone and the word."""
    if hue and not tone:
        return tag(label, hue)
    return format_html('<span class="badge" data-tone="{}">{}</span>', tone or "neutral", label)


def tag(label: Any, hue: str = "slate") -> SafeString:
    """Draw a category: a soft fill and the word."""
    return format_html('<span class="tag" data-hue="{}">{}</span>', hue or "slate", label)
