"""Numbers and amounts as people and programs write them: grouping, decimal comma, currencies, factors, shares."""

import re
from decimal import Decimal, InvalidOperation

from django.conf import settings

_SPACES = re.compile("[ '’˙\u00a0\u2007\u2009\u202f]")
_BODY = re.compile(r"^[+-]?\d[\d.,]*$")
_FACTORS = {
    "k": 3, "tsd": 3, "m": 6, "mio": 6, "mn": 6, "mln": 6, "million": 6, "millions": 6, "b": 9, "bn": 9, "mrd": 9, "billion": 9, "t": 12,
    "l": 5, "lakh": 5, "cr": 7, "crore": 7,
}
_GROUPS = re.compile(r"^[+-]?\d{1,3}([.,])\d{3}(\1\d{3})*$")
_FACTOR = re.compile(rf"^(.*\d)({'|'.join(sorted(_FACTORS, key=len, reverse=True))})\.?$", re.I)
_CODES = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "¥": "JPY", "円": "JPY", "元": "CNY", "rmb": "CNY", "₹": "INR", "rs": "INR", "rs.": "INR",
    "₽": "RUB", "руб": "RUB", "руб.": "RUB", "₺": "TRY", "tl": "TRY", "₩": "KRW", "₪": "ILS", "฿": "THB", "₫": "VND", "₴": "UAH", "zł": "PLN",
    "zl": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON", "us$": "USD", "$us": "USD", "r$": "BRL", "a$": "AUD", "au$": "AUD", "c$": "CAD",
    "ca$": "CAD", "hk$": "HKD", "nz$": "NZD", "s$": "SGD", "mx$": "MXN", "nt$": "TWD", "fr.": "CHF", "sfr.": "CHF", "sfr": "CHF", "$": "$", "kr": "kr",
    "kr.": "kr",
}
DOLLARS = frozenset({"USD", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS"})
CROWNS = frozenset({"SEK", "NOK", "DKK", "ISK"})
_AROUND = re.compile(r"^([^\d(+\-.,]*)([+-]?)([^\d(+\-.,]*)(.*?\d[.,]?)?([^\d]*)$", re.S)


def taken_apart(text: str) -> tuple[str, str]:
    """Return the number that a text says, still with its grouping, and the sign of its currency; unknown words stay in."""
    body = _SPACES.sub("", text.strip()).replace("\u2212", "-").replace("\u2013", "-")
    negative = len(body) > 2 and (body[0], body[-1]) == ("(", ")")
    if negative:
        body = body[1:-1]
    if body.endswith((",-", ".-")):  # 12,- is an amount
        body = body[:-2]
    elif body.endswith("-") and body[:-1].strip("-"):  # accountants write it behind
        body, negative = body[:-1], True
    sign = ""
    match = _AROUND.match(body)
    if match and match[4]:
        before, minus, between, number, after = match.groups()
        if number[0] in "+-" and not minus:
            minus, number = number[0], number[1:]
        factor = after
        for around in (before, between):
            if around:
                if (found := code_of(around)) is None:
                    return text, ""
                sign = found
        share = after.endswith("%")
        factor = after.removesuffix("%")
        if factor and factor.lower().rstrip(".") not in _FACTORS:
            if (found := code_of(factor)) is not None:
                sign, factor = sign or found, ""
            elif (split := re.match(r"^([A-Za-z]+?)\.?([€£¥₹$]|[A-Z]{3})$", factor)) and split[1].lower() in _FACTORS and (found := code_of(split[2])):
                sign, factor = sign or found, split[1]
            elif not share:
                return text, ""
        body = f"{minus}{number.rstrip('.,')}{factor}"
    return f"-{body.lstrip('+-')}" if negative else body, sign


def code_of(sign: str) -> str | None:
    """Return the ISO code that a sign or word stands for; ``$`` and ``kr`` stand for several."""
    found = _CODES.get(sign.lower())
    if found is None and sign.upper() in settings.CURRENCIES:
        return sign.upper()
    return found


def number_text(text: str, scale: Decimal | None = None, decimal: str = "", *, amount: bool = False) -> str:
    """Return a number as the converters take it: without currency, grouping, percent and words for factors.

    An amount has no three places: 1.234 is a thousand, unless its column says otherwise (``decimal``).
    """
    body, _sign = taken_apart(text)
    factor = 0
    if (match := _FACTOR.match(body)) is not None:
        body, factor = match[1], _FACTORS[match[2].lower()]
    if amount and not decimal and _GROUPS.match(body):
        body = body.replace(".", "").replace(",", "")
    elif _BODY.match(body):
        body = _decimal_point(body, decimal)
    elif not re.match(r"^[+-]?\d+(\.\d+)?[eE][+-]?\d{1,2}$", body):
        return text
    try:
        number = Decimal(body)
    except InvalidOperation:
        return text
    if factor:
        number = number.scaleb(factor)
    if scale is not None:
        number *= scale
    return format(number.normalize() if number == number.to_integral_value() and abs(number) < Decimal(10) ** 20 else number, "f")


def _decimal_point(body: str, decimal: str) -> str:
    """Settle which of comma and point groups and which divides: what the column says, else the last one, if it stands alone."""
    if decimal:
        return body.replace("." if decimal == "," else ",", "").replace(",", ".")
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
