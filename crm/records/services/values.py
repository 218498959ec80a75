"""From what people and programs write to what is stored: one converter for each kind of field."""

import datetime as dt
import json
import math
import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.text import clean_line, clean_text, has_unstorable, without_unseen
from crm.records.fields import Field, Kind
from crm.records.services.phones import standard_phone

MAX_TEXT = 200_000
MAX_JSON_DEPTH = 20
ADDRESS_LABELS: dict[str, Any] = {
    "line1": gettext_lazy("Street"), "line2": gettext_lazy("Street, second line"), "postal_code": gettext_lazy("Postal code"),
    "city": gettext_lazy("City"), "region": gettext_lazy("State or region"), "country": gettext_lazy("Country"),
}
ADDRESS_PARTS = ("line1", "line2", "city", "region", "postal_code", "country")

_email = EmailValidator()
# A part of what the validator takes, and nearly every address that there is: told ten times faster.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE | re.ASCII
)
_CURRENCY = re.compile(r"^[A-Z]{3}$")
_TRUE = frozenset({"true", "yes", "1", "on", "y", "t"})
_FALSE = frozenset({"false", "no", "0", "off", "n", "f"})


class Bad(Exception):
    """A value that does not fit, with the sentences that say why; ``at`` names a part of the field."""

    def __init__(self, *messages: str, at: str = "") -> None:
        self.messages = messages
        self.at = at
        super().__init__(*messages)


def to_python(f: Field, value: Any) -> Any:
    """Return ``value`` as the field stores it; links come back as a UUID or a name, tags as names."""
    if value is None or value == "":
        return _EMPTY.get(f.kind, None if f.custom else _nothing(f))
    return _CONVERT[f.kind](f, value)


def _nothing(f: Field) -> Any:
    return f.extra.get("empty", "" if f.kind in _STRINGS else None)


_STRINGS = {Kind.TEXT, Kind.LONG_TEXT, Kind.URL, Kind.PHONE, Kind.EMAIL, Kind.CHOICE, Kind.CURRENCY}
_EMPTY: dict[Kind, Any] = {Kind.TAGS: [], Kind.MULTI_CHOICE: [], Kind.ADDRESS: {}}


