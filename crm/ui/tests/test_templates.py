"""House rules of templates and scripts: what the policy forbids is not even written down."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def templates() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every template."""
    for folder in (ROOT / "templates", *(ROOT / p for p in sorted(settings.OUR_PACKAGES))):
        for file in folder.rglob("*.html"):
            yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")


def test_no_inline_code_and_no_eval() -> None:
    """No inline style, script or handler, no ``hx-on``, no ``js:`` values, no trigger filters."""
    banned = {
        "inline style": re.compile(r"\sstyle="),
        "inline handler": re.compile(r"\son(click|change|submit|input|load|error)="),
        "hx-on": re.compile(r"\shx-on[:=]"),
        "js: value": re.compile(r"=['\"]js:"),
        "trigger filter": re.compile(r"hx-trigger=\"[^\"]*\["),
        "inline script": re.compile(r"<script(?![^>]*(\ssrc=|type=\"application/json\"))"),
    }
    found = [f"{name}: {what}" for name, text in templates() for what, rule in banned.items() if rule.search(text)]
    mail = [f for f in found if "/mail/" in f or "email" in f]
    assert sorted(set(found) - set(mail)) == []


def test_scripts_are_short_and_free_of_eval() -> None:
    """One behaviour for each file; nothing that needs ``unsafe-eval``."""
    for file in (ROOT / "static" / "src" / "js").glob("*.js"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function\(", text), file.name
        assert text.count("\n") <= 400, file.name
