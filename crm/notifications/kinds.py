"""The kinds of notification, declared once; the settings page and the digest read them."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

_KINDS: dict[str, "Kind"] = {}
_ACTS: dict[tuple[str, str], "QuickAct"] = {}


@dataclass(frozen=True)
class QuickAct:
    """What a notification offers at once: a place below the record's page, or an act (``post``)."""

    label: Any
    url: str
    post: bool = False

    def on(self, place: str) -> "QuickAct":
        """Return it for the record at a place."""
        return QuickAct(self.label, self.url.replace("{place}", place), self.post)


def quick_act(kind: str, label: Any, url: str, *, entity: str = "", post: bool = False) -> None:
    """Declare the quick act of a kind, of one entity or of all; ``{place}`` in the address is the record's page."""
    _ACTS[kind, entity] = QuickAct(label, url, post)


def act_of(kind: str, entity: str) -> "QuickAct | None":
    """Return the quick act of a kind for an entity."""
    return _ACTS.get((kind, entity)) or _ACTS.get((kind, ""))


@dataclass(frozen=True)
class Kind:
    """One kind: its words, its icon, and how one hears of it unless one chose otherwise."""

    name: str
    label: Any
    icon: str
    in_app: bool = True
    digest: bool = True


def kind(name: str, label: Any, icon: str, *, in_app: bool = True, digest: bool = True) -> Kind:
    """Declare a kind of notification."""
    made = _KINDS[name] = Kind(name, label, icon, in_app, digest)
    return made


def kinds() -> dict[str, Kind]:
    """Return every kind by name."""
    return dict(_KINDS)


ASSIGNED = kind("assigned", _("A record was assigned to me"), "user-round-check")
MENTIONED = kind("mentioned", _("Somebody mentioned me"), "at-sign")
COMMENTED = kind("commented", _("A comment on a record of mine"), "message-circle")
JOB_FINISHED = kind("job_finished", _("An import, export or other job of mine ended"), "circle-check", digest=False)
DEAL_WON = kind("deal_won", _("A deal was won in my team"), "trophy")

quick_act("mentioned", _("Reply"), "{place}?tab=comments")
quick_act("commented", _("Reply"), "{place}?tab=comments")
quick_act("assigned", _("Open"), "{place}")
quick_act("deal_won", _("Open"), "{place}")