def _string(f: Field, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Bad(_("A text is expected."))
    if isinstance(value, int) and abs(value) >= 10**60:  # Python refuses to write very long integers as text
        raise Bad(_("This number is too long."))
    text = str(value)
    if has_unstorable(text):
        raise Bad(_("It contains characters that cannot be stored (NUL or a lone surrogate)."))
    return text


def _text(f: Field, value: Any) -> Any:
    if f.extra.get("format") == "uuid":
        return _uuid(f, value)
    text = clean_line(_string(f, value))
    return _fits(f, text)


def _uuid(f: Field, value: Any) -> uuid.UUID:
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(_string(f, value))
    except ValueError:
        raise Bad(_("“%(value)s” is not an id.") % {"value": str(value)[:60]}) from None


def _long_text(f: Field, value: Any) -> str:
    return _fits(f, clean_text(_string(f, value)))


def _fits(f: Field, text: str) -> str:
    limit = f.max_length or MAX_TEXT
    if len(text) > limit:
        raise Bad(_("At most %(limit)d characters; this has %(count)d.") % {"limit": limit, "count": len(text)})
    return text


def _decimal(f: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Bad(_("A number is expected."))
    if isinstance(value, int) and abs(value) >= 10**60:
        raise Bad(_("This number is too long."))
    text = str(value).strip().replace("\u00a0", "").replace(" ", "").replace("'", "")
    if len(text) > 60:
        raise Bad(_("This number is too long."))
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Bad(_("“%(value)s” is not a number.") % {"value": str(value).strip()[:40]}) from None
    if not number.is_finite():
        raise Bad(_("A finite number is expected."))
    _within(f, number)
    return number


def _within(f: Field, number: Decimal) -> None:
    if f.min_value is not None and number < f.min_value:
        raise Bad(_("It must be at least %(limit)s.") % {"limit": f.min_value})
    if f.max_value is not None and number > f.max_value:
        raise Bad(_("It must be at most %(limit)s.") % {"limit": f.max_value})


def _number(f: Field, value: Any) -> Any:
    number = _decimal(f, value)
    if number.adjusted() > 20:
        raise Bad(_("This number is too large."))
    places = f.extra.get("places")
    if places is not None and number != round(number, places):
        raise Bad(_("At most %(places)d decimal places.") % {"places": places})
    # Without an exponent: custom values are read back as plain decimals.
    return format(number, "f") if f.custom else number


def _money(f: Field, value: Any) -> Any:
    number = _decimal(f, value)
    if number.adjusted() > 15:
        raise Bad(_("This amount is too large."))
    rounded = number.quantize(Decimal("0.01"))
    if rounded != number:
        raise Bad(_("At most two decimal places."))
    return str(rounded) if f.custom else rounded


def _integer(f: Field, value: Any) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        raise Bad(_("A finite number is expected."))
    number = _decimal(f, value)
    if number != number.to_integral_value():
        raise Bad(_("A whole number is expected."))
    if abs(number) > 2_147_483_647:
        raise Bad(_("This number is too large."))
    return int(number)


def _boolean(f: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Bad(_("Yes or no is expected (true or false)."))


def _date(f: Field, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        return value.isoformat() if f.custom else value
    try:
        parsed = parse_date(value.strip()) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or not 1000 <= parsed.year <= 9999:
        raise Bad(_("“%(value)s” is not a date; write it as YYYY-MM-DD.") % {"value": str(value)[:40]})
    return parsed.isoformat() if f.custom else parsed


def _datetime(f: Field, value: Any) -> Any:
    parsed: dt.datetime | None = None
    if isinstance(value, dt.datetime):
        parsed = value
    elif isinstance(value, str):
        try:
            parsed = parse_datetime(value.strip())
            if parsed is None:
                day = parse_date(value.strip())
                parsed = dt.datetime.combine(day, dt.time()) if day else None
        except ValueError:
            parsed = None
    if parsed is None or not 1000 <= parsed.year <= 9998:
        raise Bad(
            _("“%(value)s” is not a date and time; write it as YYYY-MM-DDThh:mm:ssZ.") % {"value": str(value)[:40]}
        )
    if timezone.is_naive(parsed):
        parsed = timezone.make_aware(parsed)
    parsed = parsed.astimezone(dt.UTC)
    return parsed.isoformat().replace("+00:00", "Z") if f.custom else parsed


def _choice(f: Field, value: Any) -> str:
    text = clean_line(_string(f, value))
    for choice in f.options:
        if text == choice.value:
            return choice.value
    for choice in f.options:
        if text.casefold() in (choice.value.casefold(), str(choice.label).casefold()):
            return choice.value
    allowed = ", ".join(c.value for c in f.options[:20])
    raise Bad(_("“%(value)s” is not one of: %(allowed)s.") % {"value": text[:60], "allowed": allowed})


def _multi_choice(f: Field, value: Any) -> list[str]:
    items = value if isinstance(value, list) else _split(_string(f, value))
    if len(items) > 200:
        raise Bad(_("At most 200 values."))
    return list(dict.fromkeys(_choice(f, item) for item in items if item not in ("", None)))


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;,|]", text) if part.strip()]


def _url(f: Field, value: Any) -> str:
    text = clean_line(_string(f, value))
    if text and "://" not in text and not re.match(r"^[a-z][a-z0-9+.-]*:", text, re.I):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise Bad(_("This is not a web address.")) from None
    if parts.scheme.lower() not in ("http", "https") or not host or " " in text or "." not in host.strip("."):
        raise Bad(_("This is not a web address; it starts with https:// or http://."))
    return _fits(f, text)


def _email_address(f: Field, value: Any) -> str:
    text = without_unseen(clean_line(_string(f, value)))
    if len(text) > 254:
        raise Bad(_("At most %(limit)d characters; this has %(count)d.") % {"limit": 254, "count": len(text)})
    try:
        if _PLAIN_EMAIL.fullmatch(text) is None:
            _email(text)
    except ValidationError as refused:
        # It points to itself, and with its frames to all that called: in an import, to thousands of rows.
        refused.__traceback__ = None
        raise Bad(_("“%(value)s” is not an e-mail address.") % {"value": text[:80]}) from None
    local, _at, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def _phone(f: Field, value: Any) -> str:
    """Return E.164 where the number is valid in its region (with ``;ext=`` for an extension), else the text."""
    text = clean_line(_string(f, value))
    if len(text) > 40:
        raise Bad(_("At most %(limit)d characters; this has %(count)d.") % {"limit": 40, "count": len(text)})
    if not any(c.isdigit() for c in text):
        raise Bad(_("“%(value)s” is not a phone number.") % {"value": text})
    return standard_phone(text, settings.DEFAULT_PHONE_REGION)


def _link(f: Field, value: Any) -> uuid.UUID | str:
    if isinstance(value, dict):
        value = value.get("id") or value.get("name")
    if hasattr(value, "pk"):
        value = value.pk
    if isinstance(value, uuid.UUID):
        return value
    if not isinstance(value, str) or has_unstorable(value):
        raise Bad(_("An id is expected."))
    try:
        return uuid.UUID(value)
    except ValueError:
        if f.find_or_make or f.extra.get("by_name") or f.kind == Kind.USER:
            name = clean_line(value)
            if 0 < len(name) <= 254:
                return name
        raise Bad(_("“%(value)s” is not an id.") % {"value": value[:60]}) from None


def _address(f: Field, value: Any) -> dict[str, str]:
    if isinstance(value, str):
        value = {"line1": value}
    if not isinstance(value, dict):
        raise Bad(_("An object with the parts of an address is expected."))
    made: dict[str, str] = {}
    for part, text in value.items():
        if part not in ADDRESS_PARTS:
            raise Bad(_("Unknown part; an address has: %(parts)s.") % {"parts": ", ".join(ADDRESS_PARTS)}, at=str(part))
        if text in (None, ""):
            continue
        if not isinstance(text, str | int):
            raise Bad(_("A text is expected."), at=part)
        line = clean_line(_string(f, text))
        if len(line) > 255:
            raise Bad(_("At most %(limit)d characters; this has %(count)d.") % {"limit": 255, "count": len(line)}, at=part)
        if line:
            made[part] = line
    return made


def _json(f: Field, value: Any) -> Any:
    def check(node: Any, depth: int) -> None:
        if depth > MAX_JSON_DEPTH:
            raise Bad(_("Nested more than %(limit)d levels deep.") % {"limit": MAX_JSON_DEPTH})
        if isinstance(node, str) and has_unstorable(node):
            raise Bad(_("It contains characters that cannot be stored (NUL or a lone surrogate)."))
        if isinstance(node, float) and not math.isfinite(node):
            raise Bad(_("A finite number is expected."))
        for inner in [*node.keys(), *node.values()] if isinstance(node, dict) else node if isinstance(node, list) else ():
            check(inner, depth + 1)

    check(value, 0)
    if len(json.dumps(value)) > MAX_TEXT:
        raise Bad(_("This is too large."))
    return value


def _tags(f: Field, value: Any) -> list[str]:
    items = value if isinstance(value, list) else _split(_string(f, value))
    if len(items) > 50:
        raise Bad(_("At most 50 tags."))
    names: list[str] = []
    for item in items:
        if isinstance(item, dict):
            item = item.get("id") or item.get("name") or ""
        name = clean_line(_string(f, getattr(item, "name", item)))
        if not name or len(name) > 60:
            raise Bad(_("A tag has 1 to 60 characters."))
        names.append(name)
    return names


def _currency(f: Field, value: Any) -> str:
    code = clean_line(_string(f, value)).upper()
    if not _CURRENCY.match(code) or code not in settings.CURRENCIES:
        raise Bad(_("“%(value)s” is not an ISO 4217 currency code.") % {"value": code[:10]})
    return code


_CONVERT = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _long_text,
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.INTEGER: _integer,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.MULTI_CHOICE: _multi_choice,
    Kind.URL: _url,
    Kind.EMAIL: _email_address,
    Kind.PHONE: _phone,
    Kind.USER: _link,
    Kind.LINK: _link,
    Kind.ADDRESS: _address,
    Kind.JSON: _json,
    Kind.TAGS: _tags,
    Kind.CURRENCY: _currency,
}
