"""Numbers, money and times in the reader's language and time zone."""

import datetime as dt
import functools
import re
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_datetime_format
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    get_currency_precision,
)
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.lib.agents import client_of
from crm.lib.languages import dates, locale
from crm.ui.html import SafeString, esc


@functools.lru_cache(maxsize=16)
def _signs(of: Locale) -> dict[int, str] | None:
    """Return how to rewrite ``1,234.5`` for a locale; None where numbers are not grouped by threes in Latin digits."""
    symbols = of.number_symbols["latn"]
    if of.default_numbering_system != "latn" or of.decimal_formats[None].pattern != "#,##0.###" or symbols["minusSign"] != "-":
        return None
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"]})


@functools.lru_cache(maxsize=256)
def _around(currency: str, of: Locale) -> tuple[str, str, int]:
    """Return what stands before and after an amount of a currency, and its decimal places."""
    pattern = of.currency_formats["standard"].pattern.replace(".00", "")
    before, _zero, after = format_currency(0, currency, pattern, locale=of, currency_digits=False).partition("0")
    return before, after, get_currency_precision(currency)


def number(value: Any, places: int | None = None) -> str:
    """Write a number with the grouping of the language."""
    if value is None or value == "":
        return ""
    signs = _signs(locale())
    if signs is not None and type(value) is int:
        return f"{value:,}".translate(signs)
    exact = Decimal(str(value))
    if places is not None:
        exact = round(exact, places)
    elif exact == exact.to_integral_value():
        exact = exact.to_integral_value()
    if signs is None or not exact.is_finite() or (places is not None and places > 3):
        return format_decimal(exact, locale=locale(), decimal_quantization=places is not None)
    text = f"{exact:,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).translate(signs)


def signed(value: int) -> str:
    """Write a whole number with its sign: what something went up or down by."""
    return ("+" if value > 0 else "−" if value < 0 else "") + number(abs(value))


def percent(value: Any, places: int = 0) -> str:
    """Write a share of a hundred with the sign of the language: “25%”, “25 %”."""
    if value is None or value == "":
        return ""
    return number(value, places) + str(locale().percent_formats[None].suffix[0])


def money(value: Any, currency: str = "", short: bool = False) -> str:
    """Write an amount; whole amounts without decimals, ``short`` as 1.2M."""
    if value is None or value == "":
        return ""
    amount = value if type(value) is Decimal else Decimal(str(value))
    if not currency:
        return shortened(amount) if short else number(amount, 2)
    if short and abs(amount) >= 10_000:
        return _compact(amount, currency, locale())
    whole = amount == amount.to_integral_value()
    signs = _signs(locale())
    if signs is not None and amount >= 0:
        before, after, places = _around(currency, locale())
        return f"{before}{f'{amount:,.{0 if whole else places}f}'.translate(signs)}{after}"
    pattern = locale().currency_formats["standard"].pattern
    if whole:
        pattern = pattern.replace(".00", "")
    return format_currency(amount, currency, pattern, locale=locale(), currency_digits=".00" in pattern)


def shortened(amount: Any) -> str:
    """Write a number in a few letters: “1.2M”; in full where the language has no short word for it."""
    text = str(format_compact_decimal(Decimal(str(amount)), locale=locale(), fraction_digits=1))
    return number(amount, 0) if _UNSHORTENED.search(text) else text


# German has no short word for thousands; Babel then leaves 532470 as it is, without even the point.
_UNSHORTENED = re.compile(r"\d{4}")


@functools.lru_cache(maxsize=1024)
def _compact(amount: Decimal, currency: str, of: Locale) -> str:
    text = str(format_compact_currency(amount, currency, locale=of, fraction_digits=1))
    return money(amount.quantize(Decimal(1)), currency) if _UNSHORTENED.search(text) else text


@functools.lru_cache(maxsize=4096)
def _day(day: dt.date, pattern: str, of: Locale) -> str:
    return format_date(day, pattern, locale=of)


def _clock(moment: dt.datetime, width: str, of: Locale) -> str:
    """Write a time of day; ours read 14:05 in every language, which needs no library."""
    pattern = of.time_formats[width].pattern
    if pattern == "HH:mm":
        return f"{moment.hour:02}:{moment.minute:02}"
    if pattern == "HH:mm:ss":
        return f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return format_time(moment, width, locale=of)


def _moment(moment: dt.datetime, of: Locale) -> str:
    """Write day and time in the medium length."""
    frame = str(get_datetime_format("medium", locale=of)).replace("'", "")
    return frame.replace("{0}", _clock(moment, "medium", of)).replace("{1}", _day(moment.date(), "medium", of))


