"""Words that nothing contains, and what was probably meant.

One slip leaves one half of a word as it is. What holds such a half is looked at, some of it where there is much, and the
words in it are compared with what was typed.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from rapidfuzz.distance import OSA

from crm.lib.models import SAMPLED
from crm.lib.prepared import PreparedText, Shelf
from crm.search.registry import searchables

SHORTEST = 4
"""In a shorter word one letter more or less makes another word."""
LONG = 8
"""So long a word may have two slips."""
MOST_WORDS = 3
LOOKED_AT = 300
RARE = 8
TRIED = 3
_WORD = re.compile(r"[^\W_]+")

MARKS = ("\ue000first", "\ue000begun", "\ue000inside")
_statements: Shelf[PreparedText] = Shelf()


def corrected(words: list[str]) -> Iterator[list[str]]:
    """Yield what may have been meant, the likeliest first; nothing where no known word is near."""
    long = [w for w in words if len(w) >= SHORTEST and w.isalnum()][:MOST_WORDS]
    near = {word: _near(word) for word in long}
    if not any(others and others[0] != word for word, others in near.items()):
        return
    choices = [near.get(word) or [word] for word in words]
    for at, others in enumerate(product(*choices)):
        if at == TRIED:
            return
        if list(others) != words:
            yield list(others)


def _near(word: str) -> list[str]:
    """Return the known words that one or two slips make of a word, the nearest and most frequent first."""
    query = _statements.get("halves", lambda: PreparedText(_built, MARKS))
    texts = [text for (text,) in query.ask(_values(word))]
    slips = 2 if len(word) >= LONG else 1
    seen = Counter(w for text in texts for w in set(_WORD.findall(text)) if abs(len(w) - len(word)) <= slips)
    near = [(distance, -n, other) for other, n in seen.items() if (distance := OSA.distance(word, other, score_cutoff=slips)) <= slips]
    return [other for _distance, _n, other in sorted(near)][:TRIED]


def _values(word: str) -> list[str]:
    """Return the halves as patterns: the first, and the second in a word that begins with the same letter."""
    half = max(3, len(word) // 2)
    first, second = word[:half], word[-half:]
    return [f"%{first}%", f"{word[0]}%{second}%", f"% {word[0]}%{second}%"]


def _built(first: str, begun: str, inside: str) -> tuple[str, list[object]]:
    parts: list[str] = []
    lines: list[str] = []
    values: list[object] = []

    def part(name: str, rows: QuerySet) -> None:  # type: ignore[type-arg]
        text, some = rows.query.sql_with_params()
        parts.append(f"{name}(text) AS MATERIALIZED ({text})")
        values.extend(some)

    for kind in searchables().values():
        if kind.text is not None or kind.through:  # in long texts too much is like anything
            continue
        for at, half in enumerate((Q(search_text__like=first), Q(search_text__like=begun) | Q(search_text__like=inside))):
            name = f"{kind.entity}_{at}"
            rows = kind.model._default_manager.filter(half)
            rare = RawSQL(f"(SELECT count(*) FROM (SELECT FROM {name}s LIMIT {RARE}) s) < {RARE}", [], BooleanField())  # noqa: S611
            part(f"{name}s", rows.filter(SAMPLED).values("search_text"))
            part(f"{name}a", rows.filter(rare).values("search_text"))
            lines += [f"(SELECT text FROM {name}{which} LIMIT {LOOKED_AT})" for which in "sa"]
    return f"WITH {', '.join(parts)} {' UNION ALL '.join(lines)}", values
