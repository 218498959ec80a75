"""What a browser feels: the weight of first pages, when the largest part of them stands, what moves, and how typing keeps up."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

WEIGHT, PAINT, SHIFT, TYPING = 100.0, 1000.0, 0.001, 50.0
"""The budgets: kilobytes with headers, milliseconds, layout shift, milliseconds."""

_WATCH = """
window.seen = { paint: 0, shift: 0, keys: 0 };
const watch = (type, take, more) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
watch('largest-contentful-paint', (e) => { window.seen.paint = e.startTime; });
watch('layout-shift', (e) => { if (!e.hadRecentInput) window.seen.shift += e.value; });
watch('event', (e) => { if (/^key|input$/.test(e.name)) window.seen.keys = Math.max(window.seen.keys, e.duration); }, { durationThreshold: 16 });
"""
_LETTERS = "the quick brown fox jumps over lazy dogs"


@dataclass(frozen=True)
class FirstPage:
    """A page as an empty browser meets it."""

    name: str
    weight: float
    paint: float
    slow_paint: float
    shift: float

    @property
    def holds(self) -> bool:
        """Tell whether the budgets are kept."""
        return self.weight <= WEIGHT and self.paint <= PAINT and self.shift < SHIFT


@dataclass(frozen=True)
class Typed:
    """The longest time from a key to the next picture, of forty letters."""

    name: str
    longest: float

    @property
    def holds(self) -> bool:
        """Tell whether the budget is kept."""
        return self.longest <= TYPING


@dataclass(frozen=True)
class Felt:
    """What was measured in a browser."""

    pages: list[FirstPage]
    typed: list[Typed]


def measure(url: str, cookies: dict[str, str], customer: Any) -> Felt | None:
    """Open the first pages and type; None where there is no browser to do it with."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None or find_spec("playwright") is None:
        return None
    with import_module("playwright.sync_api").sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=["--no-sandbox"])
        bench = _Browser(browser, url, cookies)
        pages = [
            bench.first_page("Home", "/"),
            bench.first_page("List of customers", "/customers"),
            bench.first_page("Customer page", f"/customers/{customer}"),
            bench.first_page("Board", "/deals?layout=board&lanes="),
            bench.first_page("Sign-in", "/account/sign-in", signed_in=False),
        ]
        typed = [
            bench.typing("Search of the list", "/customers", _into("#list-find")),
            bench.typing("Palette", "/customers", _palette),
            bench.typing("Note of a customer", f"/customers/{customer}", _into("#composer textarea")),
            bench.typing("A field in place", f"/customers/{customer}", _field),
            bench.typing("New customer", "/customers/new", _into("[name=first_name]")),
        ]
        browser.close()
    return Felt(pages, typed)


def _into(selector: str) -> Callable[[Any], None]:
    return lambda page: page.focus(selector)


def _palette(page: Any) -> None:
    page.keyboard.press("Control+k")
    page.wait_for_selector("#cmd[open]")


def _field(page: Any) -> None:
    page.click("#record-fields .fval[hx-get$='/fields/job_title/edit']")
    page.wait_for_selector("crm-inline input:not([type=hidden])")


class _Browser:
    """Opens pages of one server, each with nothing kept from the one before."""

    def __init__(self, browser: Any, url: str, cookies: dict[str, str]) -> None:
        self.browser = browser
        self.url = url
        self.cookies = [{"name": name, "value": value, "url": url} for name, value in cookies.items()]

    @contextmanager
    def page(self, *, signed_in: bool = True, slowed: int = 1) -> Iterator[tuple[Any, Any]]:
        """Give an empty page and its debugger."""
        context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        if signed_in:
            context.add_cookies(self.cookies)
        page = context.new_page()
        page.add_init_script(_WATCH)
        debugger = context.new_cdp_session(page)
        debugger.send("Emulation.setCPUThrottlingRate", {"rate": slowed})
        yield page, debugger
        context.close()

    def first_page(self, name: str, path: str, *, signed_in: bool = True) -> FirstPage:
        """Open a page at full speed, and once with a quarter of it."""
        sizes: list[float] = []
        with self.page(signed_in=signed_in) as (page, debugger):
            debugger.send("Network.enable")
            debugger.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
            seen = self._open(page, path)
        with self.page(signed_in=signed_in, slowed=4) as (page, _debugger):
            slow = self._open(page, path)
        return FirstPage(name, sum(sizes) / 1000, seen["paint"], slow["paint"], max(seen["shift"], slow["shift"]))

    def typing(self, name: str, path: str, begin: Callable[[Any], None]) -> Typed:
        """Type forty letters, as fast as a good typist."""
        with self.page() as (page, _debugger):
            self._open(page, path)
            page.mouse.move(700, 300)
            page.wait_for_timeout(500)
            begin(page)
            page.wait_for_timeout(500)
            page.evaluate("window.seen.keys = 0")
            page.keyboard.type(_LETTERS, delay=70)
            page.wait_for_timeout(800)
            return Typed(name, page.evaluate("window.seen.keys"))

    def _open(self, page: Any, path: str) -> dict[str, float]:
        page.goto(self.url + path)
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(1500)
        seen: dict[str, float] = page.evaluate("window.seen")
        return seen
