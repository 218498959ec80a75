"""What stands on a record's page besides its fields: tabs in the middle, panels at the side.

    panel("customer", "deals", _("Deals"), "sales/panels/deals.html", 20, load=deals_of, count=count_deals)

Registered in an app's ``panels.py``. ``load(obj, user)`` gives the template its context; it runs when the panel is
first looked at. ``needs`` is the right without which the panel is not there. ``watches`` names what it shows: kinds of
records that link to the record, and fields of the record; the panel is drawn anew when one of them changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crm.access.rights import rights_of

Load = Callable[[Any, Any], dict[str, Any]]


@dataclass(frozen=True)
class Panel:
    """One tab or side panel of an entity's record page."""

    entity: str
    key: str
    title: Any
    template: str
    order: int
    column: str = "tab"
    icon: str = ""
    load: Load | None = None
    count: Callable[[Any, Any], int] | None = None
    needs: tuple[str, str] | None = None
    watches: tuple[str, ...] = ()

    @property
    def is_counted(self) -> bool:
        """Tell whether its tab says how much stands behind it."""
        return self.count is not None

    def context(self, obj: Any, user: Any) -> dict[str, Any]:
        """Return what the template shows."""
        return self.load(obj, user) if self.load else {}


_PANELS: dict[tuple[str, str], Panel] = {}


def panel(
    entity: str, key: str, title: Any, template: str, order: int, *, column: str = "tab", icon: str = "",
    load: Load | None = None, count: Callable[[Any, Any], int] | None = None, needs: tuple[str, str] | None = None,
    watches: tuple[str, ...] = (),
) -> None:
    """Put a panel on the record pages of an entity; the same key again replaces it."""
    _PANELS[entity, key] = Panel(entity, key, title, template, order, column, icon, load, count, needs, watches)


def panels_for(entity: str, user: Any, column: str) -> list[Panel]:
    """Return the panels of a column that a user may see, in their order."""
    rights = rights_of(user)
    found = [
        p for p in _PANELS.values()
        if p.entity == entity and p.column == column and (p.needs is None or rights.may(*p.needs))
    ]
    return sorted(found, key=lambda p: p.order)


def panel_of(entity: str, key: str, user: Any) -> Panel | None:
    """Return one panel, unless there is none or the user may not see it."""
    found = _PANELS.get((entity, key))
    if found is None or (found.needs is not None and not rights_of(user).may(*found.needs)):
        return None
    return found
