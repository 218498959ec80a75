"""Every address of the product, from the URL conf itself, with something to put where a record goes."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

LISTED = ("customers", "companies", "deals", "tasks", "interactions", "products")


def dumped(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    """Yield the pattern text of every address of the URL conf."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from dumped(pattern.url_patterns, text)
        elif isinstance(pattern, URLPattern):
            yield text


def filled(text: str, pk: Any, listed: str = "customers") -> str:
    """Return an address that fits a pattern, with ``pk`` wherever an identifier goes."""
    text = text.replace("<listed:entity>", listed)
    text = re.sub(r"<slug:(?:entity|name)>", {"companies": "company"}.get(listed, listed.removesuffix("s")), text)
    text = re.sub(r"<(?:uuid:)?[a-z_]*(?:id|pk)>", str(pk), text)
    text = re.sub(r"<int:[a-z_]+>", "1", text)
    text = re.sub(r"<slug:key>", "notes", text)
    text = re.sub(r"<slug:kind>", "note", text)
    text = re.sub(r"<slug:action>", "delete", text)
    text = re.sub(r"<str:key>", "status", text)
    text = re.sub(r"<(?:str:|slug:|path:)?[a-z_]+>", "x", text)
    text = re.sub(r"\(\?P<[a-z_]*(?:id|pk)>[^)]*\)", str(pk), text)
    text = re.sub(r"\(\?P<[a-z_]+>[^)]*\)", "x", text)
    return "/" + re.sub(r"[\^$?]|\\Z", "", text).replace("\\", "")
