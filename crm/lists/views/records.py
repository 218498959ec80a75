"""The page of one record: what it is on the left, what happened in the middle, what hangs on it at the right."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from crm.access.policy import field_rights
from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.lists.query import CAP, count, neighbours, position
from crm.lists.views.activity import timeline_context
from crm.lists.views.base import record_or_404, state_in
from crm.lists.views.compose import composer
from crm.lists.views.favourites import keeps, star_answer, turn
from crm.records.duplicates import duplicates_of
from crm.records.entity import Entity
from crm.records.fields import Field, Kind
from crm.records.panels import panel_of, panels_for
from crm.records.services import archive_record, delete_record, restore_record, unarchive_record
from crm.records.watching import note_view
from crm.search.recent import remember_visit
from crm.ui.figures import number
from crm.ui.html import SafeString, esc
from crm.ui.marks import icon
from crm.ui.pages import page, redirect_to, render, toast
from crm.ui.values import display, may, may_do, record_mark, titles_of


@dataclass
class Shown:
    """A field on the record page: its words, its value, whether it may be edited."""

    field: Field
    html: Any
    editable: bool
    obj: Any
    url: str

    @property
    def dom_id(self) -> str:
        """Return the id of its element."""
        return f"field-{self.obj.pk}-{self.field.key.replace('.', '-')}"

    @property
    def is_link(self) -> bool:
        """Tell whether the value is an address of its own, so that only the pencil edits it."""
        return self.field.kind in (Kind.LINK, Kind.URL, Kind.EMAIL, Kind.PHONE) and bool(self.html)

    @property
    def drawn(self) -> SafeString:
        """Return its element."""
        return self._draw()

    @property
    def drawn_saved(self) -> SafeString:
        """Return its element just after it was saved."""
        return self._draw(" flash")

    def _draw(self, flash: str = "") -> SafeString:
        """Write it as text: a page has dozens of them."""
        label, key = esc(self.field.label), esc(self.field.key)
        how = f'hx-get="{esc(self.url)}/fields/{key}/edit" hx-target="closest [data-field]" hx-swap="outerHTML"'
        blank = "" if self.html else " blank"
        if self.editable and self.is_link:
            told = esc(_("Edit %(what)s")) % {"what": label}
            value = (
                f'<div class="fval linked{flash}">{esc(self.html)}<button type="button" class="fedit" {how} aria-label="{told}">'
                f'{icon("pencil", "icon-xs")}</button></div>'
            )
        elif self.editable:
            told = esc(_("edit %(what)s")) % {"what": label}
            shown = esc(self.html) if self.html else esc(_("Add"))
            value = f'<button type="button" class="fval{blank}{flash}" {how}>{shown}<span class="vh">, {told}</span></button>'
        else:
            value = f'<div class="fval still{blank}">{esc(self.html) if self.html else "–"}</div>'
        return SafeString(
            f'<div class="fld" data-field id="{esc(self.dom_id)}" data-edited="field:{key}"><dt>{label}{self._formula()}</dt>'
            f"<dd>{value}</dd></div>"
        )

    def _formula(self) -> str:
        if not self.field.formula:
            return ""
        formula = esc(self.field.formula)
        told = esc(_("Computed:"))
        return f' <span class="fx" title="{formula}" tabindex="0" role="note" aria-label="{told} {formula}">fx</span>'


def shown_field(entity: Entity, obj: Any, f: Field, user: Any, titles: dict[str, str] | None = None) -> Shown:
    """Return one field as the record page shows it."""
    trashed = getattr(obj, "deleted_at", None) is not None
    writable = f.writable and not f.computed and field_rights(user, entity.model).can_write(f.key) and f.kind != Kind.JSON
    return Shown(f, display(obj, f, titles=titles), writable and not trashed, obj, entity.url(obj))


def field_groups(entity: Entity, obj: Any, user: Any, may_change: bool) -> list[tuple[Any, list[Shown]]]:
    """Return the fields under their headings."""
    fields = [f for f in entity.fields_for(user).values() if f.kind != Kind.JSON and (f.in_form or f.writable)]
    titles = titles_of([obj], fields, user)
    found: dict[str, tuple[Any, list[Shown]]] = {}
    for f in fields:
        one = shown_field(entity, obj, f, user, titles)
        one.editable = one.editable and may_change
        heading = f.group or _("More")
        found.setdefault(str(heading), (heading, []))[1].append(one)
    return list(found.values())


@page("GET")
def record_page(
    request: HttpRequest, entity: Entity, pk: uuid.UUID, template: str = "records/record.html",
    more: Callable[[Any, Any], dict[str, Any]] | None = None,
) -> HttpResponse:
    """Show a record, or a quick view of it. A room brings its ``template`` (blocks ``record_…``) and ``more`` for it."""
    user: Any = request.user
    obj = record_or_404(request, entity, pk, trashed=True)
    note_view(user, entity, obj.pk, door="web")
    trashed = getattr(obj, "deleted_at", None) is not None
    rights = rights_of(user)
    allowed = set() if trashed else may_do(user, obj, "change", "delete", *(["merge"] if "merge" in entity.abilities else []))
    may_change = "change" in allowed
    context: dict[str, Any] = {
        "entity": entity, "obj": obj, "mark": record_mark(entity, obj, "av-xl"), "url": entity.url(obj), "trashed": trashed,
        "may_change": may_change,
        "may_delete": "delete" in allowed,
        "may_create": rights.may("create", entity.name),
        "groups": field_groups(entity, obj, user, may_change),
        "meta": _meta(entity, obj, user), "mailto": getattr(obj, "email", "") if "email" in entity.fields_for(user) else "",
        "may_merge": "merge" in allowed,
        "may_deal": rights.may("create", "deal") and entity.name in ("customer", "company") and not trashed,
    }
    if request.GET.get("peek") == "1":
        return render(request, "records/peek.html", context)
    made = {"kinds": []} if trashed else composer(entity, obj, user)
    kinds = {key for key, *_rest in made["kinds"]}
    context |= {"composer": made, "may_note": "note" in kinds, "may_log": "call" in kinds, "may_task": "task" in kinds}
    tab = request.GET.get("tab", "activity")
    tabs = panels_for(entity.name, user, "tab")
    context |= {
        "tabs": tabs, "tab": tab if any(p.key == tab for p in tabs) else "activity",
        "sides": panels_for(entity.name, user, "side"),
        "starred": keeps(user, entity.name, obj.pk),
        "from": request.GET.get("from", "")[:4000],
    }
    return render(request, template, context | (more(obj, user) if more and not trashed else {}))


def _meta(entity: Entity, obj: Any, user: Any) -> list[Any]:
    """Return the few values that stand under the title."""
    fields = entity.fields_for(user)
    names = {"customer": ("status", "job_title", "company", "assigned_user"), "company": ("industry", "domain", "assigned_user"),
             "deal": ("outcome", "stage", "value", "company", "assigned_user"), "task": ("status", "priority", "due_date", "assigned_user"),
             "interaction": ("type", "direction", "happened_at", "user"), "product": ("code", "family", "price")}
    wanted = names.get(entity.name, tuple(k for k, f in fields.items() if f.in_list)[:4])
    found = [display(obj, fields[n]) for n in wanted if n in fields]
    return [f for f in found if f]


@page("GET")
def live(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Answer what the page of a record draws anew after something changed: the named fields, and what happened since."""
    user: Any = request.user
    obj = record_or_404(request, entity, pk)
    may_change = may(user, "change", obj)
    asked = request.GET.get("fields", "").split(",")[:200]
    groups = field_groups(entity, obj, user, may_change)
    shown = [one for _heading, fields in groups for one in fields if one.field.key in asked or "*" in asked]
    context = {"entity": entity, "obj": obj, "url": entity.url(obj), "shown": shown, "meta": _meta(entity, obj, user)}
    if "until" in request.GET:
        context |= timeline_context(request, entity, obj)
    return render(request, "records/live.html", context)


