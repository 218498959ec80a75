"""The words of headers in other languages and programs, brought to the English ones that fields answer to.

They stand in ``languages.txt``. “Straße geschäftlich” becomes “street business”, and with the place in front
“business street”.
"""

import re
from functools import lru_cache
from pathlib import Path

from crm.lib.text import fold

PLACES = ("business", "home", "work", "other", "primary", "billing", "shipping", "mailing", "delivery")


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """Return words folded, with camel case and punctuation split, and single blanks between them."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text.removesuffix("__c"))
    return " ".join(re.sub(r"[^\w]|_", " ", fold(split)).split())


def _tables() -> tuple[dict[str, str], dict[str, str]]:
    found: dict[str, str] = {}
    again: dict[str, str] = {}
    english = ""
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            english = line.rstrip(":")
            continue
        for other in line.split(","):
            if word := plain(other):
                if found.setdefault(word, english) != english:
                    again.setdefault(word, english)
    return found, again


TABLE, SECOND = _tables()
"""What a word means, and what else it means where records have nothing of the first (a “Titel” of people is their job, of deals their name)."""
_LONGEST = max(len(w.split()) for w in TABLE)


@lru_cache(maxsize=20_000)
def in_english(header: str) -> str:
    """Return a plain header in English words, the place in front (“telefon privat 2” is “home phone 2”)."""
    words = re.sub(r"(?<=[a-z])(?=\d)", " ", header).split()
    made: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            # “firma” alone is a company, behind another word it is where a telephone stands.
            english = "business" if phrase == "firma" and made else TABLE.get(phrase)
            if english is not None:
                made.extend(english.split())
                at += length
                break
        else:
            made.append(words[at])
            at += 1
    places = [w for w in made[1:] if w in PLACES]
    if places and made[0] not in PLACES:
        made.remove(places[0])
        made.insert(0, places[0])
    return " ".join(made)
