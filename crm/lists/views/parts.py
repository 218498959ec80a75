"""Forms for the parts of a record: the ways to reach a person, the people and lines of a deal.

    part_pages("customers", "contacts", METHODS, add=add_contact_method, change=change_contact_method, …)

gives ``/customers/<id>/contacts/new``, ``…/contacts/<id>`` and ``…/contacts/<id>/remove``; an app adds them to its urls.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.lib.errors import Refusal
from crm.records.entity import entity
from crm.records.services.parts import PartKind
from crm.ui.forms import FormField, read_value
from crm.ui.pages import done, page, problems_of, render, toast


@dataclass(frozen=True)
class PartPages:
    """The pages of one kind of parts: its words and its verbs."""

    slug: str
    kind: PartKind
    title: Any
    add: Callable[..., Any]
    change: Callable[..., Any]
    remove: Callable[..., Any]
    argument: str
    """What the verb that changes one calls it."""
    asked: tuple[str, ...] = ()
    """The fields of the form, where not all are asked for."""


def part_pages(
    slug: str, kind: PartKind, title: Any, *, add: Callable[..., Any], change: Callable[..., Any], remove: Callable[..., Any],
    argument: str, asked: tuple[str, ...] = (),
) -> list[URLPattern]:
    """Return the addresses of a kind's pages."""
    pages = {"pages": PartPages(slug, kind, title, add, change, remove, argument, asked)}
    base, name = f"{entity(kind.entity).plural}/<uuid:pk>/{slug}", f"{kind.entity}_{slug}"
    return [
        path(f"{base}/new", part, pages, name=f"{name}_new"),
        path(f"{base}/<uuid:part_id>", part, pages, name=f"{name}_edit"),
        path(f"{base}/<uuid:part_id>/remove", part_remove, pages, name=f"{name}_remove"),
    ]


@page("GET POST")
def part(request: HttpRequest, pages: PartPages, pk: uuid.UUID, part_id: uuid.UUID | None = None) -> HttpResponse:
    """Show the form of a part, or save it."""
    record = _record(request, pages, pk)
    row = _row(request, pages, record, part_id) if part_id is not None else None
    fields = [f for f in pages.kind.fields if not pages.asked or f.name in pages.asked]
    made = [FormField(f, getattr(row, f.name) if row is not None else f.default, prefix="part-") for f in fields]
    problems: list[str] = []
    if request.method == "POST":
        data = {}
        for one in made:
            one.value = data[one.name] = read_value(one.field, request.POST)
        try:
            with intend(actor=request.user) as intention:
                if row is None:
                    pages.add(**{pages.kind.entity: record}, data=data, actor=request.user)
                else:
                    pages.change(**{pages.argument: row}, data=data, actor=request.user)
        except Refusal as error:
            found = problems_of(error)
            for one in made:
                one.errors = found.pop(one.name, [])
            problems = [s for sentences in found.values() for s in sentences if not any(s in one.errors for one in made)]
        else:
            toast(request, _("Saved"), undo=intention.id)
            return _changed(request, pages)
    action = f"{entity(pages.kind.entity).url(record)}/{pages.slug}/{row.pk if row is not None else 'new'}"
    context = {"made": made, "problems": problems, "row": row, "action": action, "title": pages.title}
    return render(request, "records/part_form.html", context, status=422 if request.method == "POST" else 200)


@page("POST")
def part_remove(request: HttpRequest, pages: PartPages, pk: uuid.UUID, part_id: uuid.UUID) -> HttpResponse:
    """Take a part away."""
    row = _row(request, pages, _record(request, pages, pk), part_id)
    with intend(actor=request.user) as intention:
        pages.remove(part=row, actor=request.user)
    toast(request, _("Removed"), undo=intention.id)
    return _changed(request, pages)


def _changed(request: HttpRequest, pages: PartPages) -> HttpResponse:
    return done(request, **{"dialog:close": {}, "record:changed": {"fields": [pages.kind.name]}})


def _record(request: HttpRequest, pages: PartPages, pk: uuid.UUID) -> Any:
    found = visible_to(request.user, entity(pages.kind.entity).model).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _row(request: HttpRequest, pages: PartPages, record: Any, part_id: uuid.UUID) -> Any:
    of = pages.kind.entity
    found = visible_to(request.user, pages.kind.model).filter(pk=part_id, **{of: record}).select_related(of).first()
    if found is None:
        raise Http404
    return found
