"""Acts on a selection: the small forms that ask for a value, and the acts themselves."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.lib.errors import Invalid, Refusal
from crm.lib.ids import parse_uuid
from crm.lists import bulk
from crm.lists.state import ListState
from crm.lists.views.base import state_for_act
from crm.records.entity import Entity
from crm.records.entity import entity as entity_named
from crm.records.fields import Field, Kind
from crm.ui.forms import EntityForm, read_value
from crm.ui.pages import done, page, problems_of, redirect_to, render, toast, wants_part

MAX_IDS = 1000


def _selection(request: HttpRequest) -> tuple[list[str], bool]:
    """Return the chosen ids, or that everything matching is meant."""
    ids = [i for i in request.POST.getlist("ids") if parse_uuid(i)][:MAX_IDS]
    return ids, request.POST.get("all") == "1"


TASK = ("title", "type", "priority", "due_date", "assigned_user", "description")
_AWAY = (Kind.JSON, Kind.TAGS)


def _settable(entity: Entity, user: Any) -> list[Field]:
    """Return the fields that can be set on many records at once."""
    return [f for f in entity.writable_fields(user).values() if f.kind not in _AWAY and not f.unique]


def _asked(entity: Entity, action: str, request: HttpRequest) -> tuple[Entity, list[str]]:
    """Return whose fields an act asks for, and which."""
    if action == "assign" and entity.owner:
        return entity, [entity.owner]
    if action == "tag" and "tags" in entity.own_fields:
        return entity, ["tags"]
    if action == "task" and entity.name in ("customer", "company", "deal"):
        return entity_named("task"), list(TASK)
    if action == "set":
        key = request.GET.get("field") or request.POST.get("field", "")
        found = next((f for f in _settable(entity, request.user) if f.key == key), None)
        return entity, [found.key, found.currency] if found is not None and found.currency else [found.key] if found is not None else []
    return entity, []


@page("POST")
def bulk_form(request: HttpRequest, entity: Entity, action: str) -> HttpResponse:
    """Ask for the value of an act: the new owner, the tags, the value of a field."""
    return _form(request, entity, action)


def _form(request: HttpRequest, entity: Entity, action: str, problems: list[str] | None = None) -> HttpResponse:
    of, names = _asked(entity, action, request)
    ids, everything = _selection(request)
    if not names and (action != "set" or request.GET.get("field") or request.POST.get("field")):
        raise Http404
    state = state_for_act(request, entity)
    initial = {"assigned_user": ""} if action == "task" else {}
    form = EntityForm(of, request.user, only=names, prefix="bulk-", initial=initial)
    if action == "task":
        form.fields["assigned_user"].value = None
    title = {"assign": _("Assign"), "tag": _("Tag"), "task": _("Create a task for each"), "set": _("Edit a field")}.get(action, "")
    context = {
        "entity": entity, "action": action, "form": form, "state": state, "ids": ids, "everything": everything, "problems": problems or [],
        "title": title, "field": names[0] if names and action == "set" else "",
        "settable": _settable(entity, request.user) if action == "set" else [],
    }
    return render(request, "lists/bulk_form.html", context, status=422 if problems else 200)


@page("POST")
def bulk_act(request: HttpRequest, entity: Entity, action: str) -> HttpResponse:
    """Do an act to the selection; many records become a job."""
    if action not in bulk.LABELS:
        raise Http404
    ids, everything = _selection(request)
    state = state_for_act(request, entity)
    values: dict[str, Any] = {}
    of, names = _asked(entity, action, request)
    if action == "set" and not names:
        raise Http404
    if names:
        form = EntityForm(of, request.user, only=names)
        values = {k: read_value(m.field, request.POST) for k, m in form.fields.items()}
        if action == "task":
            values = {k: v for k, v in values.items() if v not in ("", None) or k == "title"}
        if action == "tag":
            values = {"add": values.get("tags", []), "remove": [v for v in request.POST.getlist("remove") if v][:50]}
            if not values["add"] and not values["remove"]:
                return _form(request, entity, action, [_("Choose at least one tag.")])
    try:
        if not ids and not everything:
            raise Invalid(_("Nothing is selected."))
        if _many(state, ids, everything, action):
            started = bulk.start(state, ids, everything, action, values)
            said = _("This runs in the background; you are told when it is done.")
            toast(request, said, level="info", url=f"/jobs/{started.pk}", link=_("Progress"))
            return _after(request, state.url)
        number, refused, change_set = bulk.run_now(state, ids, everything, action, values)
    except Refusal as error:
        if names:
            return _form(request, entity, action, [s for found in problems_of(error).values() for s in found])
        raise
    if names and refused and not number:
        return _form(request, entity, action, list(dict.fromkeys(d.message for d in refused))[:3])
    if number:
        toast(request, _told(action, number), undo=change_set, many=True)
    for detail in refused[:3]:
        toast(request, f"{detail.field}: {detail.message}", level="error")
    if len(refused) > 3:
        rest = len(refused) - 3
        toast(request, ngettext("%(n)d more was refused", "%(n)d more were refused", rest) % {"n": rest}, level="error")
    if action == "restore":
        return redirect_to(request, f"/trash?entity={entity.name}")
    return _after(request, state.url)


def _after(request: HttpRequest, url: str) -> HttpResponse:
    """Show the list again with nothing selected."""
    if not wants_part(request):
        return redirect_to(request, url)
    return done(request, **{"list:go": {"url": url, "again": True}, "selection:clear": {}, "dialog:close": {}})


def _many(state: ListState, ids: list[str], everything: bool, action: str) -> bool:
    """Tell whether the selection is too large to be done while somebody waits."""
    if not everything or action == "restore":
        return len(ids) > bulk.AT_ONCE
    return bool(bulk.chosen(state, ids, True).order_by().values("pk")[: bulk.AT_ONCE + 1].count() > bulk.AT_ONCE)


def _told(action: str, n: int) -> str:
    words = {
        "delete": ngettext("%(n)d record is in the trash", "%(n)d records are in the trash", n),
        "restore": ngettext("%(n)d record is back", "%(n)d records are back", n),
        "archive": ngettext("%(n)d record is archived", "%(n)d records are archived", n),
        "unarchive": ngettext("%(n)d record is back in the lists", "%(n)d records are back in the lists", n),
        "assign": ngettext("%(n)d record is assigned", "%(n)d records are assigned", n),
        "tag": ngettext("%(n)d record is tagged", "%(n)d records are tagged", n),
        "set": ngettext("%(n)d record is changed", "%(n)d records are changed", n),
        "task": ngettext("%(n)d task is created", "%(n)d tasks are created", n),
    }
    return words[action] % {"n": n}
