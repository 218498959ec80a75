"""What can be found: each domain declares its searchable nouns in its ``search.py``.

    searchable("deal", Deal, label=_("Deals"), url="/deals/{id}", title=F("title"), columns=("title", …))

The model has a ``search_text`` column (``crm.lib.models.folded``) with trigram indexes (``search_indexes``), or gives the
``text`` that such indexes hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import F, Value

_SEARCHABLES: dict[str, "Searchable"] = {}


@dataclass(frozen=True)
class Searchable:
    """A noun that search covers, and how a hit of it reads."""

    entity: str
    model: type[models.Model]
    label: Any
    url: str
    """The address of a record, with ``{id}``."""
    columns: tuple[str, ...]
    """The fields that make ``search_text``; without the right to one of them the rest is searched."""
    title: Any
    subtitle: Any = field(default_factory=lambda: Value(""))
    subtitle_fields: tuple[str, ...] = ()
    """The fields the subtitle tells; it stays empty for who may not read them."""
    icon: str = "circle"
    hue: str = "slate"
    text: Any = None
    """The folded text that is searched, where it is an index and no column."""
    weight: float = 1.0
    """Breaks a tie between equally good hits of two kinds."""
    begins: tuple[str, ...] = ()
    """Folded columns with a plain index: what begins with the words is found in it, however many rows contain them."""
    begins_of_owner: tuple[str, ...] = ()
    """Those of them that have an index that starts with the owner."""
    through: tuple[str, str] | None = None
    """Its rows are seen by way of other records: the column of whose row it is, and the order of each one's in an index."""


def searchable(
    entity: str,
    model: type[models.Model],
    *,
    label: Any,
    url: str,
    columns: tuple[str, ...],
    title: Any = None,
    **more: Any,
) -> Searchable:
    """Add a noun to the search."""
    if entity in _SEARCHABLES:
        raise ValueError(f"{entity} is declared searchable twice.")
    made = Searchable(entity, model, label, url, columns, F(columns[0]) if title is None else title, **more)
    _SEARCHABLES[entity] = made
    return made


def searchables() -> Mapping[str, Searchable]:
    """Return every searchable noun by entity name, the weightiest first."""
    return dict(sorted(_SEARCHABLES.items(), key=lambda pair: -pair[1].weight))
