"""The Content-Security-Policy, worked out once: it is the same for every page that does not ask for another one."""

from functools import cached_property
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

_NO_DOCUMENT = ("text/css", "text/javascript", "font/")
"""What a browser never shows as a page: a policy would only be weight. Drawings (SVG) are pages and have one."""


class ContentPolicyMiddleware(CSPMiddleware):  # type: ignore[misc]
    """Sets the header that the settings describe; ``@csp_update`` and its like are left to the package."""

    @cached_property
    def _usual(self) -> str:
        return str(build_policy())

    def process_request(self, request: HttpRequest) -> None:
        """Prepare nothing: no page of ours has inline scripts or styles, so there are no nonces."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """Set the header, unless the answer has one."""
        if settings.DEBUG or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        if not response.headers.get("Content-Type", "").startswith(_NO_DOCUMENT):
            response.headers.setdefault(HEADER, self._usual)
        return response
