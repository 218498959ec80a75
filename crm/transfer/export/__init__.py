"""Exports: the very records on screen, streamed, logged as an access."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, policy_of, visible_to
from crm.access.rights import rights_of
from crm.activity.facts import record_access
from crm.lib.errors import Denied, Invalid
from crm.lib.text import in_sentence
from crm.records.entity import Entity
from crm.transfer.export.rows import Exported
from crm.transfer.export.writers import PIECES, TYPES

__all__ = ["Exported", "export_pieces", "export_response", "exportable"]


def exportable(actor: Any, of: Entity, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Narrow a queryset to what the actor may take out of the house; refuse who may take nothing."""
    if "export" not in of.abilities:
        raise Invalid.field("entity", _("%(what)s cannot be exported.") % {"what": of.label_plural})
    if actor is SYSTEM:
        return queryset
    if not rights_of(actor).may("export", policy_of(of.model).entity):
        raise Denied(_("You may not export %(what)s.") % {"what": in_sentence(of.label_plural)})
    return visible_to(actor, queryset, "export")


def export_pieces(
    *, of: Entity, queryset: QuerySet[Any], form: str, actor: Any, fields: list[str] | None = None,
    told: Callable[[int], None] = lambda count: None,
) -> tuple[str, int, Iterator[bytes]]:
    """Return the file name (with the number of rows in it), the number, and the content in pieces; log the access."""
    if form not in PIECES:
        raise Invalid.field("format", _("One of: %(allowed)s.") % {"allowed": ", ".join(PIECES)})
    rows = exportable(actor, of, queryset)
    count = rows.order_by().count()
    exported = Exported(of, actor, rows, fields, told)
    record_access(
        "records.exported", user=None if actor is SYSTEM else actor, entity=of.name, format=form, rows=count,
        columns=exported.headers,
    )
    return f"{of.plural}-{count}.{form}", count, PIECES[form](exported)


def export_response(
    request: HttpRequest, *, of: Entity, queryset: QuerySet[Any], form: str, fields: list[str] | None = None
) -> StreamingHttpResponse:
    """Return an export as a download that is never whole in memory."""
    name, count, pieces = export_pieces(of=of, queryset=queryset, form=form, actor=request.user, fields=fields)
    bare = getattr(request, "_request", request)
    content = _in_thread(pieces) if isinstance(bare, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["X-Total-Count"] = str(count)
    return response


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Run a synchronous generator in the thread that holds the request's connection, piece by piece."""
    end = object()
    take = sync_to_async(lambda: next(pieces, end), thread_sensitive=True)
    while (piece := await take()) is not end:
        yield piece  # type: ignore[misc]
