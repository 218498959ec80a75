"""The audit log: who did what to which record, from where; filtered, page by page, and as a file."""

import csv
import datetime as dt
import ipaddress
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from crm.access.policy import require, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.activity.facts import record_access, words_of_facts
from crm.activity.models import ActivityLog
from crm.lib.errors import Denied, Invalid
from crm.lib.ids import parse_uuid
from crm.records.audit import ACCESSES, WORDS, Filters, Line, entities, entries_for, lines
from crm.records.told import told
from crm.transfer.formulas import guard
from crm.ui.pages import page, render

PAGE = 50
MOST_EXPORTED = 100_000
CHUNK = 500
ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@page()
def audit_log(request: HttpRequest) -> HttpResponse:
    """Show the log, newest first."""
    _require(request)
    filters, problems = _filters(request)
    before = parse_uuid(request.GET.get("before", ""))
    rows = entries_for(request.user, filters) if not problems else ActivityLog.objects.none()
    if not any(request.GET.values()) or set(request.GET) == {"before"}:
        # What jobs tell of themselves drowns what people do; whoever asks for it gets it.
        rows = rows.exclude(entity="job", user=None)
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows.select_related("change_set")[: PAGE + 1])
    context = {
        "lines": told(lines(found[:PAGE], request.user), request.user), "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "who": visible_to(request.user, User).filter(pk=filters.user).first() if filters.user else None,
        "entities": entities(), "kinds": ActivityLog.Kind.choices, "actions": _actions(), "problems": problems,
        "asked": request.GET, "filtered": any(v for k, v in request.GET.items() if k != "before"),
        "may_export": rights_of(request.user).may("export", "audit"),
    }
    return render(request, "workspace/activity/audit.html", context, status=400 if problems else 200)


@page()
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """Stream what the filters let through as CSV; the export itself is logged."""
    _require(request)
    if not rights_of(request.user).may("export", "audit"):
        raise Denied
    filters, problems = _filters(request)
    if problems:
        raise Invalid(problems[0])
    record_access("audit.exported", user=request.user, filters=dict(request.GET.items()))
    response = StreamingHttpResponse(_csv(request.user, filters), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.now():%Y-%m-%d}.csv"'
    return response


class _Echo:
    def write(self, value: str) -> str:
        return value


def _csv(user: Any, filters: Filters) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(
        ["time", "who", "kind", "action", "entity", "record", "title", "changes", "data", "source", "ip address", "user agent", "change set"]
    )
    before, written = None, 0
    while written < MOST_EXPORTED:
        rows = entries_for(user, filters)
        chunk = list((rows.filter(id__lt=before) if before else rows).select_related("change_set")[:CHUNK])
        plain = lines(chunk, user)
        for line, words in zip(plain, told(plain, user), strict=True):
            yield writer.writerow([guard(str(v)) for v in _cells(line, words)])
        written += len(chunk)
        if len(chunk) < CHUNK:
            return
        before = chunk[-1].id


def _cells(line: Line, words: Line) -> list[Any]:
    e = line.entry
    data = {c.name: [c.before, c.after] for c in line.changes} if e.kind == "change" else line.payload
    said = [f"{c.label}: {c.before_text or '–'} → {c.after_text or '–'}" for c in words.changes] or [f"{k}: {v}" for k, v in words.payload.items()]
    return [
        e.created_at.isoformat(), line.user.email if line.user else "", e.kind, e.action, e.entity,
        "" if line.hidden else e.entity_id or "", line.title, "; ".join(said),
        json.dumps(data, ensure_ascii=False, default=str),
        e.change_set.source if e.change_set else "", e.ip_address or "", e.user_agent, e.change_set_id or "",
    ]


def _actions() -> list[tuple[Any, list[tuple[str, Any]]]]:
    """Return what can be logged, under the kind that it is."""
    kinds = dict(ActivityLog.Kind.choices)
    groups = ((ActivityLog.Kind.CHANGE, WORDS), (ActivityLog.Kind.ACCESS, ACCESSES), (ActivityLog.Kind.FACT, words_of_facts()))
    return [(kinds[kind], sorted(words.items(), key=lambda pair: str(pair[1]).casefold())) for kind, words in groups]


def _require(request: HttpRequest) -> None:
    require(request.user, "view", ActivityLog)


def _filters(request: HttpRequest) -> tuple[Filters, list[str]]:
    """Return what is asked for, and a sentence for each part that cannot be read."""
    problems: list[str] = []
    get = request.GET.get

    def read(name: str, label: str, reader: Any) -> Any:
        text = get(name, "").strip()
        if not text:
            return None
        found = reader(text)
        if found is None:
            problems.append(_("%(label)s: “%(value)s” cannot be read.") % {"label": label, "value": text[:80]})
        return found

    filters = Filters(
        user=read("user", _("Who"), parse_uuid), kind=get("kind", ""), action=get("action", "")[:80],
        entity=get("entity", "")[:60], entity_id=read("record", _("Record"), _record),
        ip_address=read("address", _("Address"), _address) or "",
        change_set=read("change_set", _("Change set"), parse_uuid), since=read("from", _("From"), _day),
        until=read("to", _("Until"), lambda v: (d + dt.timedelta(days=1)) if (d := _day(v)) else None),
    )
    if filters.kind and filters.kind not in ActivityLog.Kind.values:
        problems.append(_("There is no kind “%(kind)s”.") % {"kind": filters.kind[:20]})
    return filters, problems


def _record(text: str) -> uuid.UUID | None:
    """Read the id of a record, alone or at the end of its address."""
    found = ID.findall(text)
    return parse_uuid(found[-1]) if found else None


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _day(text: str) -> dt.datetime | None:
    try:
        day = parse_date(text)
        return timezone.make_aware(dt.datetime.combine(day, dt.time())) if day else None
    except (ValueError, OverflowError):
        return None
