"""What a User-Agent header says to a person: “Firefox on Windows”."""

import re

BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Macintosh", "macOS"), ("Linux", "Linux"),
)
_FIRST = re.compile(r"[A-Za-z][\w .-]{0,39}(?=/|$)")


def client_of(agent: str) -> tuple[str, str]:
    """Return the program and the system that a User-Agent names; the system is empty where it names none."""
    browser = next((name for mark, name in BROWSERS if f"{mark}/" in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    if not browser:
        first = _FIRST.match(agent)
        browser = first.group() if first and first.group() != "Mozilla" else ""
    return browser, system
