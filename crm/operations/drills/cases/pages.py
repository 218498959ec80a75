"""Half a page: what a person sees when an answer does not come, or comes broken (FD-46)."""

import json
import uuid
from typing import Any

from django.conf import settings

from crm.operations.drills.browser import Browser, available
from crm.operations.drills.outcome import Outcome, wait_for
from crm.operations.drills.registry import Sizes, drill
from crm.operations.drills.stand import PASSWORD, Stand

TYPED = "Typed and not lost"
REFUSED = "Somebody else was faster."


def _answer(kind: str, route: Any) -> None:
    """Answer a form in a wrong way."""
    if kind == "no connection":
        route.abort("connectionrefused")
    elif kind == "time-out":
        route.abort("timedout")
    elif kind == "500":
        route.fulfill(status=500, body="<h1>broken</h1>", content_type="text/html", headers={"X-Request-ID": "drill-reference-1"})
    else:
        told = json.dumps({"toast": {"items": [{"text": REFUSED, "level": "error"}]}})
        route.fulfill(status=409, body="", content_type="text/html", headers={"HX-Trigger": told, "HX-Reswap": "none"})


@drill("FD-46", "Half a page", fails_at="500: what was typed is still there", control=lambda stand, sizes: _bare(stand),
       fault="our scripts taken away")
def half_a_page(stand: Stand, sizes: Sizes) -> Outcome:
    """Send a form in a browser while the answer fails in each way, then let it through."""
    found = Outcome()
    if not available():
        found.remark("There is no Chromium here: nothing was drilled")
        return found
    with Browser(stand) as browser:
        for kind in ("500", "time-out", "no connection", "401", "409"):
            _one(stand, browser, found, kind)
        _offline(stand, browser, found)
    return found


def _made(stand: Stand) -> str:
    with stand.api("rep") as client:
        return str(client.post("/companies", json={"name": f"page {uuid.uuid4().hex}"}).json()["data"]["id"])


def _one(stand: Stand, browser: Browser, found: Outcome, kind: str) -> None:
    made = _made(stand)
    page = browser.open("rep", f"/companies/{made}/edit")
    address = f"**/companies/{made}/edit*"
    if kind == "401":
        page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    else:
        page.route(address, lambda route: _answer(kind, route) if route.request.method == "POST" else route.continue_())
    name = page.locator("main [name=name]")
    name.fill(TYPED)
    name.press("Control+Enter")
    shown = "dialog[open]" if kind == "401" else ".failed, [role=alert], .toast"
    found.at_most(f"{kind}: a message is there after", wait_for(lambda: _visible(page, shown), 15), 10)
    found.true(f"{kind}: what was typed is still there", name.input_value() == TYPED)
    if kind == "500":
        found.true("500: with a number to quote", "drill-reference-1" in page.inner_text("body"))
    page.wait_for_timeout(1500)
    found.true(f"{kind}: nothing spins any more", page.locator("main form .htmx-request, main form.htmx-request, main [aria-busy=true]").count() == 0)
    if kind == "401":
        page.fill("dialog[open] [name=login]", "rep@drill.example")
        page.fill("dialog[open] [name=password]", PASSWORD)
        page.press("dialog[open] [name=password]", "Enter")
        found.at_most("401: signed in again, saved after", wait_for(lambda: _is_saved(stand, made, page), 20), 20)
    elif kind == "409":
        found.true("409: the message is the server’s", REFUSED in page.inner_text("body"))
    else:
        page.unroute(address)
        page.locator(".failed button").first.click()
        found.at_most(f"{kind}: its button tries again, saved after", wait_for(lambda: _is_saved(stand, made, page), 15), 15)
    page.context.close()


def _offline(stand: Stand, browser: Browser, found: Outcome) -> None:
    made = _made(stand)
    page = browser.open("rep", f"/companies/{made}/edit")
    page.context.set_offline(True)
    name = page.locator("main [name=name]")
    name.fill(TYPED)
    name.press("Control+Enter")
    found.at_most("offline: a message is there after", wait_for(lambda: _visible(page, "#offline, .failed"), 15), 10)
    found.true("offline: what was typed is still there", name.input_value() == TYPED)
    page.context.set_offline(False)
    saved = wait_for(lambda: _is_saved(stand, made, page), 20)
    if saved is None and _visible(page, ".failed button"):
        page.locator(".failed button").first.click()
        saved = wait_for(lambda: _is_saved(stand, made, page), 15)
    found.at_most("back online: saved after", saved, 20)
    page.context.close()


def _bare(stand: Stand) -> Outcome:
    """The same without our scripts, as a plain page behaves."""
    found = Outcome()
    if not available():
        found.true("500: what was typed is still there", False, "nothing was drilled")
        return found
    made = _made(stand)
    with Browser(stand) as browser:
        context = browser.browser.new_context()
        context.add_cookies([{"name": k, "value": v, "url": stand.url} for k, v in stand.cookies("rep").items()])
        page = context.new_page()
        page.route("**/*.js", lambda route: route.abort())
        page.route(f"**/companies/{made}/edit*", lambda route: _answer("500", route) if route.request.method == "POST" else route.continue_())
        page.goto(f"{stand.url}/companies/{made}/edit")
        page.locator("main [name=name]").fill(TYPED)
        page.locator("main form.form button.btn-primary").last.click()
        page.wait_for_timeout(2000)
        kept = page.locator("main [name=name]")
        found.true("500: what was typed is still there", kept.count() == 1 and kept.input_value() == TYPED)
    return found


def _visible(page: Any, selector: str) -> bool:
    page.wait_for_timeout(50)
    return any(element.is_visible() for element in page.locator(selector).all())


def _is_saved(stand: Stand, made: str, page: Any) -> bool:
    page.wait_for_timeout(50)
    return bool(stand.sql("SELECT name = %s FROM customers_company WHERE id = %s", TYPED, made)[0][0])
