"""The audit log: who did what to which record, from where; filtered, page by page, and as a file."""

import csv
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.activity.facts import record_access
from crm.activity.models import ActivityLog
from crm.lib.errors import Denied, Invalid
from crm.lib.ids import parse_uuid
from crm.records.audit import WORDS, Filters, Line, entities, entries_for, lines
from crm.transfer.formulas import guard
from crm.ui.pages import page, render

PAGE = 50
MOST_EXPORTED = 100_000
CHUNK = 500


@page()
def audit_log(request: HttpRequest) -> HttpResponse:
    """Show the log, newest first."""
    _require(request)
    filters, problems = _filters(request)
    before = parse_uuid(request.GET.get("before", ""))
    rows = entries_for(request.user, filters) if not problems else ActivityLog.objects.none()
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows.select_related("change_set")[: PAGE + 1])
    context = {
        "lines": lines(found[:PAGE], request.user), "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "people": User.objects.order_by("sort_key").only("id", "first_name", "last_name", "email"),
        "entities": entities(), "kinds": ActivityLog.Kind.choices, "actions": WORDS.items(), "problems": problems,
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
        ["time", "who", "kind", "action", "entity", "record", "title", "changes", "source", "ip address", "user agent", "change set"]
    )
    before, written = None, 0
    while written < MOST_EXPORTED:
        rows = entries_for(user, filters)
        chunk = list((rows.filter(id__lt=before) if before else rows).select_related("change_set")[:CHUNK])
        for line in lines(chunk, user):
            yield writer.writerow([guard(str(v)) for v in _cells(line)])
        written += len(chunk)
        if len(chunk) < CHUNK:
            return
        before = chunk[-1].id


def _cells(line: Line) -> list[Any]:
    e = line.entry
    changes = {c.label: [c.before, c.after] for c in line.changes} if e.kind == "change" else line.payload
    return [
        e.created_at.isoformat(), line.user.email if line.user else "", e.kind, e.action, e.entity,
        "" if line.hidden else e.entity_id or "", line.title, json.dumps(changes, ensure_ascii=False, default=str),
        e.change_set.source if e.change_set else "", e.ip_address or "", e.user_agent, e.change_set_id or "",
    ]


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
        entity=get("entity", "")[:60], entity_id=read("record", _("Record"), parse_uuid),
        change_set=read("change_set", _("Change set"), parse_uuid), since=read("from", _("From"), _day),
        until=read("to", _("Until"), lambda v: (d + dt.timedelta(days=1)) if (d := _day(v)) else None),
    )
    if filters.kind and filters.kind not in ActivityLog.Kind.values:
        problems.append(_("There is no kind “%(kind)s”.") % {"kind": filters.kind[:20]})
    return filters, problems


def _day(text: str) -> dt.datetime | None:
    try:
        day = parse_date(text)
        return timezone.make_aware(dt.datetime.combine(day, dt.time())) if day else None
    except (ValueError, OverflowError):
        return None
