"""What every request gets: an id, and an honest 503 while the database is away."""

import gzip
import io
import random
import re
import secrets
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import brotli
import structlog
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected
from psycopg_pool import PoolTimeout

from crm.lib.ids import uuid7

_commits: ContextVar[list[bool] | None] = ContextVar("rapport_commits", default=None)
Answer = Callable[[HttpRequest], HttpResponseBase]

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{7,63}")
_TAB = re.compile(r"[A-Za-z0-9]{8,31}")
TRIES = 3
"""How often a write that got into a deadlock is tried in all."""
WORTH_COMPRESSING = 1500
PAUSE = 1.0
"""Seconds for which requests are answered 503 without another try, after the pool found no connection."""

logger = structlog.get_logger(__name__)


class CompressPagesMiddleware:
    """Sends pages compressed: quickly rather than small, and never twice of the same length (BREACH).

    A proxy in front compresses what comes plain; this is for those who run without one. Exports stream as they are.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, compressed if the client can take it and it is worth it."""
        response = self.get_response(request)
        worth = isinstance(response, HttpResponse) and len(response.content) > WORTH_COMPRESSING
        if not worth or response.has_header("Content-Encoding") or not response.get("Content-Type", "").startswith("text/html"):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        accepted = request.headers.get("Accept-Encoding", "")
        if "br" in accepted:
            response["Content-Encoding"] = "br"
            noise = secrets.token_hex(secrets.randbelow(50)).encode()
            response.content = brotli.compress(response.content + b"<!--" + noise + b"-->", quality=6)  # type: ignore[attr-defined]
        elif "gzip" in accepted:
            response["Content-Encoding"] = "gzip"
            out = io.BytesIO()
            with gzip.GzipFile(secrets.token_hex(secrets.randbelow(50)), "wb", compresslevel=3, fileobj=out, mtime=0) as packed:
                packed.write(response.content)  # type: ignore[attr-defined]
            response.content = out.getvalue()  # type: ignore[attr-defined]
        if response.has_header("Content-Encoding"):
            response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response


class RequestIdMiddleware:
    """Gives every request an id (a well-formed one of the caller is kept), to quote and to find in the logs.

    One that a page of ours makes begins with the id of its tab, so that the tab knows its own echo.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the id in ``X-Request-ID`` and in every log line."""
        given, tab = request.headers.get("X-Request-ID", ""), request.headers.get("X-Tab-Id", "")
        made = f"{tab}.{uuid7().hex}" if _TAB.fullmatch(tab) else uuid7().hex
        request.request_id = given if _WELL_FORMED.fullmatch(given) else made  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request.request_id):  # type: ignore[attr-defined]
            response = too_large(request) if request.META.get("rapport.too_large") else self.get_response(request)
        # A file that stands there for good has nothing to quote, and a page asks for a dozen of them.
        if response.status_code >= 300 or not request.path_info.startswith(settings.STATIC_URL):
            response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


def is_unavailable(error: BaseException | None) -> bool:
    """Tell whether an error means that the database is away, full, or too busy just now."""
    return isinstance(error, OperationalError | InterfaceError)


def note_deadlock(request: Any, error: BaseException | None) -> None:
    """Remember, on the request, that it was the one that a deadlock cost its transaction."""
    if isinstance(getattr(error, "__cause__", None) or error, DeadlockDetected):
        request.lost_deadlock = True


def note_commit() -> None:
    """Remember that the running request has left something behind: it is not to be repeated."""
    noted = _commits.get()
    if noted is not None:
        noted.append(True)


def _note(sender: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Remember, on the request, that what went wrong inside was the database."""
    error = sys.exc_info()[1]
    if request is not None and is_unavailable(error):
        request.unavailable = error  # type: ignore[attr-defined]
        note_deadlock(request, error)


got_request_exception.connect(_note, dispatch_uid="crm.lib.http")


class UnavailableMiddleware:
    """Answers 503 with ``Retry-After``, never 500, when the database could not be asked.

    A write that PostgreSQL chose as the victim of a deadlock is tried again from its first byte, if none of it stayed.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.away_until = 0.0

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on, unless the database was away a moment ago."""
        if time.monotonic() < self.away_until:
            return unavailable(request)
        commits: list[bool] = []
        _commits.set(commits)
        response = self.get_response(request)
        for attempt in range(1, TRIES):
            if response.status_code < 500 or commits or not _may_repeat(request):
                break
            time.sleep(random.uniform(0.02, 0.1) * attempt)  # noqa: S311
            request = _anew(request)
            response = self.get_response(request)
        error = getattr(request, "unavailable", None)
        if error is None or response.status_code < 500:
            return response
        if isinstance(error.__cause__, PoolTimeout):
            self.away_until = time.monotonic() + PAUSE
        logger.warning("database.unavailable", error=str(error).strip().partition("\n")[0])
        return unavailable(request)


def _may_repeat(request: Any) -> bool:
    """Tell whether a request lost a deadlock, and can be read again."""
    body = getattr(request, "environ", {}).get("wsgi.input")
    return getattr(request, "lost_deadlock", False) and getattr(body, "seekable", lambda: False)()


def _anew(request: Any) -> HttpRequest:
    """Return the request as it came, as if nobody had read it."""
    request.environ["wsgi.input"].seek(0)
    fresh: HttpRequest = type(request)(request.environ)
    fresh.request_id = request.request_id  # type: ignore[attr-defined]
    return fresh


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return the 503: JSON for the API, a plain page that reloads itself for people, a sentence for htmx."""
    message = _("The database is not available just now. Nothing was changed; please try again in a moment.")
    headers = {"Retry-After": "5", "Cache-Control": "no-store"}
    request_id = getattr(request, "request_id", "")
    if request.path.startswith("/api/"):
        error: dict[str, Any] = {"code": "UNAVAILABLE", "message": message, "details": [], "request_id": request_id}
        return JsonResponse({"success": False, "error": error}, status=503, headers=headers)
    if request.headers.get("HX-Request"):
        return HttpResponse(message, status=503, headers={**headers, "HX-Reswap": "none"}, content_type="text/plain; charset=utf-8")
    title = _("Back in a moment")
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="refresh" content="5"></head><body><main><h1>{title}</h1><p>{message}</p>'
        f"<p><small>{request_id}</small></p></main></body></html>"
    )
    return HttpResponse(page, status=503, headers=headers)


def too_large(request: HttpRequest) -> HttpResponse:
    """Return the 413 for a body that was not even read to its end."""
    message = _("The request is larger than this installation accepts.")
    if request.path.startswith("/api/"):
        request_id = getattr(request, "request_id", "")
        error: dict[str, Any] = {"code": "PAYLOAD_TOO_LARGE", "message": message, "details": [], "request_id": request_id}
        return JsonResponse({"success": False, "error": error}, status=413)
    return HttpResponse(message, status=413, content_type="text/plain; charset=utf-8")
