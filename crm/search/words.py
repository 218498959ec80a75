"""From what was typed to a ``WHERE`` clause that the trigram index can answer."""

from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Concat

from crm.access.policy import field_rights
from crm.lib.models import Fold
from crm.lib.text import clean_line

MAX_WORDS = 10
MAX_WORD_LENGTH = 60

SHORT = 2
"""A word this short has no trigram of its own: it must begin a word, which has one."""
WINDOW = 6
"""So many letters of a longer word are looked up in the index: each further trigram costs as much as the first."""
_FREQUENT, _MIDDLING = frozenset("etaoinsr"), frozenset("lhdcumpgfby .-")


def words_of(text: str) -> list[str]:
    """Return the folded words to look for: at most ten, each cut to sixty characters, none twice, no bare signs."""
    cut = (word[:MAX_WORD_LENGTH] for word in folded(clean_line(text[:2000])).split())
    found = dict.fromkeys(word for word in cut if any(c.isalnum() for c in word))
    return list(found)[:MAX_WORDS]


def folded(text: str) -> str:
    """Return a text as the folded columns hold it."""
    return text.lower() if text.isascii() else _folded_there(text)


@lru_cache(maxsize=2000)
def _folded_there(text: str) -> str:
    """Fold where the columns are folded: only there it is known what becomes of ß or ø."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rapport_fold(%s)", [text])
        return str(cursor.fetchone()[0])


def window(word: str) -> str:
    """Return the part of a word that stands in the fewest rows, as far as its letters tell; a short word is its own."""
    if len(word) <= WINDOW:
        return word
    rarity = [0 if c in _FREQUENT else 1 if c in _MIDDLING else 3 for c in word]
    best = max(range(len(word) - WINDOW + 1), key=lambda at: (sum(rarity[at : at + WINDOW]), at))
    return word[best : best + WINDOW]


def escaped(text: str) -> str:
    """Return a text as a pattern takes it."""
    return str(connection.ops.prep_for_like_query(text))


def begins_word(column: str, first: str, later: str) -> Q:
    """Return the clause that a short word begins the column or a word in it, given both as patterns."""
    return Q(**{f"{column}__like": first}) | Q(**{f"{column}__like": later})


def contains(words: list[str], column: str = "search_text") -> Q:
    """Return the clause that every word stands in the column (a short one at the beginning of a word)."""
    clause = Q()
    for word in words:
        plain = escaped(word)
        if len(word) <= SHORT:
            clause &= begins_word(column, f"{plain}%", f"% {plain}%")
        else:
            clause &= Q(**{f"{column}__like": f"%{plain}%"})
    return clause


def searchable_rows(
    queryset: QuerySet[Any], columns: tuple[str, ...], user: Any, text: Any = None
) -> tuple[QuerySet[Any], str]:
    """Return the queryset and the column to search for this user (``text``: an expression that stands for it).

    Who may not read one of the columns is not told by a hit what stands there: then the others are folded on the fly.
    """
    rights = field_rights(user, queryset.model)
    readable = [name for name in columns if rights.can_read(name)]
    if not readable:
        return queryset.none(), columns[0]
    if len(readable) == len(columns):
        return (queryset, "search_text") if text is None else (queryset.annotate(searched_text=text), "searched_text")
    parts: list[Any] = []
    for name in readable:
        parts += [Value(" "), Coalesce(F(name), Value(""), output_field=TextField())]
    joined = Concat(*parts[1:], Value(""), output_field=TextField())
    return queryset.annotate(readable_text=Fold(joined)), "readable_text"


def found_in(queryset: QuerySet[Any], words: list[str], columns: tuple[str, ...], user: Any) -> QuerySet[Any]:
    """Return the rows that hold every word in what the user may read of the columns.

    What is readable is a part of what is indexed, so that the index finds the rows in any case.
    """
    rows, column = searchable_rows(queryset, columns, user)
    clause = contains(words, column)
    return rows.filter(clause if column == "search_text" else clause & contains(words))
