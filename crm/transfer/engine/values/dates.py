"""Dates and times as people, programs and spreadsheets write them, in the languages that exports are written in."""

import datetime as dt
import re
from functools import cache

from babel.dates import get_month_names
from django.utils.translation import gettext as _

from crm.lib.text import fold
from crm.records.services.values import Bad

_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "hu", "tr", "ro", "ru", "uk")
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "mez": 60, "cest": 120, "mesz": 120, "eet": 120, "eest": 180, "msk": 180,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "jst": 540, "aest": 600, "aedt": 660,
}
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_NO_DATE = re.compile(r"^0{1,4}([-/.])0{1,2}\1(0{4}|0{1,2})([ T]+[0:.]+Z?)?$|^0+$")
_NO_YEAR = re.compile(r"^--(\d\d)-?(\d\d)$")
_ISO = re.compile(r"^(\d{4})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{1,2})\.?(?:[ T,]+(.+))?$", re.S)
_COMPACT = re.compile(r"^((?:19|20|21)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:[T ]?(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}:?\d{2})?)?$")
_NUMERIC = re.compile(r"^(\d{1,2})\s*([/.\-])\s*(\d{1,2})\s*\2\s*(\d{4}|\d{2})(?:[ T,]+(.+))?$", re.S)
_HAN = re.compile(r"^(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일](?:\s*(.+))?$")
_DAY_FIRST = re.compile(
    r"^(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?[\s\-/.]*(?:de |of |den )?\s*([^\W\d_]{3,})\.?(?:,|\s+del?\b|\s+of\b)?[\s\-/.,]*"
    r"(\d{4}|\d{2})(?:\s*r\.|\s*г\.)?(?:[ ,T]+(.+))?$",
    re.S,
)
_MONTH_FIRST = re.compile(r"^([^\W\d_]{3,})\.?[\s\-/]*(\d{1,2})(?:st|nd|rd|th)?[,\s\-/]+(\d{4}|\d{2})(?:[ ,T]+(.+))?$", re.S)
_YEAR_FIRST = re.compile(r"^(\d{4})[\s\-/.]*([^\W\d_]{3,})\.?[\s\-/.]*(\d{1,2})\.?(?:[ ,T]+(.+))?$", re.S)
_SCRIPT = re.compile(r"^[a-z]{3} ([a-z]{3}) (\d{1,2}) (\d{4}) (.+)$", re.I)
_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}\.?,\s*(?=.*\d{4})")
_CLOCK = re.compile(
    r"^(?:um |at |à |kl\.? ?)?(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2}))?(?:[.,](\d{1,9}))?\s*(am|pm|a\.m\.|p\.m\.|a|p)?\s*(?:uhr|h)?\s*(.*)$", re.I | re.S
)
_OFFSET = re.compile(r"^(?:utc|gmt)?\s*([+-])(\d{1,2}):?(\d{2})?(?:\s*\(.*\))?$", re.I)
_SERIAL = re.compile(r"^[1-7]\d{4}(?:[.,]\d+)?$")
_EPOCH = re.compile(r"^[0-9]{10}(?:\d{3})?$")


class Ambiguous(Exception):
    """A date like 03/04/2024: it cannot be told which is the month."""


class NoYear(Exception):
    """A birthday without its year: it says something, and is no date."""


@cache
def months() -> dict[str, int]:
    """Return the months by their names, in all languages; a name of two different months is none."""
    found: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    for word in (plain := fold(name).rstrip("."), plain[:3] if language in ("en", "de") else plain):
                        found.setdefault(word, set()).add(number)
    return {word: next(iter(numbers)) for word, numbers in found.items() if len(numbers) == 1 and len(word) >= 3 and not word[0].isdigit()}


