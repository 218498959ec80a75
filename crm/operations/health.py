"""``/health/live``, ``/health/ready`` and ``/metrics``, answered before anything else is asked.

*Live* means that the process answers. *Ready* means that it can do its work: 503 names the needed part that
is missing, or says that the process is about to end. Parts that Rapport does without for a while (cache, live pages, workers) are named as degraded.
"""

import hmac
import ipaddress
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import Gauge

from crm.jobs.alive import missing, oldest_waiting
from crm.operations.leaving import is_leaving

Answer = Callable[[HttpRequest], HttpResponseBase]

REMEMBERED = 2.0
# Of several web processes, the one that looked last knows best.
waiting_age = Gauge("rapport_job_oldest_seconds", "Age of the oldest waiting job.", ["queue"], multiprocess_mode="mostrecent")
part_up = Gauge("rapport_part_up", "Whether a part of the installation is at work.", ["part"], multiprocess_mode="mostrecent")

_migrated = False


class HealthMiddleware:
    """Answers the three addresses for probes, whatever host name they use, without session or sign-in."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.lock = threading.Lock()
        self.known: tuple[float, dict[str, Any]] = (0.0, {})

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a probe, or pass the request on."""
        if request.path == "/health/live":
            return _plain({"status": "live"})
        if request.path == "/health/ready":
            if is_leaving():
                return _plain({"status": "leaving"}, 503)
            found = self.look()
            return _plain(found, 200 if found["status"] == "ready" else 503)
        response = self.metrics(request) if request.path == "/metrics" else self.get_response(request)
        if is_leaving():
            # The next request comes over a new connection, which the successor takes.
            response["Connection"] = "close"
        return response

    def look(self) -> dict[str, Any]:
        """Return the state of every part, asked at most once in two seconds."""
        with self.lock:
            at, found = self.known
            if not found or time.monotonic() - at > REMEMBERED:
                found = state()
                self.known = (time.monotonic(), found)
        return found

    def metrics(self, request: HttpRequest) -> HttpResponseBase:
        """Answer Prometheus: from this machine itself, or with the token."""
        if not may_read_metrics(request):
            return HttpResponse("Not found.", status=404, content_type="text/plain; charset=utf-8")
        found = self.look()
        for part, condition in found["parts"].items():
            part_up.labels(part).set(1 if condition == "ok" else 0)
        try:
            for queue, age in oldest_waiting().items():
                waiting_age.labels(queue).set(age)
        except Error:
            connection.close()
        answer: HttpResponse = ExportToDjangoView(request)
        answer["Cache-Control"] = "no-store"
        return answer


def state() -> dict[str, Any]:
    """Return what is there and what is missing."""
    parts: dict[str, str] = {}
    try:
        parts["database"] = "ok"
        parts["migrations"] = "ok" if _is_migrated() else "pending"
        migrated = parts["migrations"] == "ok"
        away, waiting = (missing(), oldest_waiting()) if migrated else ([], {})
    except Error:
        parts["database"], away, waiting = "missing", [], {}
        parts.pop("migrations", None)
    finally:
        connection.close()
    parts["cache"] = "ok" if cache.is_up() else "missing"  # type: ignore[attr-defined]
    for name in away:
        parts[name] = "missing"
    needed = {"database", "migrations"}
    lacking = [n for n, condition in parts.items() if condition != "ok" and n in needed]
    degraded = [n for n, condition in parts.items() if condition != "ok" and n not in needed]
    return {
        "status": "unavailable" if lacking else "ready",
        "missing": lacking,
        "degraded": degraded,
        "parts": parts,
        "oldest_job_seconds": {queue: round(age) for queue, age in waiting.items()},
    }


def _is_migrated() -> bool:
    """Tell whether every migration is applied (asked until the answer is yes)."""
    global _migrated
    if _migrated:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    executor = MigrationExecutor(connection)
    _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


def may_read_metrics(request: HttpRequest) -> bool:
    """Tell whether the caller may read figures: by the token, or directly from this machine (through no proxy)."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return True
    if settings.TRUSTED_PROXY_COUNT or any(
        name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
    ):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _plain(data: dict[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(data, status=status, headers={"Cache-Control": "no-store"})
