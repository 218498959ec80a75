"""Addresses of what stands on records: a note or document leads to the page of its record."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse

from crm.access.policy import visible_to
from crm.records.entity import all_entities
from crm.records.models import Document, Note
from crm.ui.pages import page, redirect_to

TABS: dict[str, tuple[type[Note | Document], str]] = {"notes": (Note, "activity"), "documents": (Document, "documents")}


@page()
def attached(request: HttpRequest, kind: str, pk: uuid.UUID) -> HttpResponse:
    """Go to the record on which a note or document stands."""
    model, tab = TABS[kind]
    found = visible_to(request.user, model).filter(pk=pk).first()
    of = all_entities().get(found.entity) if found is not None else None
    if found is None or of is None:
        raise Http404
    return redirect_to(request, f"/{of.plural}/{found.record_id}", tab=tab)
