"""The address of the client: the last one that a proxy of ours has seen, never what the client claims."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"
"""Who asks over a socket without an address, or through a proxy that says nonsense."""


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address.

    With ``TRUSTED_PROXY_COUNT`` proxies of ours in front, it is that many places from the right of
    ``X-Forwarded-For``; without any, the peer's. No other header counts.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    trusted = settings.TRUSTED_PROXY_COUNT
    if trusted:
        hops = [h.strip() for h in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if h.strip()]
        if len(hops) >= trusted and (found := _valid(hops[-trusted])):
            return found
    return _valid(peer) or UNKNOWN


def network_of(address: str) -> str:
    """Return what attempts are counted by: an IPv4 address, or the /64 that one IPv6 customer has."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _valid(text: str) -> str:
    host = text.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
