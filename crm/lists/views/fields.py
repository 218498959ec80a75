"""One field of a record, edited where it stands: in a cell of a list or on the record's page."""

import json
import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.activity.intention import intend
from crm.lib.errors import Denied, Missing, Outdated, Refusal
from crm.lib.text import whole_number
from crm.lists.views.base import record_or_404
from crm.lists.views.options import to_choose
from crm.lists.views.records import shown_field
from crm.records.entity import Entity
from crm.records.entity import entity as entity_named
from crm.records.fields import Field, Kind
from crm.records.services import update_record
from crm.ui.forms import EntityForm, FormField, read_value, with_others_tags
from crm.ui.pages import page, render, undo_url
from crm.ui.values import display


def _field(entity: Entity, key: str, user: Any) -> Field:
    found = entity.fields_for(user).get(key)
    if found is None:
        raise Http404
    return found


def _in_cell(request: HttpRequest) -> bool:
    return (request.POST if request.method == "POST" else request.GET).get("in") == "cell"


@page("GET POST")
def field_value(request: HttpRequest, entity: Entity, pk: uuid.UUID, key: str) -> HttpResponse:
    """Show a field's value, or save a new one; a contested one answers 412 with both values."""
    obj = record_or_404(request, entity, pk)
    f = _field(entity, key, request.user)
    if request.method != "POST":
        return _shown(request, entity, obj, f)
    form = EntityForm(entity, request.user, obj, request.POST, only=_together(entity, f))
    try:
        values = {k: read_value(m.field, request.POST) for k, m in form.fields.items()}
        if key not in values:
            raise Http404
        values = with_others_tags(values, obj, request.POST)
        version = whole_number(request.POST.get("version", ""))
        with intend(actor=request.user) as intention:
            obj = update_record(obj=obj, data=values, actor=request.user, version=version, whole=True)
    except Outdated as error:
        obj = record_or_404(request, entity, pk)
        asked = error.extra["fields"]
        form.name_links()
        both = {"theirs": display(obj, f, link=False), "by": next(iter(asked.values()))["by"]}
        return _editor(request, entity, obj, f, form, status=412, both=both, now=error.extra["version"])
    except (Denied, Missing):
        raise
    except Refusal as error:
        form.refuse(error)
        return _editor(request, entity, obj, f, form, status=422)
    answer = _shown(request, entity, record_or_404(request, entity, pk), f, saved=True)
    changed = {"entity": entity.name, "id": str(pk), "fields": list(values)}
    answer["HX-Trigger"] = json.dumps({"record:changed": changed, "undo:kept": {"url": undo_url(intention.id)}})
    return answer


@page("GET")
def field_edit(request: HttpRequest, entity: Entity, pk: uuid.UUID, key: str) -> HttpResponse:
    """Show the editor of a field."""
    obj = record_or_404(request, entity, pk)
    f = _field(entity, key, request.user)
    form = EntityForm(entity, request.user, obj, only=_together(entity, f))
    if key not in form.fields:
        return _shown(request, entity, obj, f)
    if request.GET.get("in") == "list":
        return _list(request, entity, obj, form.fields[key])
    return _editor(request, entity, obj, f, form)


def _list(request: HttpRequest, entity: Entity, obj: Any, made: FormField) -> HttpResponse:
    """Show the values to pick from, at the cell: a few of a kind, or the records that the words find."""
    f, words = made.field, request.GET.get("q", "")
    if f.kind in (Kind.USER, Kind.LINK):
        target = entity_named("user" if f.kind == Kind.USER else f.link)
        offered = [(str(o.pk), str(o), "", getattr(o, "hue", "") or "") for o in to_choose(target, request.user, words)]
    elif f.kind == Kind.BOOLEAN:
        offered = [("1", _("Yes"), "", ""), ("0", _("No"), "", "")]
    else:
        offered = [(c.value, c.label, c.tone, c.hue) for c in f.options]
    current = ("1" if made.value else "0") if f.kind == Kind.BOOLEAN else str(getattr(made.value, "pk", made.value) or "")
    context = {
        "entity": entity, "obj": obj, "made": made, "url": entity.url(obj), "offered": offered, "current": current, "q": words,
        "searchable": f.kind in (Kind.USER, Kind.LINK), "clearable": not f.required and f.default is None and f.kind != Kind.BOOLEAN and bool(current),
        "version": getattr(obj, "version", ""), "cell": f"c-{obj.pk}-{slugify(f.key)}",
    }
    return render(request, "lists/pick.html#offered" if "q" in request.GET else "lists/pick.html", context)


def _together(entity: Entity, f: Field) -> list[str]:
    """Return what is edited at once: an amount together with its currency."""
    return [f.key, f.currency] if f.currency else [f.key]


def _shown(request: HttpRequest, entity: Entity, obj: Any, f: Field, *, saved: bool = False) -> HttpResponse:
    if _in_cell(request):
        return render(request, "lists/cell.html", {"html": display(obj, f), "saved": saved})
    one = shown_field(entity, obj, f, request.user)
    return HttpResponse(one.drawn_saved if saved else one.drawn)


def _editor(
    request: HttpRequest, entity: Entity, obj: Any, f: Field, form: EntityForm, *, status: int = 200,
    both: dict[str, Any] | None = None, now: Any = None,
) -> HttpResponse:
    made = form.fields[f.key]
    context = {
        "entity": entity, "obj": obj, "made": made, "form": form, "url": entity.url(obj), "in_cell": _in_cell(request), "both": both,
        "version": now or request.POST.get("version") or getattr(obj, "version", ""),
        "one": shown_field(entity, obj, f, request.user), "problems": [*made.errors, *form.problems],
    }
    made.errors = []
    return render(request, "records/field_edit.html", context, status=status)
