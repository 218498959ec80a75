"""Error pages. A page that went wrong says what happened, what to do, and an id to quote.

For htmx, and for a form that was sent, the same sentence comes as a toast and the page stays as it is. ``/api`` answers for itself,
and what it is not even asked about is answered here in its form.
"""

import json
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.lib.errors import Refusal

log = structlog.get_logger(__name__)
_CODES = {
    400: "VALIDATION_ERROR", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE", 423: "LOCKED", 429: "RATE_LIMITED", 500: "SERVER_ERROR", 503: "UNAVAILABLE",
}


def _words(status: int) -> tuple[str, str]:
    words = {
        400: (_("This request could not be read"), _("Something in it does not fit. Go back, check it and try again.")),
        403: (_("You may not do this"), _("Your role does not allow it. An administrator can change that.")),
        404: (_("Page not found"), _("It does not exist, or you have no access to it.")),
        405: (_("This is not possible here"), _("The page does not accept this kind of request.")),
        409: (_("This is not possible"), _("The record has changed, or something stands in the way.")),
        413: (_("Too large"), _("The request is larger than this installation accepts.")),
        423: (_("Locked"), _("This record is locked by a running operation. Try again in a moment.")),
        429: (_("Too many requests"), _("Wait a moment, then try again.")),
        500: (_("Something went wrong"), _("The error has been recorded. Try again; if it stays, tell your administrator.")),
        503: (_("Not available"), _("The service is starting or under repair. Try again in a moment.")),
    }
    return words.get(status, words[400])


def error_page(
    request: HttpRequest, status: int, message: str = "", headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return the error page of a status; for htmx a toast that leaves the page alone, below ``/api`` its envelope."""
    title, hint = _words(status)
    text = message or hint
    extra = headers or {}
    if request.path_info == "/api" or request.path_info.startswith("/api/"):
        # What went wrong before the API itself was asked (a foreign host, an address outside of it).
        error = {"code": _CODES.get(status, _CODES[400]), "message": text, "details": [], "request_id": getattr(request, "request_id", "")}
        return JsonResponse({"success": False, "error": error}, status=status, headers=extra)
    htmx: Any = getattr(request, "htmx", None)
    if htmx and (not htmx.boosted or request.method not in ("GET", "HEAD")):
        toast = {"toast": {"items": [{"text": message or f"{title}. {hint}", "level": "error"}]}}
        return HttpResponse(
            escape(text), status=status, headers={"HX-Reswap": "none", "HX-Trigger": json.dumps(toast), **extra}
        )
    user = getattr(request, "user", None) if status < 500 else None
    context = {
        "status": status,
        "title": title,
        "text": text,
        "request_id": getattr(request, "request_id", ""),
        "LANGUAGE_CODE": get_language() or "en",
        "frame": "base.html" if user is not None and user.is_authenticated else "bare.html",
    }
    try:
        # Without the request no context processor runs, so a dead database cannot break this page.
        body: str = render_to_string("errors/error.html", context, request=request if status < 500 else None)
    except Exception:
        # Whatever went wrong in drawing the page: the plain one is shown.
        log.exception("ui.error_page_failed", status=status)
        body = f"<!doctype html><title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}</p>"
    return HttpResponse(body, status=status, headers=extra)


def refusal(request: HttpRequest, error: Refusal) -> HttpResponse:
    """Return the page of a refusal that no form could show."""
    headers = {}
    if "retry_after" in error.extra:
        headers["Retry-After"] = str(error.extra["retry_after"])
    return error_page(request, error.status, str(error.message), headers)


def bodiless(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Give an empty 405 its page; every other answer stays."""
    if response.status_code == 405 and isinstance(response, HttpResponse) and not response.content:
        return error_page(request, 405, headers={"Allow": response.get("Allow", "")})
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400, or 413 for a body over the limit."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return error_page(request, 413)
    if isinstance(exception, MultiPartParserError):
        return error_page(request, 400, _("The uploaded form could not be read."))
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return error_page(request, 403, str(exception.message) if isinstance(exception, Refusal) else "")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, the same for what is missing and what is hidden; an address typed with a slash at its end leads on."""
    path = request.path_info.rstrip("/")
    if request.method in ("GET", "HEAD") and path and path != request.path_info and not path.startswith("//") and is_valid_path(path):
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without touching the database."""
    return error_page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or stale."""
    return error_page(request, 403, _("This form is too old, or it comes from another site. Reload the page and try again."))
