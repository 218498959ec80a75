"""Acts on a selection: the small forms that ask for a value, and the acts themselves."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.lib.errors import Invalid, Refusal
from crm.lists import bulk
from crm.lists.state import ListState
from crm.lists.views.base import state_for_act
from crm.records.entity import Entity
from crm.ui.forms import EntityForm, read_value
from crm.ui.pages import page, problems_of, redirect_to, render, toast
from crm.ui.values import is_uuid

MAX_IDS = 1000


def _selection(request: HttpRequest) -> tuple[list[str], bool]:
    """Return the chosen ids, or that everything matching is meant."""
    ids = [i for i in request.POST.getlist("ids") if is_uuid(i)][:MAX_IDS]
    return ids, request.POST.get("all") == "1"


def _asked(entity: Entity, action: str, request: HttpRequest) -> list[str]:
    if action == "assign" and entity.owner:
        return [entity.owner]
    if action == "tag" and "tags" in entity.own_fields:
        return ["tags"]
    if action == "set":
        key = request.GET.get("field") or request.POST.get("field", "")
        return [key] if key in entity.writable_fields(request.user) else []
    return []


@page("POST")
def bulk_form(request: HttpRequest, entity: Entity, action: str) -> HttpResponse:
    """Ask for the value of an act: the new owner, the tags, the value of a field."""
    return _form(request, entity, action)


def _form(request: HttpRequest, entity: Entity, action: str, problems: list[str] | None = None) -> HttpResponse:
    names = _asked(entity, action, request)
    ids, everything = _selection(request)
    if not names:
        raise Http404
    state = state_for_act(request, entity)
    form = EntityForm(entity, request.user, only=names, prefix="bulk-")
    context = {
        "entity": entity, "action": action, "form": form, "state": state, "ids": ids, "everything": everything, "problems": problems or [],
        "title": {"assign": _("Assign"), "tag": _("Tag")}.get(action) or form.drawn[0].field.label, "field": names[0],
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
    names = _asked(entity, action, request)
    if names:
        form = EntityForm(entity, request.user, only=names)
        values = {k: read_value(m.field, request.POST) for k, m in form.fields.items()}
        if action == "tag":
            values = {"add": values.get("tags", []), "remove": []}
            if not values["add"]:
                return _form(request, entity, action, [_("Choose at least one tag.")])
    try:
        if not ids and not everything:
            raise Invalid(_("Nothing is selected."))
        if _many(state, ids, everything, action):
            started = bulk.start(state, ids, everything, action, values)
            said = _("This runs in the background; you are told when it is done.")
            toast(request, said, level="info", url=f"/jobs/{started.pk}", link=_("Progress"))
            return redirect_to(request, state.url)
        done, refused, change_set = bulk.run_now(state, ids, everything, action, values)
    except Refusal as error:
        if names:
            return _form(request, entity, action, [s for found in problems_of(error).values() for s in found])
        raise
    if done:
        toast(request, _told(action, done), undo=change_set, many=True)
    for detail in refused[:3]:
        toast(request, f"{detail.field}: {detail.message}", level="error")
    if len(refused) > 3:
        rest = len(refused) - 3
        toast(request, ngettext("%(n)d more was refused", "%(n)d more were refused", rest) % {"n": rest}, level="error")
    return redirect_to(request, f"/trash?entity={entity.name}" if action == "restore" else state.url)


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
    }
    return words[action] % {"n": n}
