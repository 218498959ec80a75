"""Which column goes where: by the field's name, label and aliases, forgiving typos; and what is left over."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from crm.lib.text import fold
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.transfer.adapters import Adapter, adapter_for
from crm.transfer.mapping.model import Column, Mapping, key_of

CERTAIN, LIKELY = 1.0, 0.74
_IDS = {"id", "record id", "lead id", "contact id", "external id", "uid", "guid", "key"}


@dataclass
class Statistics:
    """What is known of a column before it is mapped: how many cells are filled, and some of them."""

    filled: int
    samples: list[str]


@lru_cache(maxsize=20_000)
def words(header: str) -> str:
    """Return a header as plain words: folded, camel case and punctuation split, single blanks."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", header.removesuffix("__c"))
    return " ".join(re.sub(r"[^\w]|_", " ", fold(split)).split())


def names_of(f: Field) -> list[tuple[str, float]]:
    """Return the words a field answers to, each with how sure that is."""
    return [
        (words(f.name.replace(".", " ")), CERTAIN), (words(str(f.label)), CERTAIN), *((words(a), 0.97) for a in f.aliases)
    ]


def guess(
    entity: Entity, headers: list[str], statistics: dict[str, Statistics], writable: dict[str, Any], system: str = ""
) -> Mapping:
    """Return the likeliest mapping; columns that nobody recognises are not in it."""
    adapter = adapter_for(entity.name)
    offers: list[tuple[float, int, str, dict[str, str]]] = []
    candidates = {name: (key, sure) for key, f in writable.items() for name, sure in reversed(names_of(f))}
    for index, header in enumerate(headers):
        offers.extend((sure, index, to, parameters) for sure, to, parameters in _offers(header, adapter, candidates))
    taken_fields: set[str] = set()
    taken_columns: dict[int, Column] = _pairs(headers) if "custom" in entity.abilities else {}
    values = {c.parameters["of"] for c in taken_columns.values()}
    several = {t.key for t in adapter.targets if t.several} | {"external_id", "note", "tags"}
    for sure, index, to, parameters in sorted(offers, key=lambda o: (-o[0], o[1])):
        filled = statistics.get(headers[index], Statistics(1, [])).filled
        if index in taken_columns or headers[index] in values or (to in taken_fields and to not in several) or not filled:
            continue
        taken_columns[index] = Column(headers[index], to, parameters=parameters, confidence=sure)
        taken_fields.add(to)
    return Mapping(entity=entity.name, system=system, columns=[taken_columns[i] for i in sorted(taken_columns)])


def _pairs(headers: list[str]) -> dict[int, Column]:
    """Return the columns that name a field of one's own and stand beside its value (“Custom Key1”, “Custom Value1”)."""
    plain = {words(h): h for h in headers}
    found: dict[int, Column] = {}
    for index, header in enumerate(headers):
        match = re.fullmatch(r"custom (?:key|label) ?(\d+)|custom field (\d+) (?:type|label)", words(header))
        if match is None:
            continue
        number = match[1] or match[2]
        for value in (f"custom value{number}", f"custom value {number}", f"custom field {number} value"):
            if value in plain:
                found[index] = Column(header, "pair", parameters={"of": plain[value]}, confidence=0.9)
                break
    return found


def _offers(
    header: str, adapter: Adapter, candidates: dict[str, tuple[str, float]]
) -> list[tuple[float, str, dict[str, str]]]:
    """Return every place that would take a header, with confidence."""
    noun, mark, rest = header.partition(" - ")
    own = mark and words(noun) in (adapter.entity.replace("_", " "), *adapter.nouns)
    plain = words(re.sub(r" \(\d+\)$", "", rest if own else header))
    found: list[tuple[float, str, dict[str, str]]] = []
    if header in candidates or plain in candidates:
        key, sure = candidates.get(plain) or candidates[header]
        found.append((sure, key, {}))
    for target in adapter.targets:
        parameters = target.recognise(plain)
        if parameters is not None:
            found.append((float(parameters.pop("sure", "0.95")), target.key, parameters))
    if plain in _IDS and not found:
        found.append((0.9, "external_id", {}))
    if not found and len(plain) > 3:
        near = process.extractOne(plain, candidates.keys(), scorer=OSA.normalized_similarity, score_cutoff=LIKELY)
        if near is not None and OSA.distance(plain, near[0]) <= (1 if len(plain) < 8 else 2):
            found.append((round(near[1] * 0.9, 2), candidates[near[0]][0], {}))
    return found


def kind_of(samples: list[str]) -> Kind:
    """Return the kind that a custom field for these cells should have."""
    filled = [s.strip() for s in samples if s.strip()]
    if not filled:
        return Kind.TEXT
    if all(re.fullmatch(r"true|false|yes|no", s, re.I) for s in filled):
        return Kind.BOOLEAN
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d{1,9})?", s) for s in filled):
        return Kind.NUMBER
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d", s) for s in filled):
        return Kind.DATE
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", s) for s in filled):
        return Kind.DATETIME
    if all(re.fullmatch(r"https?://\S+", s) for s in filled):
        return Kind.URL
    if any("\n" in s or len(s) > 200 for s in filled):
        return Kind.LONG_TEXT
    return Kind.TEXT


def custom_column(header: str, samples: list[str]) -> Column:
    """Return a column that becomes a custom field of the kind its cells look like."""
    key = key_of(header)
    custom = {"label": header[:120], "kind": str(kind_of(samples)), "key": key}
    return Column(header, f"custom.{key}", custom=custom, confidence=0.5)
