"""``/schema`` and its two readers, served from our own host under a strict content security policy."""

import hashlib
import threading
import time
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, re_path
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from crm.access import stamps
from crm.api.renderers import to_json
from crm.api.routes import route
from crm.api.schema.document import Generator
from crm.api.schema.operations import describe
from crm.api.views import PublicAPIView
from crm.records.customfields import STAMP

KEPT_SECONDS = 60
# ReDoc fills an empty style element by script, and brings one fixed style sheet of its own. The hashes allow exactly
# these two, and no inline style besides.
_REDOC_STYLES = [
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
]

_lock = threading.Lock()
_made: dict[tuple[Any, ...], tuple[float, bytes]] = {}


def document(*, signed_in: bool) -> bytes:
    """Return the OpenAPI document; the installation's own custom fields are for those who are signed in."""
    key = (stamps.seen(STAMP), signed_in, get_language())
    with _lock:
        made_at, kept = _made.get(key, (0.0, b""))
        if time.monotonic() - made_at > KEPT_SECONDS or not kept:
            found = Generator(patterns=[]).get_schema(request=None, public=True)
            kept = to_json(found if signed_in else _without_custom(found))
            if len(_made) > 20:
                _made.clear()
            _made[key] = (time.monotonic(), kept)
        return kept


def _without_custom(node: Any, name: str = "") -> Any:
    if isinstance(node, list):
        return [
            _without_custom(n) for n in node
            if not (isinstance(n, dict) and str(n.get("name", "")).startswith("custom.") and n.get("in") == "query")
        ]
    if not isinstance(node, dict):
        return node
    if name == "custom" and "properties" in node:
        return {**{k: v for k, v in node.items() if k != "required"}, "properties": {}}
    return {k: _without_custom(v, k) for k, v in node.items()}


class SchemaView(PublicAPIView):
    """The OpenAPI document."""

    @describe("The OpenAPI document", answer=None, files={"application/json": {"type": "object"}}, public=True, tag="documents")
    def get(self, request: Any) -> HttpResponse:
        """Return the document."""
        body = document(signed_in=bool(request.user.is_authenticated))
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if tag in request.META.get("HTTP_IF_NONE_MATCH", ""):
            return HttpResponse(status=304, headers={"ETag": tag})
        return HttpResponse(body, content_type="application/json", headers={"ETag": tag})


@require_safe
@cache_control(private=True, max_age=300)
def swagger(request: HttpRequest) -> HttpResponse:
    """Show the document in Swagger UI."""
    return render(request, "api/swagger.html")


@require_safe
@csp_update({"style-src": _REDOC_STYLES})  # type: ignore[untyped-decorator]
@cache_control(private=True, max_age=300)
def redoc(request: HttpRequest) -> HttpResponse:
    """Show the document in ReDoc."""
    return render(request, "api/redoc.html")


def register_documents() -> None:
    """Declare the address of the document."""
    route("schema", SchemaView)


pages: list[URLPattern] = [
    re_path(r"^docs/?\Z", swagger, name="api-docs"),
    re_path(r"^redoc/?\Z", redoc, name="api-redoc"),
]
