"""The address of the person who asks, as far as it can be trusted."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the client's IP address, counting ``TRUSTED_PROXY_COUNT`` proxies from the right."""
    found = str(request.META.get("REMOTE_ADDR") or "")
    count = settings.TRUSTED_PROXY_COUNT
    if count:
        hops = [h.strip() for h in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if h.strip()]
        if len(hops) >= count:
            found = hops[-count]
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return None
