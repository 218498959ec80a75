"""Paging of what is ordered by a time-ordered key alone: the log, change sets, jobs, notes. Declare ``PAGING`` with it."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm.api.paging import DEFAULT_LIMIT, MAX_OFFSET, refuse_both, total_of
from crm.api.views import APIView, answer
from crm.lib.errors import Invalid


def paged(view: APIView, rows: QuerySet[Any], show: Callable[[list[Any]], list[Any]]) -> Any:
    """Answer one page of rows, newest first."""
    params = view.request.query_params
    limit = view.parameter("limit", DEFAULT_LIMIT)
    if "cursor" in params:
        refuse_both(params)
        return _by_cursor(view, rows, show, limit)
    page = view.parameter("page", 1)
    total, estimated = total_of(rows)
    offset = (page - 1) * limit
    if offset > MAX_OFFSET:
        message = _("Pages end at %(limit)d records; use “cursor” to go further.") % {"limit": MAX_OFFSET}
        raise Invalid.field("page", message)
    pages = -(-total // limit)
    found: dict[str, Any] = {
        "page": page, "limit": limit, "total": total, "pages": pages,
        "next": _address(view, page=page + 1) if page < pages else None,
        "previous": _address(view, page=page - 1) if page > 1 else None,
    }
    if estimated:
        found["total_is_estimate"] = True
    shown = show(list(rows.order_by("-id")[offset : offset + limit]))
    return answer(shown, metadata={"pagination": found})


def _by_cursor(view: APIView, rows: QuerySet[Any], show: Callable[[list[Any]], list[Any]], limit: int) -> Any:
    token = view.request.query_params["cursor"]
    key, backwards = _read(token) if token else (None, False)
    if key is not None:
        rows = rows.filter(**{"id__gt" if backwards else "id__lt": key})
    found = list(rows.order_by("id" if backwards else "-id")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    following = str(found[-1].id) if found and (more or backwards) else None
    preceding = f"-{found[0].id}" if found and token and (more or not backwards) else None
    pagination = {
        "limit": limit, "next_cursor": following, "previous_cursor": preceding,
        "next": _address(view, cursor=following) if following else None,
        "previous": _address(view, cursor=preceding) if preceding else None,
    }
    return answer(show(found), metadata={"pagination": pagination})


def _read(token: str) -> tuple[uuid.UUID, bool]:
    try:
        return uuid.UUID(token.removeprefix("-")), token.startswith("-")
    except ValueError:
        raise Invalid.field("cursor", _("This is not a cursor of this list.")) from None


def _address(view: APIView, **changed: Any) -> str:
    query = view.request.query_params.copy()
    for name, value in changed.items():
        query[name] = str(value)
    return f"{view.request.build_absolute_uri(view.request.path)}?{query.urlencode()}"
