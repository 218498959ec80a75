"""Seeing the application as a role does: an administrator's pages with the rights of that role, read only."""

import dataclasses
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _

from crm.access.rights import Rights, rights_of_role
from crm.accounts.models import Role

KEY = "view_as_role"
END = "/settings/roles/preview/end"
ALWAYS = ("/account/", "/static/", END)


def begin(request: HttpRequest, role: Role) -> None:
    """Begin a preview in this browser."""
    request.session[KEY] = {"id": str(role.pk), "name": role.name}


def end(request: HttpRequest) -> None:
    """End the preview."""
    request.session.pop(KEY, None)


class PreviewMiddleware:
    """Gives an administrator the rights of the role that is being previewed. Costs nothing otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the role's rights, and refuse to write."""
        user: Any = request.user
        chosen = request.session.get(KEY) if request.session.session_key else None
        if not chosen or not user.is_authenticated or not user.is_admin or request.path.startswith("/api/"):
            return self.get_response(request)
        if not request.path.startswith(ALWAYS):
            if request.method not in ("GET", "HEAD", "OPTIONS"):
                said = _("You are looking at Rapport as “%(role)s”; nothing can be changed.")
                messages.warning(request, said % {"role": chosen["name"]})
                return _reload() if request.headers.get("HX-Request") else HttpResponseRedirect("/")
            user._rights = read_only(rights_of_role(UUID(chosen["id"]), user))
        request.previewing = chosen["name"]  # type: ignore[attr-defined]
        return self.get_response(request)


def read_only(rights: Rights) -> Rights:
    """Return rights of which only viewing is left."""
    return dataclasses.replace(rights, fingerprint=b"", cells={k: c for k, c in rights.cells.items() if k[1] == "view"})


def _reload() -> HttpResponseBase:
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})