def when(value: Any, style: str = "auto") -> SafeString | str:
    """Write a date or time as ``<time>``.

    ``auto``: near days by name, others as a date; ``relative``: “3 hours ago”; ``full``: day and time.
    The machine-readable moment and the full wording always come along.
    """
    if not value:
        return ""
    if isinstance(value, str):
        value = _parsed(value)
        if value is None:
            return ""
    if isinstance(value, dt.datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        full = _moment(local, dates())
        if style == "full":
            text = full
        elif style == "relative":
            text = relative(local)
        elif style == "time":
            text = _clock(local, "short", dates())
        else:
            day = local.date()
            distance = (day - timezone.localdate()).days
            text = _near(day) if distance else _clock(local, "short", dates())
            if abs(distance) == 1:
                text = f"{text} {_clock(local, 'short', dates())}"
        return SafeString(f'<time datetime="{value.isoformat()}" title="{esc(full)}">{esc(text)}</time>')
    full = _day(value, "full", dates())
    return SafeString(f'<time datetime="{value.isoformat()}" title="{esc(full)}">{esc(_near(value))}</time>')


def _parsed(value: str) -> dt.datetime | dt.date | None:
    try:
        return dt.datetime.fromisoformat(value) if "T" in value else dt.date.fromisoformat(value)
    except ValueError:
        return None


def _near(day: dt.date) -> str:
    today = timezone.localdate()
    distance = (day - today).days
    if distance == 0:
        return _("Today")
    if distance == 1:
        return _("Tomorrow")
    if distance == -1:
        return _("Yesterday")
    if abs(distance) < 300 and day.year == today.year:
        return day_of_year(day)
    return _day(day, "medium", dates())


@functools.lru_cache(maxsize=1024)
def _parts(day: dt.date, parts: str, of: Locale) -> str:
    return format_skeleton(parts, day, locale=of)


def month(day: dt.date) -> str:
    """Write a month and its year: “Nov 2026”."""
    return _parts(day, "yMMM", dates())


def day_of_year(day: dt.date) -> str:
    """Write a day without its year: “20 Nov”."""
    return _parts(day, "MMMd", dates())


def weekday(day: dt.date) -> str:
    """Write a day of this year with its name: “Friday 20 November”."""
    pattern = dates().date_formats["full"].pattern.replace("y", "").strip(" ,")
    return _day(day, pattern, dates())


def day_in_full(day: dt.date) -> str:
    """Write a day with its name and year."""
    return _day(day, "full", dates())


def day_and_time(moment: dt.datetime) -> str:
    """Write a moment to come: near days by name, others in full, then the time."""
    local = timezone.localtime(moment)
    distance = (local.date() - timezone.localdate()).days
    return f"{_near(local.date()) if 0 <= distance < 2 else _day(local.date(), 'medium', dates())} {_clock(local, 'short', dates())}"


def relative(moment: dt.datetime) -> str:
    """Write how long ago or in how long: “3 hours ago”, “in 2 days”."""
    distance = moment - timezone.now()
    if abs(distance) < dt.timedelta(seconds=45):
        return _("just now")
    return format_timedelta(distance, add_direction=True, locale=locale(), format="long")


def age(moment: dt.datetime) -> SafeString:
    """Write in as few letters as can be how long ago something was: “12 min”, “3 h”, “Yesterday”, “6 d”, “12 Oct”."""
    local = timezone.localtime(moment)
    minutes = int((timezone.now() - moment).total_seconds() // 60)
    days = (timezone.localdate() - local.date()).days
    if minutes < 1:
        text = _("Now")
    elif minutes < 60:
        text = _("%(m)d min") % {"m": minutes}
    elif days == 0 or minutes < 6 * 60:
        text = _("%(h)d h") % {"h": minutes // 60}
    else:
        text = _near(local.date()) if days == 1 or days > 13 else _("%(d)d d") % {"d": days}
    return _time(moment, _moment(local, dates()), text)


def due(moment: dt.datetime) -> SafeString:
    """Write in few letters when something is due: “Today”, “Mon 23 Nov”, “2 d late”."""
    local = timezone.localtime(moment)
    days = (local.date() - timezone.localdate()).days
    if days < 0:
        text = _("%(d)d d late") % {"d": -days}
    elif days < 2 or days > 300:
        text = _near(local.date())
    else:
        text = _parts(local.date(), "MMMEd", dates())
    return _time(moment, _moment(local, dates()), text)


def _time(moment: dt.datetime, full: str, text: str) -> SafeString:
    return SafeString(f'<time datetime="{moment.isoformat()}" title="{esc(full)}">{esc(text)}</time>')


def duration(seconds: Any) -> str:
    """Write a length of time: “14 min”, “1 h 5 min”."""
    if not seconds:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(h)d h %(m)d min") % {"h": hours, "m": minutes} if minutes else _("%(h)d h") % {"h": hours}
    return _("%(m)d min") % {"m": minutes} if minutes else _("%(s)d s") % {"s": rest}


def client(agent: Any) -> str:
    """Return what a User-Agent says to a person: “Firefox on Windows”."""
    program, system = client_of(str(agent or ""))
    if program and system:
        return _("%(program)s on %(system)s") % {"program": program, "system": system}
    return program or system or _("Unknown client")


def size(count: Any) -> str:
    """Write a number of bytes."""
    value = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{number(value, 0 if unit == 'B' or value >= 100 else 1)} {unit}"
        value /= 1000
    return ""
