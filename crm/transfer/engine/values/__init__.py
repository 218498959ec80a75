"""From what a cell says to what a field stores."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from crm.records.fields import NUMERIC, TEMPORAL, Field, Kind
from crm.records.services.values import Bad, to_python
from crm.transfer.engine.values.dates import Ambiguous, NoYear, date_text, no_date
from crm.transfer.engine.values.numbers import CROWNS, DOLLARS, number_text, taken_apart
from crm.transfer.engine.values.several import address_parts, list_text, values_in, whole_phone
from crm.transfer.engine.values.words import is_nothing, truth

__all__ = ["NEVER_TEXT", "Ambiguous", "How", "NoYear", "Rounded", "address_parts", "convert", "currency_of", "is_nothing", "list_text", "values_in"]

NEVER_TEXT = frozenset({*NUMERIC, *TEMPORAL, Kind.BOOLEAN, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.USER, Kind.LINK, Kind.CHOICE, Kind.CURRENCY})
"""Kinds in which “N/A” and “-” can only mean that there is nothing."""


@dataclass(frozen=True, slots=True)
class How:
    """How a column writes its values: the order of dates, the mark of decimals, a factor."""

    dates: str = ""
    decimal: str = ""
    scale: Decimal | None = None


class Rounded(Exception):
    """A number with more places than its field keeps: the value it has then."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__()


def convert(f: Field, text: str, how: How = How()) -> Any:
    """Return the value of a cell for a field that is no link.

    ``Bad`` says what is wrong, ``Ambiguous`` asks, ``Rounded`` brings a value that is not all of what the cell says.
    """
    if f.kind in NUMERIC:
        return _number(f, number_text(text, how.scale, how.decimal, amount=f.kind == Kind.MONEY))
    if f.kind in TEMPORAL:
        return _moment(f, text, how.dates)
    if f.kind == Kind.BOOLEAN:
        return to_python(f, truth(text))
    if f.kind == Kind.ADDRESS:
        return to_python(f, address_parts(text)[0])
    if f.kind in (Kind.TAGS, Kind.MULTI_CHOICE):
        return to_python(f, list_text(text))
    if f.kind == Kind.PHONE:
        return to_python(f, whole_phone(text))
    if f.kind == Kind.JSON:
        try:
            return to_python(f, json.loads(text))
        except ValueError:
            raise Bad(_("This is not JSON.")) from None
    return to_python(f, text)


def currency_of(text: str, base: str) -> str:
    """Return the currency that an amount names; a dollar and a crown are those of the base currency, if it is one."""
    sign = taken_apart(text)[1]
    if sign == "$":
        return base if base in DOLLARS else "USD"
    if sign == "kr":
        return base if base in CROWNS else "SEK"
    return sign


def _moment(f: Field, text: str, order: str) -> Any:
    found = date_text(text, order, past=bool(f.extra.get("past")))
    if f.kind == Kind.DATE and len(found) > 10 and found[10] == "T":
        found = found[:10]
    try:
        return to_python(f, found)
    except Bad:
        raise no_date(text, f.kind == Kind.DATETIME) from None


def _number(f: Field, text: str) -> Any:
    """Return a number; places beyond what the field keeps are rounded, and said to be."""
    places = 2 if f.kind == Kind.MONEY else 0 if f.extra.get("rounds") else None
    if places is None:
        return to_python(f, text)
    try:
        number = Decimal(text)
        short = number.quantize(Decimal(1).scaleb(-places)) if number.is_finite() and number.adjusted() < 18 else number
    except InvalidOperation:
        return to_python(f, text)
    value = to_python(f, format(short, "f"))
    if abs(number - short) > Decimal("0.000001"):
        raise Rounded(value)
    return value
