"""What an entity lends to imports besides its fields: further targets, natural keys, child rows, consequences.

A domain declares one in ``<app>/transfer.py``; an entity without one is imported by its fields alone.

    class CustomerTransfer(Adapter):
        entity = "customer"
        targets = (Target("contact_methods", _("Contact method"), ...),)

    register(CustomerTransfer())
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models


@dataclass(frozen=True)
class Target:
    """A place that a column can go to and that is no field: a contact method, an address, a part of a name.

    ``patterns`` recognise headers (folded, words separated by single blanks); the groups ``label`` and ``kind``
    and the given parameters say which method or address is meant.
    """

    key: str
    label: Any
    patterns: tuple[tuple[str, dict[str, str]], ...] = ()
    several: bool = True

    def recognise(self, header: str) -> dict[str, str] | None:
        """Return the parameters of a header, or None when it is none of ours."""
        for pattern, parameters in self.patterns:
            match = re.fullmatch(pattern, header)
            if match:
                found = {k: v for k, v in match.groupdict().items() if v}
                return {**parameters, **found}
        return None


@dataclass(frozen=True)
class Child:
    """A table of rows that belong to a record: the draft collects them under ``key``."""

    key: str
    model: type[models.Model]
    parent: str
    unique: tuple[str, ...]
    """The attributes by which a row that is already there is recognised."""


@dataclass
class Draft:
    """A row on its way to a record: public field keys with what the cells said, and what belongs to it."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    derived: set[str] = field(default_factory=set)
    """Fields that the row itself does not name: they are written to new records only."""
    later: dict[str, tuple[uuid.UUID, int]] = field(default_factory=dict)
    """Links to records that another row of the same file makes: field to (id, row)."""
    ids: dict[str, str] = field(default_factory=dict)
    """By link: the id that stands beside the name."""
    keys: list[tuple[str, ...]] | None = None
    """What identifies the record, once the matcher has looked."""
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    """(header, value, sentence)"""
    unread: bool = False
    """Whether the row itself could not be read."""
    waits: bool = False
    """Whether an answer to a question of the check may still mend the row."""
    needs: list[uuid.UUID] = field(default_factory=list)
    """The records that it points to."""
    warnings: list[tuple[str, str, str]] = field(default_factory=list)

    def collect(self, key: str, row: dict[str, Any]) -> None:
        """Add a child row."""
        self.children.setdefault(key, []).append(row)


class Adapter:
    """The defaults: fields alone. Hooks are called row by row in the check, and once a batch in the run."""

    entity: str = ""
    targets: tuple[Target, ...] = ()
    children: tuple[Child, ...] = ()
    keys: tuple[str, ...] = ()
    """Fields that identify a record by themselves, best first."""
    nouns: tuple[str, ...] = ()
    """What other programs call the entity where they put it before a header (“Person - Name”)."""
    called: tuple[str, ...] = ()
    """What they are called in other languages, where their id is meant (“Kundennummer”)."""
    files: tuple[str, ...] = ()
    """What other programs call a file of them, besides."""
    essential: tuple[str, ...] = ()
    """Places of which a file of them has one at least; the title, where none are named."""
    rarity: float = 0.0
    """How much rarer such files are than others with the same columns."""
    title_is_key: bool = False
    """Whether two living records of the same title are the same record (companies, products)."""
    natural: tuple[str, ...] = ()
    """Fields that together tell a record without a key from another with the same title."""
    origins: Mapping[str, tuple[str, ...]] = {}
    """By field: the ``targets`` that its value may come from as well."""
    options: frozenset[str] = frozenset()
    """Further names that a mapping of this entity may hold; ``prepare`` reads them."""
    meanings: Mapping[str, Mapping[str, str]] = {}
    """For fields with choices: what words of other programs (plain, in small letters) stand for."""

    def reconsider(self, mapping: Any, statistics: Any) -> None:
        """Look at the columns of a guessed mapping together, and change what one alone could not tell."""

    def prepare(self, planner: Any) -> None:
        """Read the mapping's options before the first row; may plan records that rows will need."""

    def take(self, draft: Draft, target: str, parameters: dict[str, str], text: str) -> None:
        """Put a cell where one of the ``targets`` says."""

    def is_somebody_else(self, record: Any, draft: Draft) -> bool:
        """Tell whether a row that shares a unique value with a record cannot be about it; it gives the value up then."""
        return False

    def minimal(self, declared: Any, text: str) -> dict[str, Any]:
        """Return the values of a new record of which nothing is known but what a cell calls it."""
        if len(declared.title) == 1:
            return {declared.title[0]: text[:200]}
        if "@" in text:
            return {"email": text, declared.title[-1]: text.partition("@")[0]}
        first, _blank, last = text.rpartition(" ")
        return {declared.title[0]: first, declared.title[1]: last}

    def surplus(self, draft: Draft, header: str, kind: str, values: Sequence[str], around: str) -> None:
        """Keep what a cell for one address holds besides it: further ones, and the name around it. A note does."""
        draft.notes.append(f"{header}: {', '.join(filter(None, (*values, around)))}")

    def complete(self, draft: Draft, planner: Any) -> None:
        """Derive what the row leaves out from what it says (``planner.put`` converts and checks a value)."""

    def finish(self, obj: Any, changed: set[str], creating: bool) -> None:
        """Set attributes of the checked record that no field writes (dates of its history)."""

    def written(self, objects: Sequence[dict[str, Any]], options: dict[str, Any]) -> None:
        """Carry set-based consequences of a batch of new rows, in its transaction."""

    def write(self, rows: Iterable[Any], actor: Any, options: dict[str, Any]) -> bool:
        """Write planned rows in another way than by COPY; return whether that was done."""
        return False


_ADAPTERS: dict[str, Adapter] = {}
_HOMELESS: dict[str, Any] = {}


def register(adapter: Adapter) -> Adapter:
    """Add what an entity lends to imports."""
    _ADAPTERS[adapter.entity] = adapter
    return adapter


def adapter_for(entity: str) -> Adapter:
    """Return the adapter of an entity, or one that adds nothing."""
    found = _ADAPTERS.get(entity)
    if found is None:
        found = Adapter()
        found.entity = entity
    return found


def nothing_for(noun: str, advice: Any) -> None:
    """Declare a noun of other programs for which nothing exists here, and what to do instead."""
    _HOMELESS[noun] = advice


def advice_for(noun: str) -> str:
    """Return what to do with a noun that has no entity; empty when none was declared."""
    return str(_HOMELESS.get(noun.lower().removesuffix("__c"), ""))

