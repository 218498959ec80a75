"""A real browser, where there is one: what a person sees when an answer is late, broken or missing."""

import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from crm.operations.drills.outcome import wait_for
from crm.operations.drills.stand import Stand

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


def available() -> bool:
    """Tell whether pages can be drilled on this machine."""
    return CHROMIUM is not None and find_spec("playwright") is not None


class Browser:
    """One browser; each person has a window of his own."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand

    def __enter__(self) -> "Browser":
        # Playwright comes with the tools for tests, which an installation for use does not have.
        start = import_module("playwright.sync_api").sync_playwright
        # It keeps an event loop in this thread; our own questions to the database are meant to be asked here.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        self.playwright = start().start()
        self.browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        return self

    def __exit__(self, *args: Any) -> None:
        self.browser.close()
        self.playwright.stop()

    def open(self, name: str, path: str) -> Any:
        """Open a page as one of the people; return it when its script is at work."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": k, "value": v, "url": self.stand.url} for k, v in self.stand.cookies(name).items()])
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(self.stand.url + path)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    @staticmethod
    def sees(page: Any, text: str, seconds: float) -> bool:
        """Tell whether a text becomes visible in time."""

        def there() -> bool:
            page.wait_for_timeout(100)
            return any(found.is_visible() for found in page.get_by_text(text).all())

        return wait_for(there, seconds, pause=0.1) is not None
