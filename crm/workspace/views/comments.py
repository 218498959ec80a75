"""The talk about a record."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from crm.access.policy import visible_to
from crm.records.entity import Entity
from crm.records.mentions import mentioned_in
from crm.records.models import Comment
from crm.records.services.comments import add_comment, delete_comment
from crm.ui.pages import page, redirect_to, render, wants_part
from crm.workspace.panels import comments as talk
from crm.workspace.views.onrecord import named


@page("POST")
def comment(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Add a remark; ``@name`` or ``@address`` in the text mentions a colleague."""
    of, obj = named(request, entity, pk, "comments")
    content = request.POST.get("content", "")
    parent = None
    if request.POST.get("parent"):
        try:
            parent = Comment.objects.filter(pk=uuid.UUID(request.POST["parent"]), record_id=obj.pk).first()
        except ValueError:
            raise Http404 from None
    people = [user.pk for user in mentioned_in(content)]
    add_comment(record=obj, content=content, parent=parent, mentions=people, actor=request.user)
    return _talk(request, of, obj)


@page("POST")
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a remark back."""
    found = visible_to(request.user, Comment).filter(pk=pk).first()
    if found is None:
        raise Http404
    delete_comment(comment=found, actor=request.user)
    of, obj = named(request, found.entity, found.record_id, "comments")
    return _talk(request, of, obj)


def _talk(request: HttpRequest, of: Entity, obj: Any) -> HttpResponse:
    """Show the talk as it is now; without scripts, go back to it."""
    if not wants_part(request):
        return redirect_to(request, f"{of.url(obj)}?tab=comments")
    answer = render(request, "workspace/panels/comments.html", talk(obj, request.user))
    answer["HX-Trigger"] = '{"record:changed": {"fields": ["comments"]}}'
    return answer
