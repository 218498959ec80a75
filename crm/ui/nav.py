"""What the side bar, the palette and the settings list: registered by every app in its ``nav.py``.

    nav_item("sell", _("Customers"), "/customers", "user-round", 10, needs=("view", "customer"))
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.access.rights import rights_of

Badge = Callable[[Any], int]

SECTIONS: dict[str, Any] = {
    "": "",
    "sell": _("Sell"),
    "engage": _("Engage"),
    "understand": _("Understand"),
}


@dataclass(frozen=True)
class Item:
    """One entry: where it stands, what it says, where it leads, and who sees it."""

    section: str
    label: Any
    url: str
    icon: str
    order: int
    needs: tuple[str, str] | None = None
    admin: bool = False
    badge: Badge | None = None
    help: Any = ""
    key: str = ""
    also: tuple[str, str] | None = None

    @property
    def slug(self) -> str:
        """Return its address as part of an element's id."""
        return self.url.strip("/").replace("/", "-") or "home"

    @property
    def counts(self) -> bool:
        """Tell whether a number stands beside it (a template would call ``badge`` instead of looking whether there is one)."""
        return self.badge is not None

    def visible_to(self, user: Any) -> bool:
        """Tell whether the user may open it at all."""
        rights = rights_of(user)
        if self.admin and not rights.is_admin:
            return False
        return all(rights.may(*needed) for needed in (self.needs, self.also) if needed is not None)


@dataclass(frozen=True)
class Section:
    """A heading with its entries."""

    label: Any
    items: list[Item]


@dataclass(frozen=True)
class Create:
    """Something that the “New” menu and the palette can make."""

    label: Any
    url: str
    icon: str
    order: int
    needs: tuple[str, str]
    key: str = ""


_NAV: dict[str, Item] = {}
_SETTINGS: dict[str, Item] = {}
_CREATE: dict[str, Create] = {}


def nav_item(
    section: str, label: Any, url: str, icon: str, order: int, *,
    needs: tuple[str, str] | None = None, admin: bool = False, badge: Badge | None = None, key: str = "",
    also: tuple[str, str] | None = None,
) -> None:
    """Put an entry into the side bar; ``key`` is the letter after G that jumps there, ``also`` a second right it needs."""
    _NAV[url] = Item(section, label, url, icon, order, needs, admin, badge, key=key, also=also)


def settings_item(
    section: Any, label: Any, url: str, icon: str, order: int, *,
    needs: tuple[str, str] | None = None, admin: bool = False, help: Any = "",
) -> None:
    """Put an entry into the settings menu under a heading."""
    _SETTINGS[url] = Item(section, label, url, icon, order, needs, admin, help=help)


def create_item(label: Any, url: str, icon: str, order: int, *, needs: tuple[str, str], key: str = "") -> None:
    """Put an entry into the “New” menu; ``key`` is the letter after C that makes one."""
    _CREATE[url] = Create(label, url, icon, order, needs, key)


def sections_for(user: Any) -> list[Section]:
    """Return the side bar of a user."""
    found = []
    for key, label in SECTIONS.items():
        items = sorted((i for i in _NAV.values() if i.section == key and i.visible_to(user)), key=lambda i: i.order)
        if items:
            found.append(Section(label, items))
    return found


def settings_for(user: Any) -> list[Section]:
    """Return the settings menu of a user, headings in the order of their first entry."""
    groups: dict[str, Section] = {}
    for item in sorted(_SETTINGS.values(), key=lambda i: i.order):
        if item.visible_to(user):
            groups.setdefault(str(item.section), Section(item.section, [])).items.append(item)
    return list(groups.values())


def creatable_by(user: Any) -> list[Create]:
    """Return what a user may make."""
    rights = rights_of(user)
    return sorted((c for c in _CREATE.values() if rights.may(*c.needs)), key=lambda c: c.order)
