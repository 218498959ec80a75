"""Request ids, and the honest 503."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from psycopg.errors import DeadlockDetected
from psycopg_pool import PoolTimeout

from crm.lib.http import RequestIdMiddleware, UnavailableMiddleware, is_unavailable, note_commit


def test_every_answer_carries_a_request_id(client: Client) -> None:
    first, second = client.get("/health/live"), client.get("/health/live")
    assert len(first["X-Request-ID"]) == 32
    assert first["X-Request-ID"] != second["X-Request-ID"]


@pytest.mark.parametrize(("given", "kept"), [("deploy-2026-01", True), ("short", False), ("bad id\n", False), ("x" * 65, False)])
def test_a_well_formed_id_of_the_caller_is_kept(given: str, kept: bool) -> None:
    request = RequestFactory().get("/", headers={"X-Request-ID": given})
    response = RequestIdMiddleware(lambda r: HttpResponse())(request)
    assert (response["X-Request-ID"] == given) is kept


def failing(error: Exception) -> Any:
    """Return the middleware around a view that fails, as Django puts it together."""

    def view(request: HttpRequest) -> HttpResponse:
        raise error

    handler = BaseHandler()
    handler.load_middleware()
    return UnavailableMiddleware(convert_exception_to_response(view))


@pytest.mark.parametrize("path", ["/api/v1/deals", "/deals"])
def test_a_database_that_is_away_is_a_503(path: str) -> None:
    request = RequestFactory().get(path)
    response = failing(OperationalError("server closed the connection"))(request)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert b"server closed" not in response.content
    if path.startswith("/api/"):
        assert json.loads(response.content)["error"]["code"] == "UNAVAILABLE"


def test_after_a_full_pool_requests_do_not_queue_up() -> None:
    error = OperationalError("no connection")
    error.__cause__ = PoolTimeout()
    middleware = failing(error)
    assert middleware(RequestFactory().get("/")).status_code == 503
    middleware.get_response = lambda request: pytest.fail("it was asked again at once")
    assert middleware(RequestFactory().get("/")).status_code == 503


def test_other_errors_stay_errors() -> None:
    assert not is_unavailable(ValueError())
    assert failing(ValueError("a bug"))(RequestFactory().get("/")).status_code == 500


def deadlock() -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = DeadlockDetected()
    return error


@pytest.mark.parametrize(("losses", "kept", "status", "asked"), [(2, False, 200, 3), (3, False, 503, 3), (1, True, 503, 1)])
def test_a_lost_deadlock_is_tried_again_if_nothing_stayed(losses: int, kept: bool, status: int, asked: int) -> None:
    bodies = []

    def view(request: HttpRequest) -> HttpResponse:
        bodies.append(request.body)
        if kept:
            note_commit()
        if len(bodies) <= losses:
            raise deadlock()
        return HttpResponse()

    environ = RequestFactory().post("/api/v1/deals", b"the body", content_type="text/plain").environ
    environ["wsgi.input"] = BytesIO(b"the body")
    request = WSGIRequest(environ)
    request.request_id = "x" * 32  # type: ignore[attr-defined]
    assert UnavailableMiddleware(convert_exception_to_response(view))(request).status_code == status
    assert bodies == [b"the body"] * asked
