"""What the rows of a file are: told by how well its headers fit each entity, and by what the file is called."""

from collections.abc import Iterable

from crm.records.entity import Entity
from crm.transfer.adapters import adapter_for
from crm.transfer.mapping.guess import Statistics, guess
from crm.transfer.mapping.languages import in_english, plain

NAMED, ESSENTIAL = 0.45, 0.25
LEAST = 0.3
SIDELONG = ("external_id", "note", "tags", "description")
"""Places that every entity has, and that tell none from another."""


def likeliest(
    kinds: Iterable[Entity], headers: list[str], statistics: dict[str, Statistics], file_name: str, actor: object
) -> Entity | None:
    """Return what the rows are most likely; None where nothing fits."""
    best, score = None, LEAST
    called = f" {in_english(plain(file_name.rpartition('.')[0] or file_name))} {plain(file_name)} "
    filled = [h for h in headers if h not in statistics or statistics[h].filled] or headers
    for kind in kinds:
        adapter = adapter_for(kind.name)
        mapping = guess(kind, headers, statistics, kind.writable_fields(actor))
        places = [c for c in mapping.columns if c.to not in SIDELONG]
        found = sum(c.confidence for c in places) / len(filled)
        essential = adapter.essential or (kind.title[0],)
        if any(c.to in essential for c in places):
            found += ESSENTIAL
        names = [plain(str(n)) for n in (kind.name, kind.plural, kind.label, kind.label_plural, *adapter.nouns, *adapter.files)]
        if any(f" {n} " in called or f" {n}s " in called for n in names if n):
            found += NAMED
        found -= adapter.rarity
        if found > score:
            best, score = kind, found
    return best
