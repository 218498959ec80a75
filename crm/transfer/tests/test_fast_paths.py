"""The short cuts of large imports say what the long way says."""

import datetime as dt
import random
import unicodedata
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import phonenumbers
import pytest
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from crm.lib.text import clean_line, fold, has_unstorable
from crm.records.entity import entity
from crm.records.services.phones import _parsed, _told_at_once
from crm.records.services.values import _PLAIN_EMAIL
from crm.transfer.adapters import adapter_for
from crm.transfer.engine.build import Builder
from crm.transfer.export.writers import _NOT_XML, Cells, _element, csv_cell, text_of

LETTERS = "abZ019.-_+@@é\u0130ß \t\n'\x00\x7f\ud800’%"


def texts(count: int) -> list[str]:
    """Return random texts, many of them nearly addresses."""
    source = random.Random(4)
    made = ["".join(source.choice(LETTERS) for _ in range(source.randint(0, 16))) for _ in range(count)]
    parts = ["a", "a.b", "a..b", ".a", "a.", "x" * 64, "-a", "a+b"], ["b.co", "b", "-b.co", "b-.co", "b.c", "b.c-d", "1.2", "b..co", "x" * 64 + ".co"]
    return [*made, *(f"{local}@{domain}" for local in parts[0] for domain in parts[1])]


def test_a_plain_address_is_one_that_the_validator_takes() -> None:
    validator, plain = EmailValidator(), 0
    for text in texts(30_000):
        if _PLAIN_EMAIL.fullmatch(text):
            plain += 1
            try:
                validator(text)
            except ValidationError:
                pytest.fail(f"{text!r} is no address")
    assert plain > 3


def test_texts_are_cleaned_and_folded_alike() -> None:
    for text in texts(5_000):
        decomposed = unicodedata.normalize("NFKD", text)
        assert fold(text) == "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
        assert has_unstorable(text) == ("\x00" in text or any("\ud800" <= c <= "\udfff" for c in text))
        if text.isascii() and text.isprintable():
            assert clean_line(text) == unicodedata.normalize("NFC", text).strip()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["customer", "company", "deal", "product", "task"])
def test_a_copied_object_is_like_a_new_one(name: str, admin: Any) -> None:
    declared = entity(name)
    builder = Builder(declared, adapter_for(name), declared.writable_fields(admin), admin)
    builder._copy()
    first, second, fresh = builder._copy(), builder._copy(), declared.model(**builder.base)
    # Moments, and the rank of a deal, are made anew for each.
    made = {a for a in builder.attributes if hasattr(getattr(fresh, a), "utcoffset") or isinstance(getattr(fresh, a), float)}
    for attribute in set(builder.attributes) - {"id", *made}:
        assert getattr(first, attribute) == getattr(fresh, attribute), attribute
    assert first._state.fields_cache == fresh._state.fields_cache
    first.custom["x"] = 1
    assert second.custom == {}
    assert first.created_by == admin
    first.created_by = None
    assert second.created_by == admin


def test_phones_told_at_once_are_those_that_are_parsed() -> None:
    source, told, invalid = random.Random(7), 0, 0
    numbers = [
        phonenumbers.format_number(found, form)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS) for kind in (0, 1, 3) for form in (1, 2)
        if (found := phonenumbers.example_number_for_type(region, kind))
    ]
    starts = ["+", "", "+1", "+1555", "+1264", "+44", "+7", "+49", "+39", "1", "0", "00", "011", "+0"]
    numbers += [source.choice(starts) + "".join(source.choice("0123456789") for _ in range(source.randint(3, 12))) for _ in range(3_000)]
    for number in numbers:
        at = source.randrange(len(number))
        for text in (number, number[:at] + source.choice("0159 -()") + number[at + 1 :]):
            for region in ("US", "DE", "AG"):
                if (found := _told_at_once(text, region)) is not None:
                    told, invalid = told + 1, invalid + (found == text)
                    assert found == _parsed(text, region), (text, region)
    assert told > 5_000
    assert invalid > 1_000


def test_elements_of_an_export_hold_what_the_long_way_makes() -> None:
    for value in [*texts(5_000), "<b>&amp;", "a\tb\nc", "\x1f", "☃", "", 5, Decimal("1.50"), True, dt.date(2024, 1, 2)]:
        assert _element("a", value) == f"<a>{escape(_NOT_XML.sub('', text_of(value)))}</a>", repr(value)


def test_lines_of_an_export_are_made_of_the_cells_that_the_long_way_makes() -> None:
    cells = Cells()
    values: list[Any] = [*texts(20_000), "=1", " =1", "'=1", "−1", "＝1", "a,b", 'a"b', "a\nb", "é", "Ω ", "_x", "1 2", 5, True, None, dt.date(2024, 1, 2)]
    for value in [*values, *values[:2_000]]:
        assert cells.line([value]) == csv_cell(value), repr(value)
