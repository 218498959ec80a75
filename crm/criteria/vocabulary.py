"""What may be asked about a model's records: its fields and its related records.

``crm.records`` fills the vocabulary of every entity (``vocabularies_from``); an app adds measures of its own
with ``ask_about(Model, Askable(...), Related(...))`` in its ``criteria.py``.
"""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models


class Type(enum.StrEnum):
    """What a value is, as far as asking goes."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    TAGS = "tags"
    USER = "user"
    LINK = "link"


@dataclass(frozen=True)
class Askable:
    """A field that may be asked about.

    Exactly one of ``path`` (a column), ``json`` (a key of the ``custom`` column) and ``expression`` (a function
    of the viewer that returns an ORM expression) says where the value is.
    """

    name: str
    type: Type
    label: Any
    path: str = ""
    json: str = ""
    expression: Callable[[Any], Any] | None = None
    options: Callable[[], Iterable[tuple[str, Any]]] | None = None
    """The values of a choice, each with its label."""
    resolve: Callable[[Any, Any], list[Any]] | None = None
    """For links, users and tags: the keys that a value names for a viewer; empty when there are none."""
    title: Callable[[Any, Any], str] | None = None
    """For links, users and tags: the words for a key."""
    target: str = ""
    """For links: the entity that is linked to."""
    folded: bool = False
    """The column is stored folded (``sort_key``)."""
    narrow: str = ""
    """A folded column with a trigram index that contains this one's text (``search_text``)."""
    total: str = ""
    """The column that sums and averages are taken over, where it is not ``path``."""
    group: Any = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Related:
    """Related records: a row of ``model`` belongs where its ``inner`` equals the asked row's ``outer``."""

    name: str
    label: Any
    model: type[models.Model]
    inner: str
    outer: str = "pk"
    one: bool = False
    """At most one (a link), rather than many."""
    only: models.Q = field(default_factory=models.Q)
    """What besides ties the rows together (the entity of a note)."""


@dataclass(frozen=True)
class Vocabulary:
    """Everything that one viewer may ask about one model."""

    fields: dict[str, Askable]
    related: dict[str, Related]


Source = Callable[[type[models.Model], Any], Vocabulary | None]

_source: list[Source] = []
_more: dict[type[models.Model], list[Askable | Related]] = {}


def vocabularies_from(function: Source) -> None:
    """Register where vocabularies come from: ``function(model, viewer)``; a viewer of None is not restricted."""
    _source[:] = [function]


def ask_about(model: type[models.Model], *asked: Askable | Related) -> None:
    """Add fields or related records to what may be asked about ``model``."""
    _more.setdefault(model, []).extend(asked)


def vocabulary_of(model: type[models.Model], viewer: Any) -> Vocabulary:
    """Return what ``viewer`` may ask about ``model``; with None, everything."""
    found = _source[0](model, viewer) if _source else None
    fields = dict(found.fields) if found else {}
    related = dict(found.related) if found else {}
    for asked in _more.get(model, ()):
        if isinstance(asked, Related):
            related.setdefault(asked.name, asked)
        else:
            fields.setdefault(asked.name, asked)
    return Vocabulary(fields, related)
