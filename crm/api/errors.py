"""Every refusal and failure as the one error envelope of the API. Nothing leaves as an HTML page."""

from typing import Any

import psycopg
import structlog
from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions as rest
from rest_framework.response import Response

from crm.lib.errors import Detail, Refusal, TooMany
from crm.lib.http import note_deadlock

log = structlog.get_logger(__name__)

CODES = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_REQUIRED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    423: "LOCKED",
    429: "RATE_LIMITED",
    500: "SERVER_ERROR",
    503: "UNAVAILABLE",
}
RETRY_AFTER_SECONDS = 2
# What of a refusal's extra facts the caller may read: both versions of contested fields, and waiting times.
_PUBLIC_EXTRA = ("fields", "version", "retry_after")


class PayloadTooLarge(Refusal):
    """The body is larger than the installation accepts."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413
    message = "The body is too large."


class TokenInvalid(rest.AuthenticationFailed):
    """A token or key was sent and is not, or no longer, valid."""

    default_code = "TOKEN_INVALID"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Return the error envelope for any exception."""
    request = context.get("request")
    status, code, message, details, extra, headers = _read(error)
    if status >= 500:
        # The database may have marked the transaction as broken; the envelope must not need it.
        if connection.in_atomic_block:
            connection.set_rollback(True)
        if status == 500:
            log.error("api.failed", path=getattr(request, "path", ""), exc_info=error)
        else:
            note_deadlock(getattr(request, "_request", request), error)
            log.warning("api.unavailable", path=getattr(request, "path", ""), error=type(error).__name__)
    body: dict[str, Any] = {
        "code": code,
        "message": str(message),
        "details": [d.as_dict() for d in details],
        "request_id": request_id(request),
    }
    body.update({name: extra[name] for name in _PUBLIC_EXTRA if name in extra})
    return Response({"success": False, "error": body}, status=status, headers=headers)


def request_id(request: Any) -> str:
    """Return the id of the request, as the middleware gave it."""
    return str(getattr(getattr(request, "_request", request), "request_id", "") or "")


_Read = tuple[int, str, str, list[Detail], dict[str, Any], dict[str, str]]


def _read(error: Exception) -> _Read:
    if isinstance(error, Refusal):
        headers = {}
        if isinstance(error, TooMany) or "retry_after" in error.extra:
            headers["Retry-After"] = str(max(1, int(error.extra.get("retry_after", RETRY_AFTER_SECONDS))))
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="api"'
        return error.status, error.code, error.message, error.details, error.extra, headers
    if isinstance(error, rest.APIException):
        return _read_rest(error)
    if isinstance(error, Http404):
        return _plain(404, _("Not found."))
    if isinstance(error, django_errors.PermissionDenied):
        return _plain(403, _("You do not have permission to do this."))
    if isinstance(error, django_errors.RequestDataTooBig):
        return _plain(413, _("The body is too large."))
    if isinstance(error, django_errors.ValidationError):
        return _read_validation(error)
    if isinstance(error, django_errors.SuspiciousOperation | UnicodeDecodeError | RecursionError):
        return _plain(400, _("The request cannot be read."))
    return _read_database(error)


def _plain(status: int, message: str, **headers: str) -> _Read:
    return status, CODES[status], message, [], {}, headers


def _read_rest(error: rest.APIException) -> _Read:
    status = error.status_code
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if isinstance(error, rest.ValidationError):
        details = list(_flatten(error.detail))
        message = details[0].message if len(details) == 1 else _("The input is not valid.")
        return 400, CODES[400], message, details, {}, headers
    code = CODES.get(status, "VALIDATION_ERROR" if status < 500 else "SERVER_ERROR")
    if isinstance(error, rest.AuthenticationFailed):
        code = str(getattr(error.detail, "code", "")) if str(getattr(error.detail, "code", "")).isupper() else "TOKEN_INVALID"
    if isinstance(error, rest.Throttled):
        headers["Retry-After"] = str(int(error.wait or RETRY_AFTER_SECONDS))
    detail = error.detail
    message = str(detail) if not isinstance(detail, list | dict) else _("The input is not valid.")
    return status, code, message, [], {}, headers


def _flatten(detail: Any, path: str = "") -> Any:
    """Yield one detail per sentence of DRF's nested validation errors, with dotted names."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            name = path if key == "non_field_errors" else f"{path}.{key}" if path else str(key)
            yield from _flatten(inner, name)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _flatten(inner, f"{path}.{index}" if nested and path else path)
    else:
        yield Detail(path, str(detail))


def _read_validation(error: django_errors.ValidationError) -> _Read:
    if hasattr(error, "error_dict"):
        details = [Detail(name, m) for name, messages in error.message_dict.items() for m in messages]
    else:
        details = [Detail("", m) for m in error.messages]
    message = details[0].message if len(details) == 1 else _("The input is not valid.")
    return 400, CODES[400], message, details, {}, {}


def _read_database(error: Exception) -> _Read:
    if isinstance(error, ProtectedError | RestrictedError):
        return _plain(409, _("Other records still refer to this one."))
    if isinstance(error, IntegrityError):
        return _plain(409, _("This conflicts with what is already stored."))
    if isinstance(error, DataError):
        return _plain(400, _("A value cannot be stored."))
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return _plain(503, _("This is taking too long, or the database is not available. Try again."), **headers)
    return _plain(500, _("Something went wrong on our side. It has been logged."))
