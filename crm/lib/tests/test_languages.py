"""Numbers as people type them in their language."""

import pytest
from django.utils import translation

from crm.lib.languages import number_to_type, typed_number, typed_numbers
from crm.lib.text import in_sentence


@pytest.mark.parametrize(
    ("language", "typed", "meant"),
    [
        ("de", "1.234,50", "1234.50"), ("de", "1234,5", "1234.5"), ("de", "1.234", "1234"), ("de", "12.50", "12.50"), ("de", "-0,5", "-0.5"),
        ("de", "1 234,5", "1234.5"), ("de", "eins", "eins"), ("de", "1,2,3", "1,2,3"), ("de", "", ""), ("de", "1.23.456", "1.23.456"),
        ("en", "1,234.50", "1234.50"), ("en", "1234.5", "1234.5"), ("en", "1234,5", "1234,5"), ("en", "-7", "-7"), ("en", "²", "²"),
    ],
)
def test_a_number_is_read_as_the_language_writes_it(language: str, typed: str, meant: str) -> None:
    with translation.override(language):
        assert typed_number(typed) == meant


def test_what_a_form_shows_is_read_back_the_same() -> None:
    for language in ("en", "de"):
        with translation.override(language):
            for number in ("0.125", "1.234", "1234.50", "-3", "1000000"):
                assert typed_number(number_to_type(number)) == number


def test_several_numbers() -> None:
    with translation.override("de"):
        assert typed_numbers("1,5, 2,5; 3") == ["1.5", "2.5", "3"]
    with translation.override("en"):
        assert typed_numbers("1.5,2.5, 3") == ["1.5", "2.5", "3"]


def test_nouns_keep_their_capital_in_german_only() -> None:
    assert in_sentence("Contact method") == "contact method"
    assert in_sentence("API token") == "API token"
    with translation.override("de"):
        assert in_sentence("Kunde") == "Kunde"
