"""The German words of the quick line: a day and a time said in German become what ``quick`` reads."""

import datetime as dt
import re

from django.utils import timezone

WEEKDAYS = {
    "montag": "monday", "dienstag": "tuesday", "mittwoch": "wednesday", "donnerstag": "thursday", "freitag": "friday",
    "samstag": "saturday", "sonnabend": "saturday", "sonntag": "sunday",
}
MONTHS = {
    "januar": "jan", "februar": "feb", "märz": "mar", "april": "apr", "mai": "may", "juni": "jun", "juli": "jul", "august": "aug",
    "september": "sep", "oktober": "oct", "november": "nov", "dezember": "dec",
}
UNITS = {"tag": "day", "woche": "week", "monat": "month"}
PRIORITIES = {"niedrig": "low", "mittel": "medium", "hoch": "high", "dringend": "urgent"}

_DAY = re.compile(
    rf"\b(?:am\s+|bis\s+)?(?:(?P<after>übermorgen)|(?P<week>nächste\s+woche)|(?P<next>(?:nächste|kommende)[nr]?\s+)?(?P<weekday>{'|'.join(WEEKDAYS)})"
    r"|in\s+(?P<n>\d{1,3})\s+(?P<unit>tag|woche|monat)(?:en|n|e)?"
    rf"|(?P<day>\d{{1,2}})\.\s?(?:(?P<month>\d{{1,2}})\.(?P<year>\d{{4}})?|(?P<named>{'|'.join(MONTHS)})(?:\s+(?P<year2>\d{{4}}))?))(?!\w)",
    re.I,
)
_TIME = re.compile(r"\b(?:um\s+(\d{1,2})(?::(\d{2}))?(?:\s*uhr)?|(\d{1,2})(?:[:.](\d{2}))?\s*uhr)\b", re.I)


def in_english(text: str) -> str:
    """Return a line with the first day and the first time that are said in German said in English."""
    return _TIME.sub(lambda m: f"{m[1] or m[3]}:{m[2] or m[4] or '00'}", _DAY.sub(_day, text, count=1), count=1)


def _day(match: re.Match[str]) -> str:
    if match["after"]:
        return "in 2 days"
    if match["week"]:
        return "next week"
    if match["weekday"]:
        return ("next " if match["next"] else "") + WEEKDAYS[match["weekday"].lower()]
    if match["n"]:
        return f"in {match['n']} {UNITS[match['unit'].lower()]}s"
    if match["named"]:
        return " ".join(p for p in (match["day"], MONTHS[match["named"].lower()], match["year2"]) if p)
    return _numbered(match)


def _numbered(match: re.Match[str]) -> str:
    today = timezone.localdate()
    try:
        found = dt.date(int(match["year"] or today.year), int(match["month"]), int(match["day"]))
        return (found if match["year"] or found >= today else found.replace(year=found.year + 1)).isoformat()
    except ValueError:
        return match[0]
