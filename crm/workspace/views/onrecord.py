"""The record that an address names: ``/access/<entity>/<id>`` and the like."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest

from crm.access.policy import visible_to
from crm.records.entity import Entity, all_entities
from crm.ui.values import with_sight


def named(request: HttpRequest, name: str, pk: uuid.UUID, ability: str = "pages") -> tuple[Entity, Any]:
    """Return an entity with ``ability`` and one of its records that the user sees; 404 otherwise."""
    of = all_entities().get(name)
    if of is None or ability not in of.abilities:
        raise Http404
    found = with_sight(visible_to(request.user, of.model), of, request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return of, found
