"""Merging duplicates: choose the other records, then which one stays, then the value of each field."""

import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Refusal
from crm.lib.ids import parse_uuid
from crm.records.duplicates import duplicates_of, keep_apart
from crm.records.entity import Entity, entity_of, has_entity
from crm.records.fields import Field, Kind
from crm.records.models import Comment, Document, Note
from crm.records.services.merging import merge_records, relations_of, rule_of
from crm.search.service import search
from crm.ui.pages import local_url, page, problems_of, redirect_to, render, toast, wants_part
from crm.ui.values import display, record_mark, titles_of, with_sight
from crm.workspace.views.onrecord import named

AT_ONCE = 10
"""As many records are compared side by side and become one."""
EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Side:
    """One of the records that become one, and how much hangs on it."""

    obj: Any
    mark: Any
    follows: list[tuple[Any, int]]


@dataclass(frozen=True)
class Value:
    """What one of the records has in a field."""

    obj: Any
    shown: Any
    chosen: bool


@dataclass(frozen=True)
class Line:
    """One field of the records, and whether they differ."""

    key: str
    label: Any
    values: list[Value]
    differs: bool

    @property
    def after(self) -> Any:
        """Return what the field holds afterwards, as it is chosen at first."""
        return next((v.shown for v in self.values if v.chosen), "")


@page("GET POST")
def merge(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Find the duplicates, compare, merge."""
    of, obj = named(request, entity, pk, "merge")
    others = _others(request, of, obj)
    back = local_url(request, (request.POST or request.GET).get("back", ""), "")
    problems: dict[str, Any] = {}
    status = 200
    if request.method == "POST" and others:
        choices = {key.removeprefix("field-"): value for key, value in request.POST.items() if key.startswith("field-")}
        every = [obj, *others]
        survivor = next((o for o in every if str(o.pk) == request.POST.get("survivor")), obj)
        try:
            with intend(actor=request.user) as intention:
                merge_records(survivor=survivor, others=[o for o in every if o is not survivor], choices=choices, actor=request.user)
        except Refusal as refusal:
            problems, status = problems_of(refusal), 422
        else:
            toast(request, _("Merged into “%(title)s”") % {"title": survivor}, undo=intention.id, many=True,
                  url=of.url(survivor) if back else "", link=str(survivor))
            return redirect_to(request, back or of.url(survivor))
    words = request.GET.get("q", "").strip()[:200]
    hits = search(request.user, words, entities=[of.name]) if words else []
    known = {str(o.pk) for o in (obj, *others)}
    room = len(known) < AT_ONCE
    likely = [one for one in duplicates_of(obj, request.user) if str(one.obj.pk) not in known] if room and not words else []
    context = {
        "entity": of, "obj": obj, "others": others, "url": of.url(obj), "q": words, "problems": problems, "back": back, "room": room,
        "likely": [(one, _with(of, obj, others, one.obj.pk, back)) for one in likely],
        "hits": [(h, _with(of, obj, others, h.id, back)) for h in hits if str(h.id) not in known],
        "sides": _sides(of, [obj, *others]) if others else [], "lines": _lines(request, of, [obj, *others]) if others else [],
    }
    return render(request, "workspace/merge.html", context, status=status)


@page("POST")
def apart(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Remember that records are not the same; the next likely one takes the place in the bar."""
    of, obj = named(request, entity, pk, "merge")
    others = _others(request, of, obj)
    if not others:
        raise Http404
    with intend(actor=request.user) as intention:
        for other in others:
            keep_apart(one=obj, other=other, actor=request.user)
    toast(request, _("They will not be offered as duplicates again"), undo=intention.id)
    if not wants_part(request):
        return redirect_to(request, local_url(request, request.POST.get("back", ""), "") or of.url(obj))
    context = {"entity": of, "obj": obj, "url": of.url(obj), "found": duplicates_of(obj, request.user)}
    return render(request, "records/duplicates.html", context)


def merge_url(of: Entity, pks: list[Any], back: str = "") -> str:
    """Return the page that compares some records; the first one stays unless another is chosen."""
    query = [*(("other", str(pk)) for pk in pks[1:]), *([("back", back)] if back else [])]
    return f"/merge/{of.name}/{pks[0]}{'?' if query else ''}{urlencode(query)}"


def _with(of: Entity, obj: Any, others: list[Any], pk: Any, back: str) -> str:
    return merge_url(of, [obj.pk, *(o.pk for o in others), pk], back)


def _others(request: HttpRequest, of: Entity, obj: Any) -> list[Any]:
    """Return the other records that the address names, in its order; one that is not seen is not there."""
    asked = list(dict.fromkeys([*request.POST.getlist("other"), *request.GET.getlist("other")]))
    named = [parse_uuid(text) for text in asked]
    if not all(named):
        raise Http404
    keys = [k for k in named if k != obj.pk][: AT_ONCE - 1]
    rows = {o.pk: o for o in with_sight(visible_to(request.user, of.model), of, request.user).filter(pk__in=keys)}
    if len(rows) < len(keys):
        raise Http404
    return [rows[k] for k in keys]


def _sides(of: Entity, records: list[Any]) -> list[Side]:
    """Return the records with what hangs on each and follows to the one that stays: one statement for each relation."""
    counted: dict[Any, Counter[Any]] = {o.pk: Counter() for o in records}
    for path, field in sorted(relations_of(of.model).items()):
        rule = rule_of(of.model, path, field)
        if rule is None or rule.stays or not has_entity(field.model):
            continue
        rows = field.model._default_manager.filter(**{f"{field.name}__in": list(counted)}).order_by()
        for key, n in rows.values_list(field.attname).annotate(n=Count("pk")):
            counted[key][entity_of(field.model).label_plural] += n
    for model in (Note, Comment, Document):
        label = capfirst(model._meta.verbose_name_plural)
        attached = model._default_manager.filter(entity=of.name, record_id__in=list(counted)).order_by()
        for key, n in attached.values_list("record_id").annotate(n=Count("pk")):
            counted[key][label] += n
    return [Side(o, record_mark(of, o), list(counted[o.pk].items())) for o in records]


def _lines(request: HttpRequest, of: Entity, records: list[Any]) -> list[Line]:
    """Return the fields that at least one of the records has a value in."""
    fields = [f for f in of.writable_fields(request.user).values() if f.kind not in (Kind.TAGS, Kind.JSON)]
    titles = titles_of(records, fields, request.user)
    found = []
    for f in fields:
        values = [_value(o, f) for o in records]
        filled = [v for v in values if v not in EMPTY]
        if not filled:
            continue
        chosen = next(at for at, v in enumerate(values) if v not in EMPTY)
        shown = [Value(o, display(o, f, link=False, titles=titles), at == chosen) for at, o in enumerate(records)]
        found.append(Line(f.key, f.label, shown, any(v != filled[0] for v in filled)))
    return found


def _value(obj: Any, f: Field) -> Any:
    return obj.custom.get(f.name) if f.custom else getattr(obj, f.source)
