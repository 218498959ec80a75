"""What the number formats of a workbook say about its cells: dates, shares, currencies, leading zeros.

Part of the child process that reads workbooks: it stands alone (no Django).
"""

import datetime as dt
import re
from typing import NamedTuple

# What stands in a format literally, or only colours and places it.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I)
_SPACING = re.compile(r"_.|\*.")
"""A space as wide as a sign, and a sign that fills the cell: neither is shown as itself."""
_CURRENCY = re.compile(r'\[\$([^\]-]+)(?:-[^\]]*)?\]|"?([€£¥₹₽₺₩₪฿₫₴]|\$|CHF|EUR|USD|GBP|kr|zł)"?')
_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_BUILT_IN_SHARES = frozenset({9, 10})
DATE, SHARE, MONEY, PADDED, PLAIN = "date", "share", "money", "padded", ""


class Format(NamedTuple):
    """What a number in a cell is: a kind, and with it the sign of a currency or a number of digits."""

    kind: str = PLAIN
    sign: str = ""
    digits: int = 0


def format_of(number: int, code: str) -> Format:
    """Return what a format says, by its number and its code."""
    if not code:
        return Format(DATE if number in _BUILT_IN_DATES else SHARE if number in _BUILT_IN_SHARES else PLAIN)
    first = code.partition(";")[0]
    bare = _LITERAL.sub("", first)
    if re.search(r"[dmyhs]", bare, re.I) and bare.strip().lower() not in ("general", "standard"):
        return Format(DATE)
    if "%" in bare:
        return Format(SHARE)
    if found := _CURRENCY.search(_SPACING.sub("", first)):
        return Format(MONEY, (found[1] or found[2]).strip())
    return Format(PADDED, digits=len(bare)) if re.fullmatch(r"0{2,20}", bare) and bare == first else Format()


def shown(number: float, of: Format, since_1904: bool) -> str:
    """Return a number as the text that its cell shows."""
    if of.kind == DATE and (moment := _moment(number, since_1904)) is not None:
        return moment
    if of.kind == SHARE:
        return f"{plain(round(number * 100, 9))}%"
    if of.kind == MONEY:
        return f"{plain(number)} {of.sign}"
    if of.kind == PADDED and number.is_integer() and number >= 0:
        return str(int(number)).zfill(of.digits)
    return plain(number)


def plain(number: float) -> str:
    """Return a number without a needless fraction; what binary fractions add to it is left out."""
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    rounded = float(f"{number:.15g}")
    return repr(rounded) if abs(rounded) < 1e15 else f"{int(rounded)}" if abs(rounded) < 1e22 else repr(rounded)


def _moment(number: float, since_1904: bool) -> str | None:
    if 0 <= number < 1:
        return (dt.datetime.min + dt.timedelta(milliseconds=round(number * 86_400_000))).time().isoformat()
    if not since_1904 and number < 60:
        number += 1  # Excel believes in a 29th of February 1900
    try:
        found = (dt.datetime(1904, 1, 1) if since_1904 else dt.datetime(1899, 12, 30)) + dt.timedelta(milliseconds=round(number * 86_400_000))
    except OverflowError:
        return None
    text = found.isoformat(timespec="seconds" if found.microsecond == 0 else "milliseconds")
    return text[:10] if text.endswith("T00:00:00") else text
