"""Merging duplicates: choose the other record, then the value of each field."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Refusal
from crm.records.duplicates import duplicates_of, keep_apart
from crm.records.entity import Entity, entity_of, has_entity
from crm.records.fields import Kind
from crm.records.models import Comment, Document, Note
from crm.records.services.merging import merge_records, relations_of, rule_of
from crm.search.service import search
from crm.ui.pages import page, problems_of, redirect_to, render, toast, wants_part
from crm.ui.values import display, with_sight
from crm.workspace.views.onrecord import named


@dataclass(frozen=True)
class Line:
    """One field of both records, and whether they differ."""

    key: str
    label: Any
    mine: Any
    theirs: Any
    differs: bool
    take_theirs: bool


@page("GET POST")
def merge(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Find the duplicate, compare, merge."""
    of, obj = named(request, entity, pk, "merge")
    other = _other(request, of, obj)
    problems: dict[str, Any] = {}
    status = 200
    if request.method == "POST" and other is not None:
        choices = {
            key.removeprefix("field-"): value for key, value in request.POST.items() if key.startswith("field-")
        }
        try:
            with intend(actor=request.user) as intention:
                merge_records(survivor=obj, others=[other], choices=choices, actor=request.user)
        except Refusal as refusal:
            problems, status = problems_of(refusal), 422
        else:
            toast(request, _("Merged into “%(title)s”") % {"title": obj}, undo=intention.id)
            return redirect_to(request, of.url(obj))
    words = request.GET.get("q", "").strip()[:200]
    hits = search(request.user, words, entities=[of.name]) if words and other is None else []
    likely = duplicates_of(obj, request.user) if other is None and not words else []
    context = {
        "likely": likely, "follows": _follows(of, other) if other else [],
        "entity": of, "obj": obj, "other": other, "url": of.url(obj), "q": words, "problems": problems,
        "hits": [h for h in hits if str(h.id) != str(obj.pk)], "lines": _lines(request, of, obj, other) if other else [],
    }
    return render(request, "workspace/merge.html", context, status=status)


@page("POST")
def apart(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Remember that two records are not the same; the next likely one takes the place in the bar."""
    of, obj = named(request, entity, pk, "merge")
    other = _other(request, of, obj)
    if other is None:
        raise Http404
    with intend(actor=request.user) as intention:
        keep_apart(one=obj, other=other, actor=request.user)
    toast(request, _("They will not be offered as duplicates again"), undo=intention.id)
    if not wants_part(request):
        return redirect_to(request, of.url(obj))
    context = {"entity": of, "obj": obj, "url": of.url(obj), "found": duplicates_of(obj, request.user)}
    return render(request, "records/duplicates.html", context)


def _follows(of: Entity, other: Any) -> list[tuple[Any, int]]:
    """Return what hangs on the record that goes and follows to the one that stays: labels and numbers."""
    found = []
    for path, field in sorted(relations_of(of.model).items()):
        rule = rule_of(of.model, path, field)
        if rule is None or rule.stays or not has_entity(field.model):
            continue
        count = field.model._default_manager.filter(**{field.name: other}).count()
        if count:
            found.append((entity_of(field.model).label_plural, count))
    for model in (Note, Comment, Document):
        count = model._default_manager.filter(entity=of.name, record_id=other.pk).count()
        if count:
            found.append((model._meta.verbose_name_plural.capitalize(), count))
    return found


def _other(request: HttpRequest, of: Entity, obj: Any) -> Any:
    named_id = request.POST.get("other") or request.GET.get("other")
    if not named_id:
        return None
    try:
        pk = uuid.UUID(named_id)
    except ValueError:
        raise Http404 from None
    found = with_sight(visible_to(request.user, of.model), of, request.user).filter(pk=pk).exclude(pk=obj.pk).first()
    if found is None:
        raise Http404
    return found


def _lines(request: HttpRequest, of: Entity, obj: Any, other: Any) -> list[Line]:
    found = []
    for key, f in of.writable_fields(request.user).items():
        if f.kind in (Kind.TAGS, Kind.JSON):
            continue
        mine, theirs = (o.custom.get(f.name) if f.custom else getattr(o, f.source) for o in (obj, other))
        empty: tuple[Any, ...] = (None, "", [], {})
        if mine in empty and theirs in empty:
            continue
        found.append(
            Line(key, f.label, display(obj, f), display(other, f), mine != theirs and theirs not in empty, mine in empty)
        )
    return found
