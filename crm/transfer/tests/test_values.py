"""What cells say in other notations: numbers, amounts, dates, times, truth, addresses, names."""

import datetime as dt
from decimal import Decimal

import pytest

from crm.lib.text import fold
from crm.records.fields import Field, Kind
from crm.records.services.values import Bad
from crm.transfer.engine.values import (
    Ambiguous,
    How,
    NoYear,
    Rounded,
    convert,
    currency_of,
    is_nothing,
    list_text,
    values_in,
)
from crm.transfer.engine.values.dates import date_text, months
from crm.transfer.engine.values.numbers import number_text
from crm.transfer.engine.values.several import address_parts, whole_phone
from customers.names import take_apart

MONEY, WHOLE, SHARE = Field("v", Kind.MONEY, "V"), Field("n", Kind.INTEGER, "N"), Field("p", Kind.INTEGER, "P", extra={"rounds": True})
BIRTHDAY, DUE, YES = Field("b", Kind.DATE, "B", extra={"past": True}), Field("d", Kind.DATETIME, "D"), Field("y", Kind.BOOLEAN, "Y")
TODAY = dt.date(2026, 11, 29)


@pytest.mark.parametrize(("text", "number"), [
    ("1234.5", "1234.5"), ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("1'234.50", "1234.50"), ("1\u202f234,5", "1234.5"), ("1 234,5", "1234.5"),
    ("12,345,678", "12345678"), ("$1,234.50", "1234.50"), ("US$ 5", "5"), ("5 €", "5"), ("€ 1.000,00", "1000.00"), ("CHF 1’234.50", "1234.50"),
    ("R$ 10,5", "10.5"), ("kr 100", "100"), ("(500)", "-500"), ("-$5", "-5"), ("$-5", "-5"), ("500-", "-500"), ("−5", "-5"), ("12,-", "12"),
    ("50%", "50"), ("1,5 Mio", "1500000"), ("2k", "2000"), ("1.2 Cr", "12000000"), ("3 Mrd. €", "3000000000"), ("1e3", "1000"), ("+7", "7"),
    ("abc", "abc"), ("12 apples", "12 apples"), ("½", "½"), ("", ""), ("1-2", "1-2"),
])
def test_numbers(text: str, number: str) -> None:
    found = number_text(text)
    assert found == number or Decimal(found) == Decimal(number)


def test_a_column_says_which_mark_divides() -> None:
    assert (convert(MONEY, "1.234", How(decimal=",")), convert(MONEY, "1,234", How(decimal="."))) == (Decimal("1234.00"), Decimal("1234.00"))
    assert (convert(WHOLE, "1.234", How(decimal=",")), convert(MONEY, "12,5", How(decimal=","))) == (1234, Decimal("12.50"))
    # An amount has no three places, so that without a word about it 1.234 is a thousand.
    assert convert(MONEY, "1.234") == Decimal("1234.00")
    with pytest.raises(Rounded) as rounded:
        convert(MONEY, "12.3456")
    assert rounded.value.value == Decimal("12.35")
    with pytest.raises(Rounded):
        convert(SHARE, "22.5")
    with pytest.raises(Bad, match="whole number"):
        convert(WHOLE, "22.5")
    assert convert(MONEY, "0.30000000000000004") == Decimal("0.30")
    assert convert(SHARE, "0.2", How(scale=Decimal(100))) == 20


@pytest.mark.parametrize(("text", "base", "code"), [
    ("5 €", "USD", "EUR"), ("£5", "USD", "GBP"), ("1.000 EUR", "USD", "EUR"), ("USD 5", "EUR", "USD"), ("$5", "EUR", "USD"), ("$5", "CAD", "CAD"),
    ("5", "EUR", ""), ("R$ 5", "USD", "BRL"), ("kr 5", "NOK", "NOK"), ("50%", "USD", ""), ("2k", "USD", ""),
])
def test_the_currency_beside_an_amount(text: str, base: str, code: str) -> None:
    assert currency_of(text, base) == code


@pytest.mark.parametrize(("text", "date"), [
    ("1980-05-14", "1980-05-14"), ("1980/5/14", "1980-05-14"), ("1980.05.14.", "1980-05-14"), ("14.05.1980", "1980-05-14"), ("14. 5. 1980", "1980-05-14"),
    ("19800514", "1980-05-14"), ("25/12/1980", "1980-12-25"), ("12-25-1980", "1980-12-25"), ("5/5/1980", "1980-05-05"), ("29355", "1980-05-14"),
    ("14. Mai 1980", "1980-05-14"), ("5 août 1980", "1980-08-05"), ("12 de marzo de 1980", "1980-03-12"), ("3 mrt 1980", "1980-03-03"),
    ("May 5th, 1980", "1980-05-05"), ("5-May-80", "1980-05-05"), ("14 maja 1980 r.", "1980-05-14"), ("1980年5月14日", "1980-05-14"),
    ("2024-May-05", "2024-05-05"),
    ("Sept. 3, 2024", "2024-09-03"), ("Wednesday, 5 June 2024", "2024-06-05"), ("14‐05‐1980", "1980-05-14"),
    ("0000-00-00", ""), ("0/0/00", ""), ("00.00.0000", ""),
    ("2024-05-02 10:15", "2024-05-02T10:15:00"), ("2024-05-02T10:15:00.000+0000", "2024-05-02T10:15:00Z"), ("2.5.2024 22:15 Uhr", "2024-05-02T22:15:00"),
    ("2024-05-02 10:15 PM", "2024-05-02T22:15:00"), ("2024-05-02 12:05 a.m.", "2024-05-02T00:05:00"), ("2024-05-02 10h15", "2024-05-02T10:15:00"),
    ("2024-05-02 22:15:00 CET", "2024-05-02T22:15:00+01:00"), ("20240502T101500Z", "2024-05-02T10:15:00Z"), ("45414.4270833", "2024-05-02T10:15:00"),
    ("Thu, 02 May 2024 10:15:00 +0200", "2024-05-02T10:15:00+02:00"), ("Thu May 02 2024 10:15:00 GMT+0200 (CEST)", "2024-05-02T10:15:00+02:00"),
    ("1714644900", "2024-05-02T10:15:00Z"), ("1714644900000", "2024-05-02T10:15:00Z"),
    ("31.02.1980", "31.02.1980"), ("1980-13-45", "1980-13-45"), ("tomorrow", "tomorrow"), ("2024-05-02 25:61", "2024-05-02 25:61"), ("12", "12"),
])
def test_dates(text: str, date: str) -> None:
    assert date_text(text, today=TODAY) == date


