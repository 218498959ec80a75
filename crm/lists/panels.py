"""What every record page has: a tab for each kind of record that links to it."""

from crm.lists.related import related_panel
from crm.records.entity import Entity, all_entities
from crm.records.fields import Kind

SHOWN = 3
_AWAY = {Kind.USER, Kind.LINK, Kind.TAGS, Kind.LONG_TEXT}


def _telling(of: Entity, by: str) -> list[str]:
    """Return the fields that tell most about a record in one line."""
    found = [f.name for f in of.fields if f.in_list and f.name not in (*of.title, by, "name") and f.kind not in _AWAY]
    if "stage" in of.own_fields:
        found.insert(0, "stage")
    return found[:SHOWN]


_pages = [e for e in all_entities().values() if "pages" in e.abilities]
for declared in _pages:
    for position, other in enumerate(_pages):
        links = [f for f in other.fields if f.kind == Kind.LINK and f.link == declared.name]
        if links and other is not declared:
            related_panel(declared.name, other.name, links[0].name, 20 + position, fields=_telling(other, links[0].name))
