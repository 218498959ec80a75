"""Pages of a short list that is there as a whole: the same parameters and the same ``pagination`` as of the long ones."""

from typing import Any

from crm.api.paging import address_with, limit_of, number_of, refuse_both


def cut(request: Any, rows: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the rows of the page that the parameters ask for, and its ``pagination``."""
    params, total = request.query_params, len(rows)
    limit = limit_of(params)
    if "cursor" in params:
        refuse_both(params)
        start = int(params["cursor"] or 0)
        following = str(start + limit) if start + limit < total else None
        preceding = str(max(0, start - limit)) if start else None
        return rows[start : start + limit], {
            "limit": limit, "next_cursor": following, "previous_cursor": preceding,
            "next": address_with(request, cursor=following) if following else None,
            "previous": address_with(request, cursor=preceding) if preceding else None,
        }
    page = number_of(params, "page", 1, 100_000)
    pages = -(-total // limit)
    return rows[(page - 1) * limit : page * limit], {
        "page": page, "limit": limit, "total": total, "pages": pages,
        "next": address_with(request, page=page + 1) if page < pages else None,
        "previous": address_with(request, page=page - 1) if page > 1 else None,
    }