def test_years_of_two_digits_and_none() -> None:
    assert [date_text(f"14.05.{y}", today=TODAY)[:4] for y in ("36", "37", "99", "00")] == ["2036", "1937", "1999", "2000"]
    assert [date_text(f"14.05.{y}", past=True, today=TODAY)[:4] for y in ("26", "27", "55")] == ["2026", "1927", "1955"]
    assert (date_text("80-05-14", "ymd"), date_text("03/04/80", "dmy"), date_text("03/04/80", "mdy")) == ("1980-05-14", "1980-04-03", "1980-03-04")
    with pytest.raises(NoYear):
        date_text("--05-14")
    with pytest.raises(Ambiguous):
        date_text("03/04/2024")
    with pytest.raises(Bad, match="“31.02.1980” is not a date"):
        convert(BIRTHDAY, "31.02.1980")
    assert convert(DUE, "2024-05-02 22:15 CET") == dt.datetime(2024, 5, 2, 21, 15, tzinfo=dt.UTC)
    assert {months()[fold(m)] for m in ("mai", "may", "maggio", "maja", "mayo", "května", "мая")} == {5}


@pytest.mark.parametrize(("words", "truth"), [
    ("yes Ja OUI sí Sim vero tak да はい x 1 ✓ wahr on", True), ("no NEIN non não falso nie нет いいえ 0 ✗ FALSCH off", False),
])
def test_truth_in_many_languages(words: str, truth: bool) -> None:
    assert {convert(YES, w) for w in words.split()} == {truth}


def test_what_stands_where_nothing_is() -> None:
    assert all(map(is_nothing, ("N/A", "n/a", "-", "NULL", "None", "#N/A", "k.A.", "nan")))
    assert not any(map(is_nothing, ("Na Li", "no", "0", "-5", "Noneman", "x" * 50)))


def test_several_in_a_cell() -> None:
    assert values_in(Kind.EMAIL, "Ann Lee <a@x.example>; mailto:b@x.example") == (["a@x.example", "b@x.example"], "Ann Lee")
    assert values_in(Kind.EMAIL, "nope") == (["nope"], "")
    assert values_in(Kind.PHONE, "030 123456 / 0170 1234567")[0] == ["030 123456", "0170 1234567"]
    assert values_in(Kind.PHONE, "030/123456")[0] == ["030/123456"]
    assert values_in(Kind.URL, "a.example; https://b.example")[0] == ["a.example", "https://b.example"]
    assert list_text('a, "b, c", d') == ["a", "b, c", "d"]
    assert list_text("* myContacts ::: VIP") == ["myContacts", "VIP"]
    assert whole_phone("1.2125550100E10") == "12125550100"
    with pytest.raises(Bad, match="shortened"):
        whole_phone("1.21E+10")
    assert address_parts('{"street": "Main 1", "zip": "10115", "city": "Berlin", "lat": 1.5}') == (
        {"line1": "Main 1", "postal_code": "10115", "city": "Berlin"}, "lat: 1.5"
    )


@pytest.mark.parametrize(("full", "parts"), [
    ("Smith, John", ("John", "Smith", "", "")), ("Dr. Anna-Maria von der Heide PhD", ("Anna-Maria", "von der Heide PhD", "Dr.", "")),
    ("van Gogh, Vincent", ("Vincent", "van Gogh", "", "")), ("Mr John Q. Public Jr.", ("John Q.", "Public Jr.", "Mr", "")),
    ("Prof. Dr. med. Hans Müller", ("Hans", "Müller", "Prof. Dr. med.", "")), ("Smith, John, Jr.", ("John", "Smith Jr.", "", "")),
    ("Madonna", ("", "Madonna", "", "")), ("山田 太郎", ("太郎", "山田", "", "")), ("John Smith (Acme)", ("John", "Smith", "", "Acme")),
    ("von Bülow", ("", "von Bülow", "", "")), ("=SUM(A1:A10)", ("", "=SUM(A1:A10)", "", "")), ("Ann Lee, PhD, MBA", ("Ann", "Lee PhD MBA", "", "")),
    ("Don Johnson", ("Don", "Johnson", "", "")), ("Ludwig van Beethoven", ("Ludwig", "van Beethoven", "", "")),
])
def test_names_in_one_cell(full: str, parts: tuple[str, ...]) -> None:
    assert tuple(take_apart(full)) == parts


def lost(full: str) -> list[str]:
    """Return the words of a name that are in none of its parts."""
    known = " ".join(take_apart(full))
    return [w for w in full.replace(",", " ").replace("(", " ").replace(")", " ").split() if w not in known]


@pytest.mark.parametrize("full", ["Herr Dr. Jörg Groß", "Lee, Bruce (Actor)", "Abd al-Rahman ibn Ali", "J. R. R. Tolkien", "Dipl.-Ing. Max Muster, MBA", "Dr."])
def test_no_word_of_a_name_is_lost(full: str) -> None:
    assert lost(full) == []
