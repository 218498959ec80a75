"""Which column goes where: by the field's name, label and aliases, in many languages, forgiving typos; by what is in it last."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from crm.records.entity import Entity, all_entities
from crm.records.fields import Field, Kind
from crm.transfer.adapters import Adapter, adapter_for
from crm.transfer.mapping.languages import SECOND, TABLE, in_english
from crm.transfer.mapping.languages import plain as words
from crm.transfer.mapping.model import Column, Mapping, key_of
from crm.transfer.mapping.ours import mapping_of_ours

CERTAIN, LIKELY, BY_CONTENT = 1.0, 0.74, 0.6
_IDS = frozenset({"id", "record id", "external id", "uid", "uuid", "guid", "key", "identifier", "record number"})
"""What the id of any record is called; besides, each noun has one (“Contact ID”)."""
_ID_WORDS = ("id", "number", "no", "nr", "uuid", "guid")
_WRAPPERS = re.compile(r"^(properties|attributes|fields|data|contact|person|lead|customer|record|item|node|company|account|organization|deal|opportunity)\.")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[a-zA-Z]{2,}")
_URL = re.compile(r"(https?://|www\.)\S+", re.I)
_PHONE = re.compile(r"(\+|00|\()[\d ()/.-]{6,25}")
_PICTURE = re.compile(r"photo|image|avatar|picture|logo|thumbnail|bild|foto")
_NAME = re.compile(r"[^\W\d_][^\d_@,;]*( [^\W\d_][^\d_@,;]*){1,4}")


@dataclass
class Statistics:
    """What is known of a column before it is mapped: how many cells are filled, and some of them."""

    filled: int
    samples: list[str]

    def share(self, matches: Callable[[str], Any]) -> float:
        """Return which share of the samples matches."""
        found = [s.strip() for s in self.samples if s.strip()]
        return sum(bool(matches(s)) for s in found) / len(found) if found else 0.0


def names_of(f: Field) -> list[tuple[str, float]]:
    """Return the words a field answers to, each with how sure that is."""
    return [
        (words(f.name.replace(".", " ")), CERTAIN), (words(str(f.label)), CERTAIN), *((words(a), 0.97) for a in f.aliases)
    ]


def guess(
    entity: Entity, headers: list[str], statistics: dict[str, Statistics], writable: dict[str, Any], system: str = ""
) -> Mapping:
    """Return the likeliest mapping; columns that nobody recognises are not in it."""
    if ours := mapping_of_ours(entity, headers, statistics["id"].samples[:5] if "id" in statistics else [], writable):
        return ours
    adapter = adapter_for(entity.name)
    offers: list[tuple[float, int, str, dict[str, str]]] = []
    candidates = {name: (key, sure) for key, f in writable.items() for name, sure in reversed(names_of(f))}
    for index, header in enumerate(headers):
        offers.extend((sure, index, to, parameters) for sure, to, parameters in _offers(header, adapter, candidates))
    taken_fields: set[str] = set()
    taken: dict[int, Column] = _pairs(headers) if "custom" in entity.abilities else {}
    values = {c.parameters["of"] for c in taken.values()}
    several = {t.key for t in adapter.targets if t.several} | {"external_id", "note", "tags"}
    for sure, index, to, parameters in sorted(offers, key=lambda o: (-o[0], o[1])):
        filled = statistics.get(headers[index], Statistics(1, [])).filled
        if index in taken or headers[index] in values or (to in taken_fields and to not in several) or not filled:
            continue
        taken[index] = Column(headers[index], to, parameters=parameters, confidence=sure)
        taken_fields.add(to)
    left = [i for i, h in enumerate(headers) if i not in taken and h not in values and h in statistics and statistics[h].filled]
    for index, (to, parameters) in _by_content(left, headers, statistics, writable, adapter, taken_fields):
        taken[index] = Column(headers[index], to, parameters=parameters, confidence=BY_CONTENT)
    mapping = Mapping(entity=entity.name, system=system, columns=[taken[i] for i in sorted(taken)])
    adapter.reconsider(mapping, statistics)
    return mapping


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
    bare = _WRAPPERS.sub("", header)
    plain = words(re.sub(r" \(\d+\)$", "", rest if own else bare))
    if header in candidates:
        return [(candidates[header][1], candidates[header][0], {})]
    found = _of_words(plain, adapter, candidates)
    if not found and words(header) != plain:
        found = _of_words(words(header), adapter, candidates)
    if not found and (translated := in_english(plain)) != plain:
        found = [(round(sure * 0.97, 2), to, parameters) for sure, to, parameters in _of_words(translated, adapter, candidates)]
    if not found and plain in SECOND:
        found = [(round(sure * 0.95, 2), to, parameters) for sure, to, parameters in _of_words(SECOND[plain], adapter, candidates)]
    if not found and len(plain) > 3 and plain not in _known_words():
        near = process.extractOne(plain, candidates.keys(), scorer=OSA.normalized_similarity, score_cutoff=LIKELY)
        if near is not None and OSA.distance(plain, near[0]) <= (1 if len(plain) < 10 else 2):
            found.append((round(near[1] * 0.9, 2), candidates[near[0]][0], {}))
    return found


def _of_words(plain: str, adapter: Adapter, candidates: dict[str, tuple[str, float]]) -> list[tuple[float, str, dict[str, str]]]:
    found: list[tuple[float, str, dict[str, str]]] = []
    if plain in candidates:
        key, sure = candidates[plain]
        found.append((sure, key, {}))
    for target in adapter.targets:
        parameters = target.recognise(plain)
        if parameters is not None:
            found.append((float(parameters.pop("sure", "0.95")), target.key, parameters))
    if not found and (plain in _IDS or _is_own_id(plain, adapter)):
        found.append((0.9, "external_id", {}))
    return found


def _is_own_id(plain: str, adapter: Adapter) -> bool:
    """Tell whether words are the id of such records: “contact id” of people is, of deals it names somebody else."""
    nouns = {adapter.entity.replace("_", " "), *adapter.nouns, *adapter.called}
    return any(plain in (f"{noun} {word}", f"{noun}{word}") for noun in nouns for word in _ID_WORDS)


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    """Return every word that means something somewhere: it is no misspelling of another."""
    found = {name for e in all_entities().values() if "import" in e.abilities for f in e.fields for name, _sure in names_of(f)}
    return frozenset(found | TABLE.keys() | set(TABLE.values()))


def _by_content(
    left: list[int], headers: list[str], statistics: dict[str, Statistics], writable: dict[str, Any], adapter: Adapter, taken: set[str]
) -> list[tuple[int, tuple[str, dict[str, str]]]]:
    """Return places for columns whose headers say nothing, by the looks of their cells."""
    found: list[tuple[int, tuple[str, dict[str, str]]]] = []
    targets = {t.key for t in adapter.targets}
    bare = bool(left) and all(re.search(r"\d+$", headers[i]) for i in left) and len(left) == len(headers)
    for index in left:
        seen = statistics[headers[index]]
        if _PICTURE.search(words(headers[index])):
            continue
        kind = next((k for k, pattern in ((Kind.EMAIL, _EMAIL), (Kind.URL, _URL), (Kind.PHONE, _PHONE)) if seen.share(pattern.fullmatch) >= 0.8), None)
        if kind is not None:
            free = next((key for key, f in writable.items() if f.kind == kind and not f.custom and key not in taken), None)
            if free is not None:
                taken.add(free)
                found.append((index, (free, {})))
            elif "contact_methods" in targets:
                found.append((index, ("contact_methods", {"kind": "WEBSITE" if kind == Kind.URL else str(kind).upper()})))
        elif bare and "full_name" in targets and "full_name" not in taken and seen.share(_NAME.fullmatch) >= 0.8:
            taken.add("full_name")
            found.append((index, ("full_name", {})))
    return found


def custom_column(header: str) -> Column:
    """Return a column that becomes a custom field, of the kind that all of its cells fit."""
    key = key_of(header)
    return Column(header, f"custom.{key}", custom={"label": header[:120], "kind": "", "key": key}, confidence=0.5)
