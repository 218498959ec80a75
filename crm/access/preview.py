"""Seeing the application as a role does: an administrator's pages with the rights of that role, read only.

Nothing of it is left behind: no write passes, nobody sees the looker on a page, nothing is remembered as opened.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _

from crm.access.rights import Rights, rights_of_role
from crm.accounts.models import Role, User
from crm.activity.facts import record_access

KEY = "view_as_role"
END = "/settings/roles/preview/end"
ALWAYS = ("/account/", "/static/", END)
"""Where one is oneself: what belongs to one's own account, and the way out."""


def begin(request: HttpRequest, role: Role) -> None:
    """Begin a preview in this browser."""
    request.session[KEY] = {"id": str(role.pk), "name": role.name}
    record_access("access.viewed_as_role", user=request.user, entity="role", entity_id=role.pk)


def end(request: HttpRequest) -> None:
    """End the preview."""
    request.session.pop(KEY, None)


def look_as(user: User, session: Mapping[str, Any]) -> str:
    """Give ``user`` the role that an administrator looks as in this session; return its name, or nothing."""
    chosen = session.get(KEY)
    if not chosen or not user.is_admin:
        return ""
    role = Role.objects.filter(pk=UUID(chosen["id"])).first()
    if role is None:
        return ""
    # Neither is ever saved: nothing can be written meanwhile.
    user._rights = read_only(rights_of_role(role.pk, user))  # type: ignore[attr-defined]
    user.role, user.previewing = role, role.name  # type: ignore[attr-defined]
    return role.name


class PreviewMiddleware:
    """Gives an administrator the rights of the role that is being previewed. Costs nothing otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the role's rights, and refuse to write."""
        user: Any = request.user
        chosen = request.session.get(KEY) if request.session.session_key else None
        if not chosen or not user.is_authenticated or not user.is_admin:
            return self.get_response(request)
        if request.path.startswith(ALWAYS):
            request.previewing = chosen["name"]  # type: ignore[attr-defined]
            return self.get_response(request)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            return _refuse(request, chosen["name"])
        request.previewing = look_as(user, request.session)  # type: ignore[attr-defined]
        if not request.previewing:  # type: ignore[attr-defined]
            end(request)  # the role is gone
        return self.get_response(request)


def read_only(rights: Rights) -> Rights:
    """Return rights of which only viewing is left."""
    return dataclasses.replace(rights, fingerprint=b"", cells={k: c for k, c in rights.cells.items() if k[1] == "view"})


def _refuse(request: HttpRequest, role: str) -> HttpResponseBase:
    said = _("You are looking at Rapport as “%(role)s”; nothing can be changed.") % {"role": role}
    if request.path.startswith("/api/"):
        error = {"code": "PERMISSION_DENIED", "message": said, "details": [], "request_id": getattr(request, "request_id", "")}
        return JsonResponse({"success": False, "error": error}, status=403)
    messages.warning(request, said)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return HttpResponseRedirect("/")
