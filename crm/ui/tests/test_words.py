"""The German words: in line with the code, complete, and with every part of what they stand for."""

import re
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings

from crm.ui.build import words

PARTS = re.compile(r"%\(\w+\)[#0-9.]*[a-z]|%%|\{\w*\}|</?[a-z][^>]*>|https?://")


def both(value: Any) -> list[str]:
    """Return the forms of a message or of its words: one, or one for each number."""
    return [str(v) for v in value] if isinstance(value, tuple | list) else [str(value)]


@pytest.fixture(scope="module")
def german() -> Catalog:
    """Return the German words."""
    return words.read(words.source(settings.BASE_DIR, "de"), "de")


@pytest.fixture(scope="module")
def messages(german: Catalog) -> list[Message]:
    """Return its messages without the head of the file."""
    return [m for m in german if m.id]


def test_the_file_has_what_the_code_says_and_nothing_else(messages: list[Message]) -> None:
    """Run ``make words`` when this fails, and translate what it lists."""
    said = {(tuple(both(m.id)), m.context) for m in words.gather(settings.BASE_DIR, settings.OUR_PACKAGES) if m.id}
    kept = {(tuple(both(m.id)), m.context) for m in messages}
    assert kept - said == set()
    assert said - kept == set()


def test_nothing_is_missing_or_doubtful(german: Catalog, messages: list[Message]) -> None:
    assert [m.id for m in words.missing(german)] == []
    assert [m.id for m in messages if m.fuzzy] == []


def test_placeholders_tags_and_blanks_are_those_of_the_message(messages: list[Message]) -> None:
    wrong = []
    for m in messages:
        for original, translated in zip(both(m.id), both(m.string), strict=True):
            # A singular may say “one” in words where the number stands in the other form.
            expected, found = sorted(PARTS.findall(original)), sorted(PARTS.findall(translated))
            either = sorted(PARTS.findall(both(m.id)[-1]))
            edges = [(t[:1].isspace(), t[-1:].isspace(), t.count("\n")) for t in (original, translated)]
            if found not in (expected, either) or edges[0] != edges[1]:
                wrong.append((original, translated))
    assert wrong == []


def test_german_is_written_as_german_is(messages: list[Message]) -> None:
    """German quotation marks, no English ones, and no word for the day where a tag is meant."""
    wrong = [s for m in messages for s in both(m.string) if "”" in s or s.count("„") != s.count("“")]
    assert wrong == []
