"""Names in one cell, taken apart: forms of address, given and family name, titles behind."""

import re
import unicodedata
from typing import NamedTuple

_BEFORE = (
    "mr mrs ms miss mx dr drs prof herr frau hr fr dipl ing mag sir dame lord lady rev m mme mlle sr sra srta doña sig sigra dott dottssa ir mw dhr "
    "mgr judr mudr phdr univ med phil rer nat habil h c iur jur pol oec theol hon"
)
_BEHIND = (
    "jr sr ii iii iv v phd md dds dvm esq mba cpa ma msc bsc ba rn pe cfa pmp llm jd dr ph.d m.d csc "
)
_PARTICLES = (
    "von van vom zu zum zur de der den da di del della delle dos das du des la le les ter ten bin ibn al el ben af av "
)
BEFORE, BEHIND, PARTICLES = (frozenset(words.split()) for words in (_BEFORE, _BEHIND, _PARTICLES))
_IN_BRACKETS = re.compile(r"\s+[(\[][^()\[\]]*[)\]]\s*$")


class Name(NamedTuple):
    """The parts of a name."""

    first: str
    last: str
    salutation: str = ""
    rest: str = ""
    """What stands in brackets behind it and is no name."""


def take_apart(full: str) -> Name:
    """Return the parts of a name: “Doe, John” is turned, particles stay with the family name, titles with their side."""
    full, rest = " ".join(full.split()), ""
    if (match := _IN_BRACKETS.search(full)) and match.start() > 0:
        full, rest = full[: match.start()], match[0].strip(" ()[]")
    behind: list[str] = []
    parts = [p.strip() for p in full.split(",") if p.strip()]
    while len(parts) > 1 and all(_is_behind(w) for w in parts[-1].split()):
        behind.insert(0, parts.pop())
    if len(parts) == 2:
        salutation, given = _salutation(parts[1].split(" "))
        before, family = _salutation(parts[0].split(" "))
        return Name(" ".join(given), " ".join([*family, *behind]), " ".join([*before, *salutation]), rest)
    words = " ".join(parts).split(" ")
    while len(words) > 2 and _is_behind(words[-1]) and words[-1].casefold() not in ("v", "ma", "ba", "dr", "pe", "sr"):
        behind.insert(0, words.pop())
    before, words = _salutation(words)
    if len(words) == 2 and all(_is_han(w) for w in words):  # written with the family first
        return Name(words[1], words[0], " ".join(before), rest)
    cut = len(words) - 1
    while cut > 0 and words[cut - 1].casefold() in PARTICLES and (cut > 1 or words[cut - 1].islower()):
        cut -= 1
    return Name(" ".join(words[:cut]), " ".join([*words[cut:], *behind]), " ".join(before), rest)


def _is_behind(word: str) -> bool:
    return word.casefold().replace(".", "") in BEHIND


def _salutation(words: list[str]) -> tuple[list[str], list[str]]:
    """Split the forms of address off; one word at least stays the name."""
    cut = 0
    while cut < len(words) - 1 and _is_before(words[cut]):
        cut += 1
    return words[:cut], words[cut:]


def _is_before(word: str) -> bool:
    plain = word.casefold().rstrip(".")
    # “M” and “Fr” without a point may be the initial of a name; with it they may too, and stay in front.
    return (plain in BEFORE and (len(plain) > 1 or word.casefold() == "m.")) or "-ing" in plain


def _is_han(word: str) -> bool:
    return all(unicodedata.name(c, "").startswith(("CJK", "HANGUL")) for c in word)
