"""The values of clauses: checked, and made ready for the database. Nothing odd gets further than here."""

import datetime as dt
import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from crm.criteria import dates
from crm.criteria.vocabulary import Askable, Type
from crm.lib.text import has_unstorable

MAX_VALUES = 500
MAX_LENGTH = 1000
_NUMBER = re.compile(r"^[+-]?\d{1,30}(\.\d{1,20})?$")


class Bad(Exception):
    """A value that does not fit; the sentence says why."""


def check(asked: Askable, takes: str, value: Any, viewer: Any) -> Any:
    """Return the canonical value of a clause (plain JSON), or raise ``Bad``."""
    if takes == "none":
        if value is not None:
            raise Bad(_("This operator takes no value."))
        return None
    if takes == "age":
        return _age(value)
    if takes == "one":
        return _one(asked, value, viewer)
    if not isinstance(value, list) or not value:
        raise Bad(_("A list of values is expected."))
    if takes == "two" and len(value) != 2:
        raise Bad(_("Two values are expected: from and to."))
    if len(value) > MAX_VALUES:
        raise Bad(_("At most %(limit)d values.") % {"limit": MAX_VALUES})
    return [_one(asked, item, viewer) for item in value]


def ready(asked: Askable, value: Any) -> Any:
    """Return a canonical value as Python takes it: numbers, dates and moments; the rest as it is."""
    if isinstance(value, list):
        return [ready(asked, item) for item in value]
    if asked.type == Type.NUMBER:
        return Decimal(value)
    if asked.type in (Type.DATE, Type.MOMENT) and isinstance(value, str):
        return _parsed(value)
    return value


def _one(asked: Askable, value: Any, viewer: Any) -> Any:
    if value is None or (isinstance(value, str) and value == ""):
        raise Bad(_("A value is expected."))
    return _CHECKS[asked.type](asked, value, viewer)


def _string(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        value = str(value)
    if not isinstance(value, str):
        raise Bad(_("A text is expected."))
    if len(value) > MAX_LENGTH:
        raise Bad(_("At most %(limit)d characters.") % {"limit": MAX_LENGTH})
    if has_unstorable(value):
        raise Bad(_("It contains characters that cannot be stored (NUL or a lone surrogate)."))
    return value


def _text(asked: Askable, value: Any, viewer: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Python refuses to write very long integers as text.
        value = str(value) if isinstance(value, float) or abs(value) < 10**30 else None
    return _string(value)


def _number(asked: Askable, value: Any, viewer: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise Bad(_("A number is expected."))
    if isinstance(value, int) and abs(value) >= 10**30:
        raise Bad(_("This number is too large."))
    text = str(value).strip()
    if isinstance(value, float | Decimal):
        try:
            text = format(Decimal(text), "f") if len(text) < 60 else text
        except InvalidOperation:
            pass
    if not _NUMBER.match(text):
        shown = text[:40]
        raise Bad(_("“%(value)s” is not a number.") % {"value": shown})
    return text


def _boolean(asked: Askable, value: Any, viewer: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Bad(_("Yes or no is expected (true or false)."))


def _choice(asked: Askable, value: Any, viewer: Any) -> str:
    text = _string(value)
    allowed = [v for v, _label in (asked.options() if asked.options else ())]
    if text not in allowed:
        raise Bad(_("“%(value)s” is not one of: %(allowed)s.")
                  % {"value": text[:60], "allowed": ", ".join(allowed[:20])})
    return text


def _key(asked: Askable, value: Any, viewer: Any) -> str:
    """Return a link's, user's or tag's value, if it names something that the viewer can see."""
    text = _string(value)
    if asked.type == Type.USER and text == "me":
        return text
    assert asked.resolve is not None
    if not asked.resolve(viewer, text):
        raise Bad(_("There is no “%(value)s”.") % {"value": text[:60]})
    return text


def _parsed(text: str) -> dt.date | dt.datetime | None:
    """Return a date or an aware moment; None for anything else."""
    try:
        day = parse_date(text)
        moment = parse_datetime(text) if day is None else None
    except ValueError:
        return None
    found = day or moment
    if found is None or not 1000 <= found.year <= 9990:
        return None
    if isinstance(found, dt.datetime):
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    return found


def _temporal(asked: Askable, value: Any, viewer: Any) -> Any:
    if isinstance(value, dict):
        return _relative(value)
    if isinstance(value, dt.date):
        value = value.isoformat()
    text = _string(value).strip()
    if len(text) > 40 or _parsed(text) is None:
        raise Bad(_("“%(value)s” is not a date; write it as YYYY-MM-DD.") % {"value": text[:40]})
    return text


def _relative(value: dict[str, Any]) -> dict[str, Any]:
    word, n, unit = value.get("relative"), value.get("n"), value.get("unit")
    if word not in dates.WORDS or value.keys() - {"relative", "n", "unit"}:
        raise Bad(_("A relative date has “relative” (%(words)s), and where needed “n” and “unit”.")
                  % {"words": ", ".join(dates.WORDS)})
    if word in dates.POINTS:
        if n is not None or unit is not None:
            raise Bad(_("“%(word)s” takes no unit.") % {"word": word})
        return {"relative": word}
    if n is None:
        if unit not in dates.UNITS:
            raise Bad(_("The unit is one of: %(units)s.") % {"units": ", ".join(dates.UNITS)})
        return {"relative": word, "unit": unit}
    if word == "this":
        raise Bad(_("“this” takes no number."))
    return {"relative": word, **_age(value)}


def _age(value: Any) -> dict[str, Any]:
    """Return a checked ``{"n", "unit"}``."""
    if not isinstance(value, dict) or value.keys() - {"relative", "n", "unit"}:
        raise Bad(_("A number and a unit are expected: “n” and “unit”."))
    n, unit = value.get("n"), value.get("unit")
    if unit not in dates.ROLLING:
        raise Bad(_("The unit is one of: %(units)s.") % {"units": ", ".join(dates.ROLLING)})
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= dates.MAX_N[unit]:
        raise Bad(_("A whole number from 1 to %(limit)d is expected.") % {"limit": dates.MAX_N[unit]})
    return {"n": n, "unit": unit}


_CHECKS = {
    Type.TEXT: _text,
    Type.NUMBER: _number,
    Type.BOOLEAN: _boolean,
    Type.CHOICE: _choice,
    Type.CHOICES: _choice,
    Type.DATE: _temporal,
    Type.MOMENT: _temporal,
    Type.TAGS: _key,
    Type.USER: _key,
    Type.LINK: _key,
}
