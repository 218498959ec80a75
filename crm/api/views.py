"""The base of every API view: one order of questions, one envelope, one transaction, the same headers."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView as RestAPIView

from crm.activity.intention import intend
from crm.api.idempotency import once
from crm.api.renderers import to_json
from crm.api.schema.checking import check
from crm.api.schema.operations import IF_MATCH, Operation, operation_of
from crm.api.slices import cut
from crm.api.throttling import Quota, take_quota
from crm.lib.errors import Invalid, Missing, Outdated, TooMany
from crm.lib.text import has_unstorable

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def answer(
    data: Any, *, status: int = 200, metadata: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """Return a success in the envelope. A list that is not paged is one page."""
    metadata = dict(metadata or {})
    if isinstance(data, list) and "pagination" not in metadata:
        count = len(data)
        metadata["pagination"] = {
            "page": 1, "limit": max(1, count), "total": count, "pages": min(1, count), "next": None, "previous": None,
        }
    return Response({"success": True, "data": data, "metadata": metadata}, status=status, headers=headers)


def no_content(headers: dict[str, str] | None = None) -> Response:
    """Return an empty success."""
    return Response(None, status=204, headers=headers)


class APIView(RestAPIView):
    """A view of the API. Handlers are declared with ``@describe`` and return ``answer(…)`` or ``no_content()``.

    The order is: method (405), form of the answer (406), quota (429), identity (401), address (404),
    parameters (400). What writes runs under one intention of the caller, in one transaction.
    """

    quota_cost = 1
    """Tokens that a call takes; more for what costs more."""
    atomic = True
    """Whether a write is one transaction; off where a refusal must leave traces (failed sign-ins)."""
    idempotent = True
    """Whether a POST heeds ``Idempotency-Key``; off where the answer holds secrets."""
    metadata_class = None
    quota: Quota | None = None
    format_kwarg = None

    # -- the order of questions ---------------------------------------------------------------------

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer a request; whatever is raised becomes the error envelope."""
        self.args, self.kwargs = args, kwargs
        request = self.initialize_request(request, *args, **kwargs)
        self.request, self.headers = request, {}
        try:
            handler = self.handler_for(request)
            request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
            self.count(request)
            self.perform_authentication(request)
            self.check_permissions(request)
            self.kwargs = {name: _identifier(name, value) for name, value in kwargs.items()}
            self.check_parameters(request)
            self.check_body(request)
            response = self.read(request, handler) if request.method in SAFE else self.write(request, handler)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(request, response, *args, **kwargs)
        return self.response

    def handler_for(self, request: Any) -> Callable[..., Any]:
        """Return the method that answers, or refuse the method."""
        found = getattr(self, request.method.lower(), None) if request.method.lower() in self.http_method_names else None
        if found is None or (request.method not in ("OPTIONS", "HEAD") and self.operation(request.method) is None):
            raise MethodNotAllowed(request.method)
        handler: Callable[..., Any] = found
        return handler

    def count(self, request: Any) -> None:
        """Take from the quota of the user, or of the address while it is not known who calls."""
        try:
            user = request.user
        except Exception:
            self.quota = take_quota(request, None, self.quota_cost)
            if self.quota.allowed:
                raise
        else:
            self.quota = take_quota(request, user, self.quota_cost)
        if not self.quota.allowed:
            raise TooMany(extra={"retry_after": self.quota.retry_after})

    def check_parameters(self, request: Any) -> None:
        """Refuse query parameters that the operation does not declare, or that are given twice."""
        operation = self.operation(request.method)
        for name, values in request.query_params.lists():
            if len(values) > 1:
                raise Invalid.field(name[:80], _("“%(name)s” is given twice.") % {"name": name[:80]})
            if has_unstorable(name) or has_unstorable(values[0]):
                raise Invalid.field("", _("A parameter contains characters that cannot be stored."))
        if operation is None or not operation.checks_parameters:
            return
        declared = {p.name: p for p in operation.all_parameters(self) if p.where == "query"}
        for name, value in request.query_params.items():
            if name not in declared:
                raise Invalid.field(name[:80], _("Unknown parameter “%(name)s”.") % {"name": name[:80]})
            check(declared[name].schema, _typed(declared[name].schema, value), name)
        for name, parameter in declared.items():
            if parameter.required and name not in request.query_params:
                raise Invalid.field(name, _("This parameter is required."))

    def check_body(self, request: Any) -> None:
        """Refuse an empty request where a body is declared."""
        operation = self.operation(request.method)
        if operation is None or operation.body is None or not operation.body_required:
            return
        if not self.has_body(request):
            raise Invalid.field("", _("A body is expected."))

    @staticmethod
    def has_body(request: Any) -> bool:
        """Tell whether anything was sent besides the headers."""
        return request.META.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in request.META

    def read(self, request: Any, handler: Callable[..., Any]) -> Any:
        """Run a handler that reads; a list that it returns as a whole is cut into pages."""
        response = handler(request, **self.kwargs)
        operation = self.operation(request.method)
        if operation is not None and operation.whole and response.status_code == 200:
            response.data["data"], response.data["metadata"]["pagination"] = cut(request, response.data["data"])
        return response

    def write(self, request: Any, handler: Callable[..., Any]) -> Any:
        """Run a handler that writes: under one intention, and once per ``Idempotency-Key``."""
        if not self.atomic:
            return handler(request, **self.kwargs)
        user = request.user
        known = bool(user and user.is_authenticated)
        with intend(actor=user if known else None, source="api"):
            if self.guarded(request.method):
                self.check_state(request)
            if request.method == "POST" and known and self.idempotent and "HTTP_IDEMPOTENCY_KEY" in request.META:
                return once(request, lambda: handler(request, **self.kwargs))
            return handler(request, **self.kwargs)

    def guarded(self, method: str) -> bool:
        """Tell whether ``If-Match`` is held against what GET gives at this address (what has a version checks that)."""
        own, shown = self.operation(method), self.operation("GET")
        if method not in ("PUT", "PATCH", "DELETE") or own is None or shown is None or shown.many or shown.whole:
            return False
        # The schema last: to put it together takes longer than to write most records.
        if IF_MATCH in own.all_parameters(self):
            return False
        schema = shown.answer_schema(self)
        return bool(schema) and schema.get("type") != "array"

    def check_state(self, request: Any) -> None:
        """Refuse to write over what someone else changed since it was read."""
        asked = _tags(request.META.get("HTTP_IF_MATCH", ""))
        if asked in ([], ["*"]):
            return
        with connection.cursor() as cursor:
            # Those who ask this at the same moment do so one after the other.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [request.path.rstrip("/")])
        shown = self.get(request, **self.kwargs)  # type: ignore[attr-defined]
        if _tag_of(to_json(shown.data)) not in asked:
            raise Outdated(_("Someone changed this in the meantime."))

    # -- what handlers use --------------------------------------------------------------------------

    def operation(self, method: str) -> Operation | None:
        """Return the declared operation of a method."""
        return operation_of(self, method)

    def body(self) -> Any:
        """Return the body, checked against the schema that the operation declares."""
        operation = self.operation(self.request.method)
        data = self.request.data if self.has_body(self.request) else {}
        schema = operation.body_schema(self) if operation else None
        if schema is not None:
            if hasattr(data, "dict"):
                data = data.dict()
            check(schema, data)
        return data

    def parameter(self, name: str, default: Any = None) -> Any:
        """Return a declared query parameter in its type."""
        operation = self.operation(self.request.method)
        if name not in self.request.query_params or operation is None:
            return default
        schema = next(p.schema for p in operation.all_parameters(self) if p.name == name)
        return _typed(schema, self.request.query_params[name])

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Tell the methods, and nothing else."""
        return no_content({"Allow": ", ".join(self.allowed_methods)})

    @property
    def allowed_methods(self) -> list[str]:
        """Return the methods that are declared."""
        found = [m for m in ("GET", "POST", "PUT", "PATCH", "DELETE") if self.operation(m) is not None]
        return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"]

    # -- what every answer carries ------------------------------------------------------------------

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the quota, caching and entity tag headers; a tag that the caller knows becomes a 304."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.quota is None:
            self.quota = take_quota(request, None, 0)
        for name, value in self.quota.headers().items():
            response[name] = value
        if response.status_code == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ("Accept", "Authorization", "Cookie", "Accept-Language"))
        if request.method in ("GET", "HEAD") and response.status_code == 200 and isinstance(response, Response):
            self._tag(request, response)
        elif response.status_code == 200 and self.guarded(request.method) and self._shows_the_same(request.method):
            response["ETag"] = _tag_of(to_json(response.data))
        return response

    def _shows_the_same(self, method: str) -> bool:
        own, shown = self.operation(method), self.operation("GET")
        return own is not None and shown is not None and own.answer_schema(self) == shown.answer_schema(self)

    def _tag(self, request: Any, response: Response) -> None:
        if not response.has_header("ETag"):
            written = to_json(response.data)
            response.written = (response.data, written)  # type: ignore[attr-defined]
            response["ETag"] = _tag_of(written)
        known = _tags(request.META.get("HTTP_IF_NONE_MATCH", ""))
        if response["ETag"] in known or known == ["*"]:
            response.status_code = 304
            response.data = None


class PublicAPIView(APIView):
    """A view that answers anyone. These are few, and listed in ``docs/security``."""

    permission_classes = [AllowAny]


class UnknownView(PublicAPIView):
    """Every address under ``/api/`` that is not declared."""

    def handler_for(self, request: Any) -> Callable[..., Any]:
        """Answer any method the same way."""
        return self.missing

    def missing(self, request: Any, **kwargs: Any) -> Response:
        """Refuse: there is nothing here."""
        raise Missing

    def perform_content_negotiation(self, request: Any, force: bool = True) -> Any:
        """Let the address be the only thing that is wrong: who takes nothing of ours gets JSON."""
        return super().perform_content_negotiation(request, force=True)

    def check_body(self, request: Any) -> None:
        """Let the address be the only thing that is wrong."""

    def check_parameters(self, request: Any) -> None:
        """Let the address be the only thing that is wrong."""

    def write(self, request: Any, handler: Callable[..., Any]) -> Any:
        """Need no transaction."""
        return handler(request)


def _tag_of(written: bytes) -> str:
    return f'"{hashlib.sha256(written).hexdigest()[:32]}"'


def _tags(header: str) -> list[str]:
    return [tag for t in header.split(",") if (tag := t.strip().removeprefix("W/"))]


def _identifier(name: str, value: str) -> Any:
    if name != "id" and not name.endswith("_id"):
        if has_unstorable(value) or len(value) > 200:
            raise Missing
        return value
    try:
        found = uuid.UUID(value)
    except ValueError:
        raise Missing from None
    if str(found) != value.lower():
        raise Missing
    return found


def _typed(schema: dict[str, Any], value: str) -> Any:
    """Return a parameter in the type of its schema; what cannot be converted stays a text and is refused."""
    expected = schema.get("type")
    if expected == "integer":
        digits = value.removeprefix("-")
        return int(value) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else value
    if expected == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    return value


__all__ = ["APIView", "PublicAPIView", "UnknownView", "answer", "no_content"]
