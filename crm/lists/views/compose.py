"""What people add to a record: a note, a call, a meeting, an e-mail, a task; each with a follow-up in the same act."""

import datetime as dt
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.lib.errors import Detail, Invalid, Refusal
from crm.lib.text import whole_number
from crm.lists.views.base import record_or_404
from crm.records.entity import Entity, all_entities
from crm.records.fields import Kind
from crm.records.services import create_record
from crm.ui.pages import page, problems_of, render, toast

CHANGED = '{"record:changed": {}}'
DAYS_TO_FOLLOW_UP = 3
SAID = {
    "note": gettext_lazy("Note added"), "call": gettext_lazy("Call logged"), "meeting": gettext_lazy("Meeting logged"),
    "email": gettext_lazy("E-mail logged"), "task": gettext_lazy("Task added"),
}
OUTCOMES = (
    gettext_lazy("Reached"), gettext_lazy("Left a message"), gettext_lazy("No answer"), gettext_lazy("Call back later"),
    gettext_lazy("Wrong number"),
)


def composer(entity: Entity, obj: Any, user: Any) -> dict[str, Any]:
    """Return what the composer of a record needs to be drawn: the kinds that its user may add."""
    rights = rights_of(user)
    may_task = rights.may("create", "task") and _links(entity, "task")
    kinds = []
    if "notes" in entity.abilities and rights.may("create", "note"):
        kinds.append(("note", "notebook-pen", _("Note"), _("Save note")))
    if rights.may("create", "interaction") and _links(entity, "interaction"):
        kinds += [
            ("call", "phone", _("Call"), _("Log call")), ("meeting", "calendar", _("Meeting"), _("Log meeting")),
            ("email", "mail", _("E-mail"), _("Log e-mail")),
        ]
    if may_task:
        kinds.append(("task", "circle-check", _("Task"), _("Add task")))
    due = (timezone.localtime() + dt.timedelta(days=DAYS_TO_FOLLOW_UP)).replace(hour=9, minute=0)
    return {
        "kinds": kinds, "may_follow": may_task, "outcomes": OUTCOMES, "due": due.strftime("%Y-%m-%dT%H:%M"),
        "kind": kinds[0][0] if kinds else "",
    }


@page("POST")
def compose(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Add what the composer holds; a refusal comes back with everything that was typed."""
    obj = record_or_404(request, entity, pk)
    kind = request.POST.get("kind", "")
    context = {"entity": entity, "obj": obj, "url": entity.url(obj), "composer": composer(entity, obj, request.user)}
    if kind not in {k for k, *_rest in context["composer"]["kinds"]}:
        kind = ""
    try:
        with intend(actor=request.user) as intention:
            _add(request, entity, obj, kind)
            if request.POST.get("follow") == "1" and kind != "task":
                _follow_up(request, entity, obj)
    except Refusal as error:
        found = problems_of(error)
        context |= {"sent": request.POST, "problems": [s for sentences in found.values() for s in sentences], "faults": found}
        if kind:
            context["composer"]["kind"] = kind
        return render(request, "records/composer.html", context, status=422)
    toast(request, SAID[kind], undo=intention.id)
    context["composer"]["kind"] = kind
    answer = render(request, "records/composer.html", context)
    answer["HX-Trigger"] = CHANGED
    return answer


def _add(request: HttpRequest, entity: Entity, obj: Any, kind: str) -> None:
    sent = request.POST
    text, subject = sent.get("content", ""), sent.get("subject", "").strip()
    if kind == "note":
        private = sent.get("private") == "1"
        data: dict[str, Any] = {"entity": entity.name, "record_id": str(obj.pk), "content": text, "is_private": private}
        create_record(of="note", data=data, actor=request.user)
    elif kind == "task":
        if not subject:
            raise Invalid.field("subject", _("Write what is to be done."))
        data = {"title": subject, "description": text, **_due(sent.get("due", "")), **_about(entity, obj, "task", request.user)}
        create_record(of="task", data=data, actor=request.user)
    elif kind:
        _log(request, entity, obj, kind, subject, text)
    else:
        raise Invalid(_("Choose what to add."))


def _log(request: HttpRequest, entity: Entity, obj: Any, kind: str, subject: str, text: str) -> None:
    """Add a call, meeting or e-mail: one that took place, or a meeting that is to come."""
    sent = request.POST
    if not text.strip() and not subject:
        raise Invalid.field("subject", _("Write what it was about."))
    data: dict[str, Any] = {
        "type": kind.upper(), "subject": subject or text.strip().split("\n")[0][:120], "content": text,
        "direction": "INBOUND" if sent.get("direction") == "INBOUND" and kind != "meeting" else "OUTBOUND",
        **_about(entity, obj, "interaction", request.user),
    }
    if kind != "email" and sent.get("outcome", "").strip():
        data["outcome"] = sent["outcome"]
    if kind != "email" and sent.get("minutes", "").strip():
        minutes = whole_number(sent["minutes"].strip()[:9])
        if minutes is None or not minutes < 100_000:
            raise Invalid.field("minutes", _("Give the minutes as a whole number."))
        data["duration_seconds"] = minutes * 60
    when = _moment(sent.get("when", "")) if kind == "meeting" else None
    planned = when is not None and when > timezone.now()
    data["scheduled_at" if planned else "completed_at"] = (when or timezone.now()).isoformat()
    create_record(of="interaction", data=data, actor=request.user)


def _follow_up(request: HttpRequest, entity: Entity, obj: Any) -> None:
    title = request.POST.get("follow_title", "").strip() or _("Follow up")
    data = {"title": title, **_due(request.POST.get("follow_due", "")), **_about(entity, obj, "task", request.user)}
    create_record(of="task", data=data, actor=request.user)


def _due(text: str) -> dict[str, str]:
    moment = _moment(text)
    return {"due_date": moment.isoformat()} if moment else {}


def _moment(text: str) -> dt.datetime | None:
    """Return the moment that a control for date and time says, in the time zone of its user."""
    if not text.strip():
        return None
    try:
        found = parse_datetime(text.strip()[:40])
    except ValueError:
        found = None
    if found is None:
        raise Invalid(details=[Detail("when", _("This is not a date and time."))])
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _links(entity: Entity, name: str) -> bool:
    """Tell whether records of the kind ``name`` can be about a record of the entity."""
    found = all_entities().get(name)
    return found is not None and entity.name in found.own_fields


def _about(entity: Entity, obj: Any, name: str, user: Any) -> dict[str, str]:
    """Return the links of what is added: to the record, and to the customer and company behind it as far as seen."""
    data = {entity.name: str(obj.pk)}
    target = all_entities()[name]
    for key, f in target.own_fields.items():
        behind = getattr(obj, f"{key}_id", None) if f.kind == Kind.LINK and key in ("customer", "company") else None
        if behind and visible_to(user, all_entities()[f.link].model).filter(pk=behind).exists():
            data[key] = str(behind)
    return data