@page("GET")
def counts(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Answer how much stands behind each tab."""
    obj = record_or_404(request, entity, pk)
    found = [(p.key, p.count(obj, request.user)) for p in panels_for(entity.name, request.user, "tab") if p.count]
    return render(request, "records/counts.html", {"counts": found})


@page("GET")
def duplicates(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Show a quiet bar where another record looks like the same one."""
    obj = record_or_404(request, entity, pk)
    may_merge = "merge" in entity.abilities and may(request.user, "merge", obj)
    found = duplicates_of(obj, request.user) if may_merge else []
    return render(request, "records/duplicates.html", {"entity": entity, "obj": obj, "url": entity.url(obj), "found": found})


@page("GET")
def panel_view(request: HttpRequest, entity: Entity, pk: uuid.UUID, key: str) -> HttpResponse:
    """Show one tab or side panel."""
    obj = record_or_404(request, entity, pk)
    found = panel_of(entity.name, key, request.user)
    if found is None:
        raise Http404
    context = {"entity": entity, "obj": obj, "url": entity.url(obj), "panel": found, **found.context(obj, request.user)}
    return render(request, found.template, context)


@page("GET")
def neighbour_links(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Show the links to the records before and after this one in the list it was opened from."""
    obj = record_or_404(request, entity, pk)
    remember_visit(request.user, entity.name, obj.pk)
    origin = request.GET.get("from", "")[:4000]
    state = state_in(entity, QueryDict(origin), request.user)
    before, after = neighbours(state, obj)
    place = position(state, obj)
    total = count(state) if place is not None else 0
    context = {
        "entity": entity, "before": before, "after": after, "from": origin, "place": place, "back": state.url,
        "total": f"{number(CAP)}+" if total > CAP else number(total),
    }
    return render(request, "records/neighbours.html", context)


@page("GET")
def reach(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Show the ways to reach a record and to plan something with it: what a row shows when it is swiped."""
    obj = record_or_404(request, entity, pk)
    fields = entity.fields_for(request.user)
    values = {key: getattr(obj, key, "") for key in ("phone", "email") if key in fields}
    may_task = entity.name in ("customer", "company", "deal") and rights_of(request.user).may("create", "task")
    return render(request, "lists/reach.html", {"entity": entity, "obj": obj, "url": entity.url(obj), "values": values, "may_task": may_task})


@page("POST")
def act(request: HttpRequest, entity: Entity, pk: uuid.UUID, action: str) -> HttpResponse:
    """Delete, restore, archive or bring back a record; the toast takes it back."""
    obj = record_or_404(request, entity, pk, trashed=action == "restore")
    verbs: dict[str, tuple[Any, str]] = {
        "delete": (delete_record, _("“%(title)s” is in the trash")),
        "restore": (restore_record, _("“%(title)s” is back")),
        "archive": (archive_record, _("“%(title)s” is archived")),
        "unarchive": (unarchive_record, _("“%(title)s” is back in the lists")),
    }
    run, words = verbs[action]
    with intend(actor=request.user) as intention:
        run(obj=obj, actor=request.user)
    toast(request, words % {"title": obj}, undo=intention.id if action != "restore" else None)
    return redirect_to(request, f"/{entity.plural}" if action == "delete" else entity.url(obj))


@page("POST")
def star(request: HttpRequest, entity: Entity, pk: uuid.UUID) -> HttpResponse:
    """Keep a record among the favourites, or take it out."""
    user: Any = request.user
    obj = record_or_404(request, entity, pk)
    return star_answer(request, entity.url(obj), starred=turn(user, entity.name, obj.pk))
