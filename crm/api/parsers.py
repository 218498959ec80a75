"""How bodies are read: strict JSON, and multipart for files."""

import json
import math
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.parsers import MultiPartParser as RestMultiPartParser

from crm.api.errors import PayloadTooLarge
from crm.lib.errors import Invalid
from crm.lib.text import has_unstorable

MAX_DEPTH = 40


def strict_loads(text: str, name: str = "") -> Any:
    """Return the value of a JSON text.

    Refused are duplicate keys, NaN and Infinity, numbers that overflow, nesting beyond ``MAX_DEPTH``, and
    characters that the database cannot store. ``name`` is what a refusal calls the text.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int)
    except Invalid as refusal:
        if name:
            raise Invalid.field(name, refusal.message) from None
        raise
    except RecursionError:
        raise Invalid.field(name, _("Nested more than %(limit)d levels deep.") % {"limit": MAX_DEPTH}) from None
    except json.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno}
        raise Invalid.field(name, _("This is not JSON (line %(line)d, column %(column)d).") % where) from None
    except ValueError:
        raise Invalid.field(name, _("A number is too long.")) from None
    _inspect(value, name)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise Invalid.field(key, _("“%(key)s” is given twice.") % {"key": key[:60]})
        made[key] = value
    return made


def _constant(word: str) -> Any:
    raise Invalid.field("", _("%(word)s is not a number in JSON.") % {"word": word})


def _int(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise Invalid.field("", _("The number %(number)s is too large.") % {"number": text[:40]})
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Invalid.field("", _("The number %(number)s is too large.") % {"number": text[:40]})
    return number


def _inspect(value: Any, name: str) -> None:
    """Refuse deep nesting and unstorable characters, without recursion."""
    waiting: list[tuple[Any, tuple[str, ...], int]] = [(value, (name,) if name else (), 1)]
    while waiting:
        node, path, depth = waiting.pop()
        if isinstance(node, str):
            if has_unstorable(node):
                message = _("It contains characters that cannot be stored (NUL or a lone surrogate).")
                raise Invalid.field(_dotted(path), message)
            continue
        if not isinstance(node, dict | list):
            continue
        if depth > MAX_DEPTH:
            message = _("Nested more than %(limit)d levels deep.") % {"limit": MAX_DEPTH}
            raise Invalid.field(_dotted(path[:3]), message)
        if isinstance(node, dict):
            for key, inner in node.items():
                if has_unstorable(key):
                    raise Invalid.field(_dotted(path), _("A name contains characters that cannot be stored."))
                waiting.append((inner, (*path, key), depth + 1))
        else:
            waiting.extend((inner, (*path, str(i)), depth + 1) for i, inner in enumerate(node))


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(part[:60] for part in path)


class JSONParser(BaseParser):
    """JSON in UTF-8 (a mark at its beginning is passed over), at most ``MAX_BODY_BYTES`` long."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value of the body."""
        charset = _charset(media_type or "")
        if charset not in ("", "utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "")
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        refuse_longer_than(parser_context["request"], limit)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise PayloadTooLarge(_("The body may have at most %(limit)d bytes.") % {"limit": limit})
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid.field("", _("The body is not UTF-8.")) from None
        return strict_loads(text)


class MultiPartParser(RestMultiPartParser):
    """Forms with files, at most ``limit`` bytes long."""

    @property
    def limit(self) -> int:
        """Return how long the body may be."""
        return int(settings.MAX_UPLOAD_BYTES)

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the fields and files of the body."""
        refuse_longer_than(parser_context["request"], self.limit)
        found = super().parse(stream, media_type, parser_context)
        for name, values in found.data.lists():
            if len(values) > 1:
                raise Invalid.field(name, _("“%(key)s” is given twice.") % {"key": name[:60]})
            if has_unstorable(name) or has_unstorable(values[0]):
                raise Invalid.field("", _("It contains characters that cannot be stored (NUL or a lone surrogate)."))
        return found


def refuse_longer_than(request: Any, limit: int) -> None:
    """Refuse a body that is packed, or whose announced length is above ``limit``."""
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("", _("Send the body as it is, without a Content-Encoding."))
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    if announced > limit:
        raise PayloadTooLarge(_("The body may have at most %(limit)d bytes.") % {"limit": limit})


def _charset(media_type: str) -> str:
    for part in media_type.split(";")[1:]:
        key, _equals, value = part.strip().partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""
