"""What every page answers: errors, htmx, caching, the address of the client."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory

from crm.accounts.models import User
from crm.lib.addresses import client_address
from crm.ui.pages import local_url

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def test_a_missing_page_is_ours_and_for_htmx_a_toast(client_for: Callable[[Any], Client], rep: User) -> None:
    """A page nobody knows answers 404; a fragment leaves the page alone and says why."""
    client = client_for(rep)
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert b"Page not found" in page.content
    part = client.get("/nowhere", headers=HTMX)
    assert part.status_code == 404
    assert part["HX-Reswap"] == "none"
    assert json.loads(part["HX-Trigger"])["toast"]["items"][0]["level"] == "error"


def test_pages_of_signed_in_people_are_not_kept(client_for: Callable[[Any], Client], rep: User) -> None:
    """No cache may hold what one person saw."""
    answer = client_for(rep).get("/customers")
    assert "no-store" in answer["Cache-Control"]
    assert "HX-Request" in answer["Vary"]


def test_strangers_are_sent_to_sign_in(client_for: Callable[[Any], Client]) -> None:
    """A page redirects; a fragment is told by a header, so that the form does not land in the middle of a page."""
    stranger = client_for(None)
    page = stranger.get("/customers")
    assert page.status_code == 302
    assert page["Location"].startswith("/account/sign-in?next=/customers")
    part = stranger.get("/customers/sums", headers=HTMX)
    assert part.status_code == 204
    assert part["HX-Redirect"].startswith("/account/sign-in")


def test_a_wrong_method_says_so(client_for: Callable[[Any], Client], rep: User) -> None:
    """405 has a page and names what is allowed."""
    answer = client_for(rep).post("/customers")
    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (1, "nonsense", "127.0.0.1"),
        (2, "9.9.9.9", "127.0.0.1"),
    ],
)
def test_the_client_address_counts_trusted_proxies_only(settings: Any, proxies: int, forwarded: str, found: str) -> None:
    """What a client writes into the header itself is never believed."""
    settings.TRUSTED_PROXY_COUNT = proxies
    assert client_address(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)) == found


def test_redirects_stay_on_this_site() -> None:
    """Another host is replaced by the default."""
    request = RequestFactory().get("/")
    assert local_url(request, "/customers?x=1") == "/customers?x=1"
    for evil in ("//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil.example", ""):
        assert local_url(request, evil, "/safe") == "/safe"


def test_the_policy_forbids_inline_code(client_for: Callable[[Any], Client], rep: User) -> None:
    """No page needs an inline script, style, or eval, and none has one."""
    answer = client_for(rep).get("/customers")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    html = answer.content.decode()
    assert " style=" not in html
    assert " onclick=" not in html
    assert "hx-on" not in html
