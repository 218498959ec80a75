"""Where a request acts from, where it is read from, and how its answer meets htmx."""

import json
import zoneinfo
from collections.abc import Callable
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from crm.activity.intention import Origin, acting_from
from crm.activity.models import ChangeSet
from crm.lib.addresses import UNKNOWN, client_address
from crm.lib.errors import Refusal
from crm.ui.errors import bodiless, refusal

Answer = Callable[[HttpRequest], HttpResponseBase]


class OriginMiddleware:
    """Tells the activity log who asks, from where, and under which request id."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Run the request inside its origin."""
        user = getattr(request, "user", None)
        path = request.path
        source = ChangeSet.Source.API if path.startswith("/api/") else ChangeSet.Source.WEB
        if path.startswith("/admin/"):
            source = ChangeSet.Source.ADMIN
        address = client_address(request)
        origin = Origin(
            user_id=user.pk if user is not None and user.is_authenticated else None,
            source=source,
            request_id=str(getattr(request, "request_id", "")),
            ip_address=None if address == UNKNOWN else address,
            user_agent=str(request.META.get("HTTP_USER_AGENT", ""))[:400],
        )
        with acting_from(origin):
            return self.get_response(request)


class LocaleFromProfileMiddleware:
    """Speaks the language and keeps the clock of the person who is signed in."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Switch language and time zone for the time of the request."""
        user: Any = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return self.get_response(request)
        if translation.check_for_language(user.language):
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language() or user.language
        with timezone.override(_zone(user.time_zone)):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


class HtmxMiddleware:
    """Gives htmx what it needs: toasts as a header, redirects it can follow, and pages nobody keeps."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Finish the answer of a page."""
        response = self.get_response(request)
        if request.path.startswith("/api/"):
            return response
        response = bodiless(request, response)
        htmx: Any = getattr(request, "htmx", None)
        if htmx:
            if not htmx.boosted and 300 < response.status_code < 400 and response.status_code != 304:
                response = _redirect_by_header(response)
            moved = "HX-Redirect" in response or 300 < response.status_code < 400
            if not moved and response.get("Content-Type", "").startswith("text/html"):
                _toasts(request, response)
        patch_vary_headers(response, ["HX-Request", "HX-Boosted"])
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn a refusal that no page handled into its error page."""
        if isinstance(exception, Refusal) and not request.path.startswith("/api/"):
            return refusal(request, exception)
        return None


def _redirect_by_header(response: HttpResponseBase) -> HttpResponse:
    answer = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
    answer.cookies = response.cookies
    return answer


def toast_of(message: Any) -> dict[str, Any]:
    """Return a message as the data of a toast; ours carry JSON as their extra tags."""
    extra = message.extra_tags or ""
    more = json.loads(extra) if extra.startswith("{") else {}
    return {"text": str(message), "level": message.level_tag or "info"} | more


def _toasts(request: HttpRequest, response: HttpResponseBase) -> None:
    """Move waiting messages into the header that ``<crm-toasts>`` listens for."""
    found = [toast_of(m) for m in get_messages(request)]
    if not found:
        return
    triggers = json.loads(response.get("HX-Trigger", "{}") or "{}")
    triggers["toast"] = {"items": [*triggers.get("toast", {}).get("items", []), *found]}
    response["HX-Trigger"] = json.dumps(triggers)
