"""From a cell to a value: what people write in tables on top of what ``crm.records`` converts."""

import datetime as dt
import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from crm.records.fields import NUMERIC, TEMPORAL, Field, Kind
from crm.records.services.values import ADDRESS_PARTS, Bad, to_python

_NUMBER = re.compile(r"^\(?[-+]?\s*[\d.,' \u00a0\u202f]*\d[\d.,' \u00a0\u202f]*\)?$")
_AFFIX = re.compile(r"^(?:[A-Z]{3}\s*)?[$€£¥₹]?|(?:\s*(?:[$€£¥₹%]|[A-Z]{3}))$")
_FACTORS = {"k": 3, "m": 6, "mio": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "l": 5, "lakh": 5, "cr": 7, "crore": 7}
_FACTOR = re.compile(r"^(.*\d)\s*(k|m|mio|mn|b|bn|t|l|lakh|cr|crore)\.?$", re.I)
_NUMERIC_DATE = re.compile(r"^(\d{1,2})([/.\-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T,]+(.+))?$")
_ISO = re.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(.+))?$")
_NAMED = ("%d-%b-%Y", "%d %b %Y", "%d. %b %Y", "%d %B %Y", "%d. %B %Y", "%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d-%b-%y")
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I %p")


class Ambiguous(Exception):
    """A date like 03/04/2024: it cannot be told which is the month."""


def number_text(text: str, scale: Decimal | None = None) -> str:
    """Return a number as the converters take it: without currency, grouping, percent and words for factors."""
    body = text.strip()
    factor = 0
    for _round in range(2):
        body = _AFFIX.sub("", body).strip() if not _NUMBER.match(body) else body
        if (match := _FACTOR.match(body)) is not None:
            body, factor = match[1], _FACTORS[match[2].lower()]
    if not _NUMBER.match(body):
        return text
    negative = body.startswith("(") and body.endswith(")")
    body = re.sub(r"[' \u00a0\u202f()+]", "", body)
    body = _decimal_point(body)
    try:
        number = Decimal(body)
    except InvalidOperation:
        return text
    if factor:
        number = number.scaleb(factor)
    if scale is not None:
        number *= scale
    if negative:
        number = -number
    return format(number.normalize() if number == number.to_integral_value() and abs(number) < Decimal(10) ** 20 else number, "f")


def _decimal_point(body: str) -> str:
    """Settle which of comma and point groups and which divides: the last one divides, if it stands alone."""
    comma, point = body.rfind(","), body.rfind(".")
    if comma >= 0 and point >= 0:
        grouping = "," if comma < point else "."
        return body.replace(grouping, "").replace(",", ".")
    if comma >= 0:
        alone = body.count(",") == 1 and len(body) - comma - 1 != 3
        return body.replace(",", "." if alone else "")
    if body.count(".") > 1:
        return body.replace(".", "")
    return body


def date_text(text: str, order: str = "") -> str:
    """Return a date, or date and time, in ISO form; ``Ambiguous`` where day and month could change places."""
    text = text.strip()
    if match := _ISO.match(text):
        return _joined(match[1], match[2], match[3], match[4])
    if match := _NUMERIC_DATE.match(text):
        first, mark, second, year, time = match.groups()
        if len(year) == 2:
            year = f"{'20' if int(year) < 70 else '19'}{year}"
        return _joined(year, *_month_day(first, second, "dmy" if mark == "." else order), time)
    day, time = text, None
    if match := re.match(r"^(.*\d{4}),?\s+(\d{1,2}:\d\d.*)$", text):
        day, time = match[1], match[2]
    for form in _NAMED:
        try:
            found = dt.datetime.strptime(day, form)
        except ValueError:
            continue
        return _joined(str(found.year), str(found.month), str(found.day), time)
    return text


def _month_day(first: str, second: str, order: str) -> tuple[str, str]:
    if int(first) > 12 or order == "dmy":
        return second, first
    if int(second) > 12 or order == "mdy" or int(first) == int(second):
        return first, second
    raise Ambiguous


def _joined(year: str, month: str, day: str, time: str | None) -> str:
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    if not time:
        return date
    clock = time.strip()
    for form in _TIMES:
        try:
            return f"{date}T{dt.datetime.strptime(clock.upper(), form).time().isoformat()}"
        except ValueError:
            continue
    # 2024-01-22T14:26:21.000+0000: a zone without a colon
    clock = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", clock)
    return f"{date}T{clock}"


def address_parts(text: str) -> dict[str, str]:
    """Return the parts of an address in one cell: JSON of another program, or lines."""
    text = text.strip()
    if text.startswith("{"):
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if isinstance(given, dict):
            names = {"street": "line1", "street2": "line2", "state": "region", "postalcode": "postal_code", "zip": "postal_code",
                     "zipcode": "postal_code", "statecode": "region", "province": "region"}
            made: dict[str, str] = {}
            for name, value in given.items():
                part = names.get(name.lower().replace("_", ""), name)
                if part in ADDRESS_PARTS and isinstance(value, str | int) and str(value).strip():
                    made.setdefault(part, " ".join(str(value).split()))
            return made
    lines = [" ".join(x.split()) for x in text.splitlines() if x.strip()]
    made = {"line1": lines[0]} if lines else {}
    if len(lines) > 1:
        made["line2"] = ", ".join(lines[1:])
    return made


def list_text(text: str) -> list[str]:
    """Return the items of a cell that holds several: JSON, or separated by semicolons, bars or commas."""
    if text.startswith("["):
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if isinstance(given, list):
            return [str(i).strip() for i in given if isinstance(i, str | int) and str(i).strip()]
    mark = next((m for m in (";", "|", ",") if m in text), None)
    return [p.strip() for p in (text.split(mark) if mark else [text]) if p.strip()]


def convert(f: Field, text: str, *, scale: Decimal | None = None, dates: str = "") -> Any:
    """Return the value of a cell for a field that is no link; ``Bad`` says what is wrong, ``Ambiguous`` asks."""
    if f.kind in NUMERIC:
        text = number_text(text, scale)
        if f.kind == Kind.MONEY:
            text = _cents(text)
    elif f.kind in TEMPORAL:
        text = date_text(text, dates)
        if f.kind == Kind.DATE and len(text) > 10 and text[10] == "T":
            text = text[:10]
    elif f.kind == Kind.ADDRESS:
        return to_python(f, address_parts(text))
    elif f.kind in (Kind.TAGS, Kind.MULTI_CHOICE):
        return to_python(f, list_text(text))
    elif f.kind == Kind.JSON:
        try:
            return to_python(f, json.loads(text))
        except ValueError:
            raise Bad(_("This is not JSON.")) from None
    return to_python(f, text)


def _cents(text: str) -> str:
    try:
        number = Decimal(text)
        return str(number.quantize(Decimal("0.01"))) if number.is_finite() and number.adjusted() < 18 else text
    except InvalidOperation:
        return text