def date_text(text: str, order: str = "", *, past: bool = False, today: dt.date | None = None) -> str:
    """Return a date, or date and time, in ISO form; nothing for 0000-00-00, and a text that is no date as it is.

    ``order`` is ``dmy``, ``mdy`` or ``ymd``; without it ``Ambiguous`` is raised where day and month could change places.
    ``past`` is said of birthdays: a year of two digits lies behind us.
    """
    text = text.strip().translate(_DASHES)
    if _NO_DATE.match(text):
        return ""
    if _NO_YEAR.match(text):
        raise NoYear
    if match := _ISO.match(text):
        return _joined(match[1], match[2], match[3], match[4], text)
    if match := _COMPACT.match(text):
        clock = f"{match[4]}:{match[5]}:{match[6] or '00'}{match[7] or ''}" if match[4] else None
        return _joined(match[1], match[2], match[3], clock, text)
    if match := _NUMERIC.match(text):
        first, mark, second, year, time = match.groups()
        if order == "ymd" and len(year) == 2:
            return _joined(_full_year(first, past, today), second, year, time, text)
        month, day = _month_day(first, second, "dmy" if mark == "." else order)
        return _joined(_full_year(year, past, today), month, day, time, text)
    if _SERIAL.match(text):
        return _of_serial(float(text.replace(",", ".")))
    if _EPOCH.match(text):
        seconds = int(text) / (1000 if len(text) == 13 else 1)
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")
    if match := _HAN.match(text):
        return _joined(match[1], match[2], match[3], match[4], text)
    return _named(text, past, today)


def _named(text: str, past: bool, today: dt.date | None) -> str:
    plain = _WEEKDAY.sub("", text)
    if match := _SCRIPT.match(plain):  # what JavaScript prints
        plain = f"{match[1]} {match[2]} {match[3]} {match[4]}"
    for pattern, places in ((_DAY_FIRST, (3, 2, 1)), (_MONTH_FIRST, (3, 1, 2)), (_YEAR_FIRST, (1, 2, 3))):
        match = pattern.match(plain)
        if match and (month := months().get(fold(match[places[1]]))):
            return _joined(_full_year(match[places[0]], past, today), str(month), match[places[2]], match[4], text)
    return text


def _full_year(year: str, past: bool, today: dt.date | None) -> str:
    """Return four digits: up to ten years ahead is this century, a birthday is behind us."""
    if len(year) == 4:
        return year
    now = (today or dt.date.today()).year
    full = now // 100 * 100 + int(year)
    return str(full - 100 if full > now + (0 if past else 10) else full)


def _month_day(first: str, second: str, order: str) -> tuple[str, str]:
    if int(first) > 12 or order == "dmy":
        return second, first
    if int(second) > 12 or order == "mdy" or int(first) == int(second):
        return first, second
    raise Ambiguous


def _of_serial(days: float) -> str:
    """Return the day that a spreadsheet counts as so many since 1900."""
    moment = dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(days * 86_400))
    return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat()


def _joined(year: str, month: str, day: str, time: str | None, text: str) -> str:
    """Return the parts in ISO form; parts that are no day leave the text as it is, so that it is refused as it stands."""
    try:
        date = dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return text
    if not time or not time.strip():
        return date
    clock = clock_text(time.strip())
    return f"{date}T{clock}" if clock else text


def clock_text(time: str) -> str:
    """Return a time of day with its zone in ISO form; empty when it is none."""
    match = _CLOCK.match(time)
    if match is None:
        return ""
    hour, minute, second, fraction, half, zone = match.groups()
    if minute is None and half is None:
        return ""
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            if hours > 23 or half[0].lower() == "a":
                return ""
        else:
            hours = hours % 12 + (12 if half[0].lower() == "p" else 0)
    if hours > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        return ""
    found = f"{hours:02d}:{int(minute or 0):02d}:{int(second or 0):02d}"
    if fraction and int(fraction):
        found += f".{fraction[:6]}"
    if not zone.strip():
        return found
    if (offset := _zone(zone.strip())) is None:
        return ""
    return found + offset


def _zone(text: str) -> str | None:
    minutes = _ZONES.get(text.lower())
    if minutes is None:
        match = _OFFSET.match(text)
        if match is None:
            return None
        minutes = (int(match[2]) * 60 + int(match[3] or 0)) * (-1 if match[1] == "-" else 1)
        if abs(minutes) > 14 * 60:
            return None
    return "Z" if minutes == 0 else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def no_date(text: str, with_time: bool) -> Bad:
    """Return the refusal of a text that is no date, which is shown as it stands in the file."""
    if with_time:
        return Bad(_("“%(value)s” is not a date and time; write it as YYYY-MM-DDThh:mm:ssZ.") % {"value": text[:40]})
    return Bad(_("“%(value)s” is not a date; write it as YYYY-MM-DD.") % {"value": text[:40]})
