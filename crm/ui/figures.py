"""Numbers, money and times in the reader's language and time zone."""

import datetime as dt
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_compact_currency, format_compact_decimal, format_currency, format_decimal
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

_LOCALES: dict[str, Locale] = {}
_BRITISH = Locale.parse("en_GB")


def locale() -> Locale:
    """Return Babel's locale of the active language."""
    language = get_language() or "en"
    if language not in _LOCALES:
        try:
            _LOCALES[language] = Locale.parse(language, sep="-")
        except (UnknownLocaleError, ValueError):
            _LOCALES[language] = Locale.parse("en")
    return _LOCALES[language]


def dates() -> Locale:
    """Return the locale of dates and times: the day stands before the month in every language of ours."""
    found = locale()
    return _BRITISH if found.language == "en" and not found.territory else found


def number(value: Any, places: int | None = None) -> str:
    """Write a number with the grouping of the language."""
    if value is None or value == "":
        return ""
    exact = Decimal(str(value))
    if places is not None:
        exact = round(exact, places)
    elif exact == exact.to_integral_value():
        exact = exact.to_integral_value()
    return format_decimal(exact, locale=locale(), decimal_quantization=places is not None)


def money(value: Any, currency: str = "", short: bool = False) -> str:
    """Write an amount; whole amounts without decimals, ``short`` as 1.2M."""
    if value is None or value == "":
        return ""
    amount = Decimal(str(value))
    if not currency:
        return format_compact_decimal(amount, locale=locale(), fraction_digits=1) if short else number(amount, 2)
    if short and abs(amount) >= 10_000:
        return format_compact_currency(amount, currency, locale=locale(), fraction_digits=1)
    pattern = locale().currency_formats["standard"].pattern
    if amount == amount.to_integral_value():
        pattern = pattern.replace(".00", "")
    return format_currency(amount, currency, pattern, locale=locale(), currency_digits=".00" in pattern)


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
        full = format_datetime(local, "medium", locale=dates())
        if style == "full":
            text = full
        elif style == "relative":
            text = relative(local)
        elif style == "time":
            text = format_time(local, "short", locale=dates())
        else:
            text = _near(local.date())
            if local.date() == timezone.localdate():
                text = format_time(local, "short", locale=dates())
            elif text in (_("Tomorrow"), _("Yesterday")):
                text = f"{text} {format_time(local, 'short', locale=dates())}"
        return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), full, text)
    full = format_date(value, "full", locale=dates())
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), full, _near(value))


def _parsed(value: str) -> dt.datetime | dt.date | None:
    try:
        return dt.datetime.fromisoformat(value) if "T" in value else dt.date.fromisoformat(value)
    except ValueError:
        return None


def _near(day: dt.date) -> str:
    distance = (day - timezone.localdate()).days
    if distance == 0:
        return _("Today")
    if distance == 1:
        return _("Tomorrow")
    if distance == -1:
        return _("Yesterday")
    if abs(distance) < 300 and day.year == timezone.localdate().year:
        return format_date(day, "d MMM" if dates().language == "en" else "d. MMM", locale=dates())
    return format_date(day, "medium", locale=dates())


def relative(moment: dt.datetime) -> str:
    """Write how long ago or in how long: “3 hours ago”, “in 2 days”."""
    distance = moment - timezone.now()
    if abs(distance) < dt.timedelta(seconds=45):
        return _("just now")
    return format_timedelta(distance, add_direction=True, locale=locale(), format="long")


def duration(seconds: Any) -> str:
    """Write a length of time: “14 min”, “1 h 5 min”."""
    if not seconds:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(h)d h %(m)d min") % {"h": hours, "m": minutes} if minutes else _("%(h)d h") % {"h": hours}
    return _("%(m)d min") % {"m": minutes} if minutes else _("%(s)d s") % {"s": rest}


def size(count: Any) -> str:
    """Write a number of bytes."""
    value = float(count or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{number(value, 0 if unit == 'B' or value >= 100 else 1)} {unit}"
        value /= 1000
    return ""
