"""What a view needs to answer: a page, a part of it, a toast, a redirect."""

import functools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render as django_render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods

from crm.ui.problems import problems_of

__all__ = [
    "done", "local_url", "page", "problems_of", "redirect_to", "render", "require_login", "toast", "wants_part",
]

View = Callable[..., HttpResponseBase]


def wants_part(request: HttpRequest, part: str | None = None) -> bool:
    """Tell whether htmx asks for a part of the page (one part, when its target's id is given)."""
    htmx: Any = getattr(request, "htmx", None)
    if not htmx or htmx.boosted:
        return False
    if part is None:
        return True
    target = str(htmx.target or "")
    # htmx 4 sends the target as tag#id, htmx 2 as id.
    return target.rpartition("#")[2] == part


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *,
    status: int = 200, part: str | None = None,
) -> HttpResponse:
    """Render a page, or only its partial ``part`` when htmx asks for the element of that id.

    A dialog or another part that a browser opens by itself (in a new tab, without scripts) is put into a page.
    """
    if part is not None and wants_part(request, part):
        template = f"{template}#{part}"
    response = django_render(request, template, context or {}, status=status)
    if _opens_page(request) and b"<html" not in response.content[:1000]:
        return django_render(request, "part.html", {"part": mark_safe(response.content.decode())}, status=status)  # noqa: S308
    return response


def _opens_page(request: HttpRequest) -> bool:
    """Tell whether a browser is about to show the answer as a page of its own."""
    if getattr(request, "htmx", None):
        return False
    meant = request.headers.get("Sec-Fetch-Dest", "document")
    return meant == "document" and "text/html" in request.headers.get("Accept", "")


def page(
    methods: str = "GET", *, login: bool = True
) -> Callable[[View], View]:
    """Declare a view: the methods it takes (``"GET POST"``), and whether one must be signed in."""
    allowed = methods.split()
    if "GET" in allowed:
        allowed.append("HEAD")

    def decorate(view: View) -> View:
        guarded = require_login(view) if login else view
        return require_http_methods(allowed)(guarded)

    return decorate


def require_login(view: View) -> View:
    """Send whoever is not signed in to the sign-in page, and back here afterwards."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if wants_part(request) or (getattr(request, "htmx", None) and request.method != "GET"):
                # The page asks for the password in a dialog and then sends this again: nothing typed is lost.
                return HttpResponse(status=401, headers={"HX-Reswap": "none"})
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return wrapper


def local_url(request: HttpRequest, url: str, default: str = "/") -> str:
    """Return ``url`` if it leads to this site, otherwise the default."""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else default


def undo_url(change_set: Any) -> str:
    """Return the address that takes a change set back; told in ``undo:kept``, Ctrl-Z knows it without a toast."""
    return f"/changes/{change_set}/undo"


def toast(
    request: HttpRequest, text: Any, *, level: str = "success", undo: Any = None, url: str = "", link: Any = "",
    many: bool = False,
) -> None:
    """Show a toast with the next answer. ``undo`` is the id of the change set that its button takes back.

    What was done to many records stays longer.
    """
    extra: dict[str, Any] = {"many": True} if many else {}
    if undo is not None:
        extra["undo"] = undo_url(undo)
    if url:
        extra["url"], extra["link"] = url, str(link)
    number = {"success": messages.SUCCESS, "info": messages.INFO, "warning": messages.WARNING, "error": messages.ERROR}
    messages.add_message(request, number[level], str(text), extra_tags=json.dumps(extra) if extra else "")


def redirect_to(request: HttpRequest, url: str, **query: Any) -> HttpResponse:
    """Go to another page of this site; htmx is told by a header."""
    if query:
        url = f"{url}?{urlencode(query)}"
    url = local_url(request, url)
    if wants_part(request):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def done(request: HttpRequest, **triggers: Any) -> HttpResponse:
    """Answer a write that has nothing to draw; ``triggers`` become events on the page."""
    response = HttpResponse(status=200, content_type="text/html")
    response["HX-Reswap"] = "none"
    if triggers:
        response["HX-Trigger"] = json.dumps(triggers)
    return response
