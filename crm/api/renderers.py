"""How answers are written: JSON by default, the same structure in XML on request."""

import re
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]*$")
# What XML 1.0 cannot carry at all.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written.")


def to_json(data: Any) -> bytes:
    """Return ``data`` as JSON: times in UTC with Z, decimals as strings."""
    return orjson.dumps(data, default=_plain, option=_OPTIONS)


class JSONRenderer(BaseRenderer):
    """JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the bytes of an answer."""
        if data is None:
            return b""
        # The entity tag was made of the same bytes.
        known, written = getattr((renderer_context or {}).get("response"), "written", (None, b""))
        return written if known is data else to_json(data)


class XMLRenderer(BaseRenderer):
    """XML: an element for each key, ``<item>`` for each element of a list, the kind of value as ``type``."""

    media_type = "application/xml"
    format = "xml"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the bytes of an answer."""
        if data is None:
            return b""
        parts = ['<?xml version="1.0" encoding="utf-8"?>\n']
        # Through JSON, so that both forms hold exactly the same values.
        _write("response", orjson.loads(to_json(data)), parts)
        return "".join(parts).encode("utf-8", "replace")


def _write(name: str, value: Any, parts: list[str]) -> None:
    tag, attributes = (name, "") if _NAME.match(name) else ("entry", f" name={quoteattr(_clean(name))}")
    if value is None:
        parts.append(f'<{tag}{attributes} type="null"/>')
    elif isinstance(value, bool):
        parts.append(f'<{tag}{attributes} type="boolean">{"true" if value else "false"}</{tag}>')
    elif isinstance(value, int | float):
        parts.append(f'<{tag}{attributes} type="number">{value}</{tag}>')
    elif isinstance(value, str):
        parts.append(f"<{tag}{attributes}>{escape(_clean(value))}</{tag}>")
    elif isinstance(value, list):
        parts.append(f'<{tag}{attributes} type="list">')
        for item in value:
            _write("item", item, parts)
        parts.append(f"</{tag}>")
    else:
        parts.append(f'<{tag}{attributes} type="object">')
        for key, inner in value.items():
            _write(str(key), inner, parts)
        parts.append(f"</{tag}>")


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
