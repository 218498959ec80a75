"""The quick line: “call Hana tomorrow 15:00 #Northgate !high @ines” becomes the fields of a task."""

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from dateutil import parser as dates
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.accounts.models import User
from crm.lib.errors import Invalid
from crm.lib.text import clean_line, fold
from crm.search.service import Hit, search
from crm.ui.figures import day_and_time
from tasks.german import PRIORITIES, in_english
from tasks.models import Task
from tasks.repeating import END_OF_WORK

MAX_LENGTH = 400
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = {"today": 0, "tonight": 0, "tomorrow": 1, "heute": 0, "morgen": 1}
TYPES = {
    "call": Task.Type.FOLLOW_UP, "email": Task.Type.FOLLOW_UP, "demo": Task.Type.DEMO, "proposal": Task.Type.PROPOSAL,
    "quote": Task.Type.PROPOSAL, "contract": Task.Type.CONTRACT, "support": Task.Type.SUPPORT,
    "meet": Task.Type.MEETING, "meeting": Task.Type.MEETING,
    "anruf": Task.Type.FOLLOW_UP, "anrufen": Task.Type.FOLLOW_UP, "angebot": Task.Type.PROPOSAL, "vertrag": Task.Type.CONTRACT,
    "besprechung": Task.Type.MEETING, "treffen": Task.Type.MEETING,
}
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = r"(?:0?[1-9]|[12]\d|3[01])"
_TIME = re.compile(r"(?:\bat\s+)?\b(\d{1,2}):(\d{2})\b|(?:\bat\s+)?\b(\d{1,2})\s?(am|pm)\b|\bat\s+(\d{1,2})\b(?![:.\d])", re.I)
_DAY = re.compile(
    rf"\b(?:(?P<word>{'|'.join(DAYS)})|(?:(?P<next>next)\s+)?(?P<weekday>{'|'.join(WEEKDAYS)})|(?P<week>next\s+week)"
    r"|in\s+(?P<n>\d{1,3})\s+(?P<unit>day|week|month)s?|(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<date>{_DATE}\.?\s+(?:{_MONTHS})[a-z]*\.?(?:\s+\d{{4}})?|(?:{_MONTHS})[a-z]*\.?\s+{_DATE}(?:,?\s+\d{{4}})?))\b",
    re.I,
)
_ABOUT = re.compile(r'(?:^|(?<=\s))#(?:"([^"]{1,80})"|(\S{1,60}))')
_WHO = re.compile(r"(?:^|(?<=\s))@(\S{1,60})")
_PRIORITY = re.compile(r"(?:^|(?<=\s))!(low|medium|high|urgent|niedrig|mittel|hoch|dringend)?(?=\s|$)", re.I)


@dataclass
class Quick:
    """What was understood, as the fields of a task, with a chip for each thing."""

    title: str
    fields: dict[str, Any] = field(default_factory=dict)
    chips: list[tuple[str, str, str]] = field(default_factory=list)
    """Icon, words, and the name of the field."""
    problems: list[str] = field(default_factory=list)

    @property
    def due(self) -> str:
        """Return the due date as a form shows it."""
        text = self.fields.get("due_date", "")
        return f"{timezone.localtime(dt.datetime.fromisoformat(text)):%Y-%m-%dT%H:%M}" if text else ""


def understand(text: str, user: Any) -> Quick:
    """Read a line. What is not understood stays in the title; a name that fits nobody is told."""
    rest = clean_line(text[:MAX_LENGTH])
    found = Quick("")
    rest = _about(rest, user, found)
    rest = _who(rest, user, found)
    rest = _priority(rest, found)
    said = in_english(rest)
    read = _when(said, found)
    rest = rest if read == said else read
    found.title = re.sub(r"\s+", " ", rest).strip(" ,")
    words = fold(found.title).split()
    kind = next((TYPES[w.strip(",.:")] for w in words if w.strip(",.:") in TYPES), None)
    if kind is not None:
        found.fields["type"] = kind.value
    found.fields["title"] = found.title
    return found


