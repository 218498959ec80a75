"""A real server, a real browser, and a watch on the console and the policy."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.test import Client

from crm.accounts.models import User

playwright = pytest.importorskip("playwright.sync_api", reason="The browser tests need playwright.")

CHROMIUM = next((p for p in ("chromium", "chromium-browser", "google-chrome") if shutil.which(p)), None)
AXE = Path(settings.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
NOISE = ("Failed to load resource: the server responded with a status of 4", "WebSocket")

# Playwright keeps an event loop in this thread; our own queries here are synchronous and meant to be.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and skip it where there is no browser or no built front end."""
    missing = "There is no Chromium." if CHROMIUM is None else ""
    if not (Path(settings.BASE_DIR) / "static" / "dist" / "app.js").is_file():
        missing = "Run manage.py build_ui first."
    for item in items:
        if "e2e" in Path(item.path).parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture
def server(live_server: Any) -> Iterator[str]:
    """Return the address of a running server; what a closed page still asked it is answered before the base is emptied."""
    running: list[int] = []
    changed = threading.Condition()

    def began(**_sent: Any) -> None:
        with changed:
            running.append(1)

    def ended(**_sent: Any) -> None:
        with changed:
            if running:
                running.pop()
            changed.notify_all()

    request_started.connect(began)
    request_finished.connect(ended)
    yield str(live_server.url)
    with changed:
        changed.wait_for(lambda: not running, timeout=20)
    request_started.disconnect(began)
    request_finished.disconnect(ended)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Start the browser for the tests here; its event loop is gone before another test of this process needs one."""
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which(str(CHROMIUM)), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """Return the list that console errors and policy violations are put on."""
    return []


@pytest.fixture
def new_page(chromium: Any, server: str, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Return a function that gives an empty page of an empty browser, signed in where somebody is named; nothing may complain."""
    contexts = []

    def make(user: User | None = None, *, phone: bool = False, dark: bool = False) -> Any:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        context = chromium.new_context(viewport=size, color_scheme="dark" if dark else "light", has_touch=phone)
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            name = settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": server}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" and not m.text.startswith(NOISE) else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_as(new_page: Callable[..., Any], server: str) -> Callable[..., Any]:
    """Return a function that opens a page as a user: ``open_as(rep, "/customers")``."""

    def make(user: User, path: str, *, phone: bool = False, dark: bool = False) -> Any:
        page = new_page(user, phone=phone, dark=dark)
        page.goto(server + path)
        page.wait_for_selector("html[data-ready]")
        return page

    return make


def axe(page: Any) -> list[str]:
    """Return the accessibility violations of a page, each with the first place."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules}).then(r => r.violations)", RULES)
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]

