"""``?q=``: every word must be found in the record's search column, or, where a part of it is hidden, its title."""

from typing import Any

from django.db.models import Q, QuerySet

from crm.lib.text import fold
from crm.records.entity import Entity
from crm.records.folded import folds_only

MAX_WORDS = 10


def matching(of: Entity, user: Any, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Return the rows that hold every word of ``text`` (the first ten)."""
    words = [fold(w) for w in text[:500].split()][:MAX_WORDS]
    if not words:
        return queryset
    if folds_only(of, of.fields_for(user).values()):
        for word in words:
            queryset = queryset.filter(search_text__contains=word)
        return queryset
    readable = of.fields_for(user)
    titles = [readable[name].source for name in of.title if name in readable]
    for word in words:
        clause = Q(pk__in=[])
        for source in titles:
            clause |= Q(**{f"{source}__icontains": word})
        queryset = queryset.filter(clause)
    return queryset
