"""The keys of the application, declared once: the sheet behind ``?`` is drawn from them, and the pages act on them.

    key(_("On a record"), "e", _("Edit"), click="[data-edit-record]")

``click`` presses the first shown element that fits. A key without an act is one that an element hears itself (a
list, a board); it stands here for the sheet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.ui.nav import creatable_by, sections_for

EVERYWHERE, GO, MAKE = _("Everywhere"), _("Go to"), _("Create")
LIST, SELECTION, RECORD, BOARD = _("In a list"), _("On the selection"), _("On a record"), _("On a board")


@dataclass(frozen=True)
class Key:
    """One line of the sheet: keys separated by blanks are pressed after each other, ``|`` parts alternatives."""

    group: Any
    keys: str
    label: Any
    act: str = ""
    click: str = ""
    url: str = ""

    @property
    def shown(self) -> list[list[str]]:
        """Return the caps of each alternative."""
        return [[_cap(k) for k in way.split(" ")] for way in self.keys.split("|")]


def _cap(name: str) -> str:
    return {"ArrowDown": "↓", "ArrowUp": "↑"}.get(name) or (name.upper() if len(name) == 1 else name.replace("+", " "))


_KEYS: list[Key] = []


def key(group: Any, keys: str, label: Any, *, act: str = "", click: str = "", url: str = "") -> None:
    """Declare a key."""
    _KEYS.append(Key(group, keys, label, act, click, url))


def keys_for(user: Any) -> list[tuple[Any, list[Key]]]:
    """Return the keys by group: those declared, and those of the side bar and of what the user may make."""
    found = [*_KEYS, *_places(user), *_makers(user)]
    groups: dict[str, tuple[Any, list[Key]]] = {}
    for label in (EVERYWHERE, GO, MAKE, LIST, SELECTION, RECORD, BOARD):
        groups[str(label)] = (label, [])
    for one in found:
        groups.setdefault(str(one.group), (one.group, []))[1].append(one)
    return [(label, rows) for label, rows in groups.values() if rows]


def _places(user: Any) -> Iterable[Key]:
    for section in sections_for(user):
        for item in section.items:
            if item.key:
                yield Key(GO, f"g {item.key}", item.label, url=item.url)
    yield Key(GO, "g s", _("Settings"), url="/settings")


def _makers(user: Any) -> Iterable[Key]:
    for one in creatable_by(user):
        if one.key:
            yield Key(MAKE, f"c {one.key}", one.label, act="make", url=one.url)
    yield Key(MAKE, "c n", _("Note on this record"), click="[data-compose=note]")
    yield Key(MAKE, "c e", _("E-mail on this record"), click="[data-compose=email]")
    yield Key(MAKE, "c m", _("Meeting on this record"), click="[data-compose=meeting]")


key(EVERYWHERE, "Ctrl+K|/", _("Search and commands"))
key(EVERYWHERE, "Ctrl+Z", _("Undo the last act of this tab"))
key(EVERYWHERE, "Ctrl+Enter", _("Send the form"))
key(EVERYWHERE, "t", _("Light or dark"), act="theme")
key(EVERYWHERE, "[", _("Collapse or widen the side bar"), act="rail")
key(EVERYWHERE, "?", _("This list"), act="keys")
key(EVERYWHERE, "Esc", _("Clear or close"))
key(LIST, "j|ArrowDown", _("Next row"))
key(LIST, "k|ArrowUp", _("Previous row"))
key(LIST, "x|Shift+X", _("Select a row, or a range"))
key(LIST, "Ctrl+A", _("Select all"))
key(LIST, "Space", _("Quick view"))
key(LIST, "Enter", pgettext_lazy("act", "Open"))
key(LIST, "F2", _("Edit a cell"))
key(SELECTION, "a", _("Assign"), click=".bulk:not([hidden]) [data-bulk=assign]")
key(SELECTION, "l", _("Tag"), click=".bulk:not([hidden]) [data-bulk=tag]")
key(SELECTION, "s", _("Set the stage or status"), click=".bulk:not([hidden]) [data-bulk=set]")
key(SELECTION, "m", _("Merge"), click=".bulk:not([hidden]) [data-bulk=merge]")
key(SELECTION, "Del", _("Delete"), click=".bulk:not([hidden]) [data-bulk=delete]")
key(RECORD, "e", _("Edit"), click="[data-edit-record]")
key(RECORD, "n", _("Write a note"), click="[data-compose=note]")
key(BOARD, "Space", _("Lift a card; arrows move it, Space puts it down"))
key(BOARD, "1…9", _("Move to a stage"))
key(BOARD, "w|Shift+L", _("Won, lost"))
