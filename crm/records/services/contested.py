"""Two people in one record: different fields both win, the same one asks, and no letter is lost (X3)."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crm.accounts.models import User
from crm.activity.models import ActivityLog
from crm.lib.errors import Detail, Outdated
from crm.lib.merging import merge_texts
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.services.cleaning import Cleaned


def settle(declared: Entity, obj: Any, version: int, changed: set[str], cleaned: Cleaned, *, whole: bool) -> set[str]:
    """Return what of ``changed`` is still to be written by one who read ``version``; raise ``Outdated`` to ask him.

    In a ``whole`` form a value that is as it was read was not touched, and gives way. Two edits of one long
    text are united where they do not touch the same words.
    """
    before, who = _since(obj, version)
    left, asked = set(changed), {}
    for name in changed:
        f = declared.field(name)
        if f is None or _column(obj, f) not in before:
            continue
        read = before[_column(obj, f)]
        mine, theirs = _value(f, cleaned), obj.custom.get(f.name) if f.custom else getattr(obj, f.source, None)
        if whole and _same(mine, read):
            left.discard(name)
            _take(f, cleaned, theirs)
            continue
        if whole and f.kind == Kind.LONG_TEXT:
            united = merge_texts(read or "", mine or "", theirs or "")
            if united is not None and (not f.max_length or len(united) <= f.max_length):
                _take(f, cleaned, united)
                continue
        asked[name] = {"yours": str(mine), "theirs": str(theirs), "by": who.get(_column(obj, f))}
    if asked:
        _ask(declared, obj, asked)
    return left


def _ask(declared: Entity, obj: Any, asked: dict[str, dict[str, Any]]) -> None:
    people = User.objects.in_bulk({v["by"] for v in asked.values() if v["by"]})
    for values in asked.values():
        values["by"] = str(people.get(values["by"], ""))
    labels = ", ".join(str(f.label) for f in (declared.field(n) for n in asked) if f is not None)
    raise Outdated(
        _("Someone changed %(fields)s in the meantime.") % {"fields": labels},
        details=[
            Detail(n, (_("%(by)s set “%(theirs)s”, you set “%(yours)s”.") if v["by"] else _("Now “%(theirs)s”, you set “%(yours)s”.")) % v)
            for n, v in asked.items()
        ],
        extra={"fields": asked, "version": obj.version},
    )


def _since(obj: Any, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return, by column, the values as they stood at ``version`` where they changed later, and who changed them last."""
    before: dict[str, Any] = {}
    who: dict[str, Any] = {}
    rows = ActivityLog.objects.filter(
        entity_id=obj.pk, kind=ActivityLog.Kind.CHANGE, table_name=obj._meta.db_table
    ).order_by("created_at", "id")
    for changes, user_id in rows.values_list("changes", "user_id"):
        after = changes.get("version", [None, None])[1]
        if not isinstance(after, int) or after <= version:
            continue
        pairs = {c: pair for c, pair in changes.items() if c != "custom"}
        old, new = (c or {} for c in changes.get("custom", [{}, {}]))
        pairs |= {f"custom.{k}": [old.get(k), new.get(k)] for k in {*old, *new} if old.get(k) != new.get(k)}
        for column, (was, _now) in pairs.items():
            before.setdefault(column, was)
            who[column] = user_id
    return before, who


def _column(obj: Any, f: Field) -> str:
    if f.custom:
        return f.key
    return "" if f.kind == Kind.TAGS else str(obj._meta.get_field(f.source).column)


def _value(f: Field, cleaned: Cleaned) -> Any:
    return cleaned.custom.get(f.name) if f.custom else cleaned.values.get(f.source)


def _take(f: Field, cleaned: Cleaned, value: Any) -> None:
    if f.custom:
        cleaned.custom[f.name] = value
    else:
        cleaned.values[f.source] = value


def _same(value: Any, logged: Any) -> bool:
    """Tell whether a value is the one that the log has in its own spelling."""
    value = getattr(value, "pk", value)
    if value in (None, "", [], {}) or logged in (None, "", [], {}):
        return value in (None, "", [], {}) and logged in (None, "", [], {})
    if isinstance(value, bool):
        return value is logged
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)) == Decimal(str(logged))
    if isinstance(value, dt.datetime):
        return value == dt.datetime.fromisoformat(str(logged))
    if isinstance(value, list | dict):
        return bool(value == logged)
    return str(value) == str(logged)
