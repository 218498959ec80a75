"""What every page answers: errors, htmx, caching, the address of the client."""

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from django.test import Client, RequestFactory

from crm.accounts.models import User
from crm.lib.addresses import client_address
from crm.records.services import create_record
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
    """A page redirects; a fragment and a form sent in the background get 401, and the page asks for the password."""
    stranger = client_for(None)
    page = stranger.get("/customers")
    assert page.status_code == 302
    assert page["Location"].startswith("/account/sign-in?next=/customers")
    part = stranger.get("/customers/sums", headers=HTMX)
    assert part.status_code == 401
    assert part["HX-Reswap"] == "none"
    boosted = {**HTMX, "HX-Boosted": "true"}
    assert stranger.get("/customers", headers=boosted).status_code == 302
    assert stranger.post("/settings/profile", headers=boosted).status_code == 401
    assert stranger.get("/account/here").status_code == 401


def test_a_boosted_page_comes_without_the_shell(client_for: Callable[[Any], Client], rep: User) -> None:
    """Title and main part only; whoever sees another shell now is told by its stamp."""
    client = client_for(rep)
    whole, part = client.get("/customers"), client.get("/customers", headers={**HTMX, "HX-Boosted": "true"})
    text = part.content.decode()
    assert text.startswith("<title>")
    assert '<aside class="side"' not in text
    stamp = re.search(r'data-shell="(\w+)"', text)
    assert stamp and stamp[0] in whole.content.decode()
    rep.language = "de"
    rep.save()
    assert stamp[0] not in client.get("/customers", headers={**HTMX, "HX-Boosted": "true"}).content.decode()


def test_what_is_told_survives_a_redirect_of_a_boosted_form(client_for: Callable[[Any], Client], rep: User) -> None:
    """The toast comes with the page that is shown, not with the redirect that nobody sees."""
    boosted = {**HTMX, "HX-Boosted": "true"}
    client = client_for(rep)
    answer = client.post("/notifications/read", headers=boosted)
    assert answer.status_code == 302
    assert "toast" in client.get(answer["Location"], headers=boosted)["HX-Trigger"]


def test_a_form_that_was_sent_and_refused_keeps_its_page(client_for: Callable[[Any], Client], rep: User) -> None:
    """An error page in its place would lose what was typed."""
    client, boosted = client_for(rep), {**HTMX, "HX-Boosted": "true"}
    sent = client.post("/settings/users/invite", {"email": "x@example.com"}, headers=boosted)
    assert sent.status_code in (403, 404)
    assert sent["HX-Reswap"] == "none"
    assert "HX-Reswap" not in client.get("/nowhere", headers=boosted)


def test_the_theme_is_kept_in_the_profile(client_for: Callable[[Any], Client], rep: User) -> None:
    """The toggle writes it; nonsense is refused."""
    client = client_for(rep)
    assert client.post("/settings/theme", {"theme": "dark"}).status_code == 204
    rep.refresh_from_db()
    assert rep.theme == "dark"
    assert client.post("/settings/theme", {"theme": "pink"}, headers=HTMX).status_code == 400


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


def test_pages_come_compressed_to_those_who_can_take_it(client_for: Callable[[Any], Client], rep: User) -> None:
    """A fraction of the bytes, another length each time, and plain for others."""
    client = client_for(rep)
    plain = client.get("/customers")
    packed = [client.get("/customers", headers={"Accept-Encoding": "gzip"}) for _time in range(6)]
    assert "Content-Encoding" not in plain
    assert all(p["Content-Encoding"] == "gzip" and "Accept-Encoding" in p["Vary"] for p in packed)
    assert gzip.decompress(packed[0].content).decode().startswith("<!doctype html>")
    assert len(packed[0].content) < len(plain.content) / 3
    assert len({len(p.content) for p in packed}) > 1
    small = client.get("/customers", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert brotli.decompress(small.content).startswith(b"<!doctype html>")
    assert "Content-Encoding" not in client.get("/api/v1/customers", headers={"Accept-Encoding": "gzip"})


@pytest.mark.parametrize("address", ["contacts/new", "relationships/new", "fields/email/edit"])
def test_a_dialog_opened_by_itself_stands_in_a_page(client_for: Callable[[Any], Client], rep: User, address: str) -> None:
    """In a new tab, or where scripts do not run, nobody is shown a bare part; scripts get the part alone."""
    person = create_record(of="customer", data={"last_name": "Alone"}, actor=rep)
    client, path = client_for(rep), f"/customers/{person.pk}/{address}"
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for headers in (browser, {**browser, "Sec-Fetch-Dest": "document"}):
        page = client.get(path, headers=headers).content
        assert b"<html" in page and b'class="part-alone"' in page
    for headers in (HTMX, {**browser, "Sec-Fetch-Dest": "empty"}, {"Accept": "*/*"}):
        assert b"<html" not in client.get(path, headers=headers).content
    refused = client.post(f"/customers/{person.pk}/contacts/new", {"kind": "nope"}, headers=browser)
    assert refused.status_code == 422
    assert b"<html" in refused.content