def corrected(fields: dict[str, Any], params: Any) -> dict[str, Any]:
    """Return the fields of a line as its chips were corrected: some left out (``drop``), some set (``set.…``)."""
    found = {name: value for name, value in fields.items() if name == "title" or name not in params.getlist("drop")}
    for name in ("priority", "type"):
        if params.get(f"set.{name}") and name in found:
            found[name] = params[f"set.{name}"]
    if params.get("set.due_date") and "due_date" in found:
        try:
            found["due_date"] = timezone.make_aware(dt.datetime.fromisoformat(params["set.due_date"])).isoformat()
        except (ValueError, OverflowError):
            raise Invalid.field("due_date", _("This is not a date.")) from None
    return found


def _about(text: str, user: Any, found: Quick) -> str:
    for match in _ABOUT.finditer(text):
        name = (match.group(1) or match.group(2)).replace("_", " ")
        hits: list[Hit] = search(user, name, entities=["company", "customer", "deal"], limit=1)
        best = hits[0] if hits else None
        if best is None or best.entity in found.fields:
            found.problems.append(_("Nothing is called “%(name)s”.") % {"name": name})
            continue
        found.fields[best.entity] = str(best.id)
        found.chips.append((best.icon, best.title, best.entity))
    return _ABOUT.sub(" ", text)


def _who(text: str, user: Any, found: Quick) -> str:
    match = _WHO.search(text)
    if match is None:
        return text
    name = fold(match.group(1).replace("_", " "))
    people = visible_to(user, User).filter(is_active=True)
    person = user if name in ("me", "mich") else people.filter(search_text__contains=name).order_by("sort_key").first()
    if person is None:
        found.problems.append(_("Nobody is called “%(name)s”.") % {"name": match.group(1)})
    else:
        found.fields["assigned_user"] = str(person.pk)
        found.chips.append(("user-round", person.name, "assigned_user"))
    return _WHO.sub(" ", text)


def _priority(text: str, found: Quick) -> str:
    match = _PRIORITY.search(text)
    if match is None:
        return text
    word = (match.group(1) or "high").lower()
    priority = Task.Priority[PRIORITIES.get(word, word).upper()]
    found.fields["priority"] = priority.value
    found.chips.append(("flag", str(priority.label), "priority"))
    return _PRIORITY.sub(" ", text)


def _when(text: str, found: Quick) -> str:
    day_match = _DAY.search(text)
    rest = text[:day_match.start()] + " " + text[day_match.end():] if day_match else text
    time_match = _TIME.search(rest)
    day = _day(day_match) if day_match else None
    at = _time(time_match) if time_match else None
    if (day_match and day is None) or (time_match and at is None) or not (day or at):
        return text
    if time_match:
        rest = rest[:time_match.start()] + " " + rest[time_match.end():]
    now = timezone.localtime()
    moment = timezone.make_aware(dt.datetime.combine(day or now.date(), at or END_OF_WORK))
    if day is None and moment < now:
        moment += dt.timedelta(days=1)
    found.fields["due_date"] = moment.isoformat()
    found.chips.append(("calendar", day_and_time(moment), "due_date"))
    return re.sub(r"\b(on|by|at|am|um|bis)\s*$", "", re.sub(r"\s+", " ", rest).strip(), flags=re.I)


def _day(match: re.Match[str]) -> dt.date | None:
    today = timezone.localdate()
    if word := match.group("word"):
        return today + dt.timedelta(days=DAYS[word.lower()])
    if weekday := match.group("weekday"):
        ahead = (WEEKDAYS.index(weekday.lower()) - today.weekday()) % 7 or 7
        return today + dt.timedelta(days=ahead + (7 if match.group("next") and ahead < 7 - today.weekday() else 0))
    if match.group("week"):
        return today + dt.timedelta(days=7 - today.weekday())
    if n := match.group("n"):
        days = {"day": 1, "week": 7, "month": 30}[match.group("unit").lower()]
        return today + dt.timedelta(days=int(n) * days)
    try:
        if iso := match.group("iso"):
            return dt.date.fromisoformat(iso)
        read = dates.parse(match.group("date"), default=dt.datetime(today.year, 1, 1)).date()
    except (ValueError, OverflowError):
        return None
    has_year = re.search(r"\d{4}", match.group("date"))
    return read if has_year or read >= today else read.replace(year=read.year + 1)


def _time(match: re.Match[str]) -> dt.time | None:
    hours, minutes, twelve, half, plain = match.groups()
    hour = int(hours or twelve or plain)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return dt.time(hour, int(minutes or 0))
    except ValueError:
        return None
