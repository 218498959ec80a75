"""What the shell around every page shows. Everything is lazy: a fragment that shows none of it asks nothing."""

import zlib
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from crm.ui.keys import keys_for
from crm.ui.nav import creatable_by, sections_for, settings_for
from crm.ui.sheets import addresses

Part = Callable[[HttpRequest], Any]

_PARTS: dict[str, Part] = {}


def shell_part(name: str) -> Callable[[Part], Part]:
    """Register what fills ``{{ shell.<name> }}``: ``workspace``, ``favourites``, ``unread``…"""

    def register(function: Part) -> Part:
        _PARTS[name] = function
        return function

    return register


class Shell:
    """Reads each part on first use and keeps it for the request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.kept: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a registered part; templates look up everything else as an attribute."""
        if name not in self.kept:
            self.kept[name] = _PARTS[name](self.request)
        return self.kept[name]

    @property
    def sections(self) -> Any:
        """Return the side bar."""
        if "sections" not in self.kept:
            self.kept["sections"] = sections_for(self.request.user)
        return self.kept["sections"]

    @property
    def stamp(self) -> str:
        """Return what the shell was drawn from: a page that comes with another stamp is loaded whole."""
        user: Any = self.request.user
        drawn = [static("app.js"), *addresses(), get_language(), str(user), self["workspace"]["name"]]
        drawn += [getattr(user, "role_id", ""), getattr(self.request, "previewing", "")]
        drawn += [item.url for section in self.sections for item in section.items]
        return f"{zlib.crc32(repr(drawn).encode()):08x}"

    @property
    def keys(self) -> Any:
        """Return the sheet of keys."""
        return keys_for(self.request.user)

    @property
    def settings(self) -> Any:
        """Return the settings menu."""
        return settings_for(self.request.user)

    @property
    def creatable(self) -> Any:
        """Return the “New” menu."""
        return creatable_by(self.request.user)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the shell."""
    return {"shell": SimpleLazyObject(lambda: Shell(request))}
