"""From what was typed to a ``WHERE`` clause that the trigram index can answer."""

from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import (
    Case,
    F,
    FloatField,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat, Least

from crm.access.policy import field_rights
from crm.lib.models import Fold
from crm.lib.text import clean_line

MAX_WORDS = 10
MAX_WORD_LENGTH = 60
MAX_CANDIDATES = 200
"""How many matches are ranked; of a word that fits more rows, the first found stand for the rest."""

SHORT = 2
"""A word this short has no trigram of its own: it must begin a word, which has one."""


def words_of(text: str) -> list[str]:
    """Return the words to look for: at most ten, each cut to sixty characters, none twice, no bare signs."""
    cut = (word[:MAX_WORD_LENGTH] for word in clean_line(text[:2000]).split())
    found = dict.fromkeys(word for word in cut if any(c.isalnum() for c in word))
    return list(found)[:MAX_WORDS]


def _text(word: str) -> Fold:
    return Fold(Value(word, output_field=TextField()))


def _after_blank(word: str) -> Any:
    return Concat(Value(" "), _text(word), output_field=TextField())


def contains(words: list[str], column: str = "search_text") -> Q:
    """Return the clause that every word stands in the column (a short one at the beginning of a word)."""
    clause = Q()
    for word in words:
        if len(word) <= SHORT:
            clause &= Q(**{f"{column}__startswith": _text(word)}) | Q(**{f"{column}__contains": _after_blank(word)})
        else:
            clause &= Q(**{f"{column}__contains": _text(word)})
    return clause


def resembles(words: list[str], column: str = "search_text") -> Q:
    """Return the clause that every word is like a part of the column, typing errors forgiven."""
    clause = Q()
    for word in words:
        if len(word) <= SHORT + 1:
            clause &= contains([word], column)
        else:
            clause &= Q(**{f"{column}__trigram_word_similar": _text(word)})
    return clause


def rank(words: list[str], column: str = "search_text") -> Any:
    """Return how well a row fits: the beginning of the title, of a word, or somewhere inside."""
    return Case(
        When(**{f"{column}__startswith": _text(" ".join(words))}, then=Value(4.0)),
        When(**{f"{column}__startswith": _text(words[0])}, then=Value(3.0)),
        When(**{f"{column}__contains": _after_blank(words[0])}, then=Value(2.0)),
        default=Value(1.0),
        output_field=FloatField(),
    )


def likeness(words: list[str], column: str = "search_text") -> Any:
    """Return how alike a row is, below every row that contains the words."""
    each = [TrigramWordSimilarity(_text(word), column) for word in words]
    return Least(*each, Value(0.99)) if len(each) > 1 else each[0] * Value(0.99)


def searchable_rows(
    queryset: QuerySet[Any], columns: tuple[str, ...], user: Any, text: Any = None
) -> tuple[QuerySet[Any], str]:
    """Return the queryset and the column to search for this user (``text``: an expression that stands for it).

    Who may not read one of the columns is not told by a hit what stands there: then the others are folded
    on the fly (slower, and only for such roles).
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
