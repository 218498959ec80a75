"""Addresses found by their first segment: of some hundred patterns only those that begin like the path are tried."""

import re
from functools import cached_property
from typing import Any

from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

_LITERAL = re.compile(r"\^?([A-Za-z0-9_-]*)(?=/|\\Z|\$|\Z)")


class ByFirstSegment(URLResolver):
    """Patterns in their order, as Django tries them, without those that begin with another word."""

    def __init__(self, patterns: list[URLPattern | URLResolver]) -> None:
        super().__init__(RoutePattern(""), patterns)  # type: ignore[no-untyped-call]

    def resolve(self, path: str) -> ResolverMatch:
        """Return what answers a path."""
        index, others = self._index
        for pattern in index.get(path.partition("/")[0], others):
            try:
                match = pattern.resolve(path)
            except Resolver404:
                continue
            if match is not None:
                return match
        raise Resolver404({"tried": [], "path": path})

    @cached_property
    def _index(self) -> tuple[dict[str, list[Any]], list[Any]]:
        """Return the patterns for each first segment that one of them names, and for all others."""
        flat = [(_first(pattern), pattern) for pattern in _flat(self.url_patterns)]
        words = {word for word, _pattern in flat if word is not None}
        return (
            {word: [pattern for first, pattern in flat if first in (word, None)] for word in words},
            [pattern for first, pattern in flat if first is None],
        )


def _flat(patterns: list[Any]) -> list[Any]:
    """Return the patterns with plain includes replaced by what they include."""
    found: list[Any] = []
    for pattern in patterns:
        plain = isinstance(pattern, URLResolver) and not (pattern.namespace or pattern.app_name or pattern.default_kwargs)
        found.extend(_flat(pattern.url_patterns) if plain and str(pattern.pattern) == "" else [pattern])
    return found


def _first(pattern: Any) -> str | None:
    """Return the first segment of the paths that a pattern matches; None where it can be any."""
    literal = _LITERAL.match(str(pattern.pattern))
    return literal[1] if literal else None
