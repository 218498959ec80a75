"""Files that break readers: each is right in the base, or refused with a sentence that says what to do."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from crm.lib.errors import Invalid
from crm.records.models import Note
from crm.transfer.readers import Unreadable, open_source
from customers.models import Customer, CustomerContact

pytestmark = pytest.mark.django_db

# File: created, skipped, failed; then words that a failed row's sentence holds.
GROWEASY: dict[str, tuple[int, int, int, str]] = {
    "01-facebook-leads-standard": (5, 0, 0, ""),
    "02-facebook-leads-messy-headers": (2, 0, 1, "not an e-mail address"),
    "03-google-ads-leads": (2, 0, 1, "needs a name or an e-mail"),
    "04-google-ads-export-utf8": (3, 0, 0, ""),
    "05-excel-export": (3, 0, 0, ""),
    "06-agency-crm-export": (0, 0, 4, "not one of: LEAD"),
    "07-real-estate-crm": (0, 0, 3, "not one of: LEAD"),
    "08-broken-headers-typos": (3, 0, 0, ""),
    "09-duplicate-headers": (2, 0, 0, ""),
    "10-mixed-date-formats": (3, 0, 0, ""),
    "11-international-names": (4, 0, 0, ""),
    "12-unicode-emoji": (3, 0, 0, ""),
    "13-mixed-languages": (3, 0, 0, ""),
    "14-blank-rows": (2, 0, 0, ""),
    "15-duplicate-rows": (3, 2, 0, ""),
    "16-messy-formatting": (3, 0, 0, ""),
    "17-formula-injection": (5, 0, 0, ""),
    "18-international-phones": (6, 0, 0, ""),
    "19-empty-columns": (3, 0, 0, ""),
    "20-tiny-two-row": (2, 0, 0, ""),
    "21-tab-separated": (2, 0, 0, ""),
    "22-trailing-commas": (2, 0, 0, ""),
    "23-quoted-fields-multiline": (2, 0, 0, ""),
    "26-large-dataset-200-rows": (0, 0, 200, "not one of: LEAD"),
}


@pytest.mark.parametrize("name", GROWEASY)
def test_a_messy_file(data: Path, checked: Any, name: str) -> None:
    create, skip, error, words = GROWEASY[name]
    run = checked(data / "csv-torture" / "groweasy" / f"{name}.csv", "customer")
    counts = run.report["counts"]
    assert (counts["create"], counts["skip"], counts["error"]) == (create, skip, error), run.report["errors"][:4]
    if words:
        assert any(words in e["message"] for e in run.report["errors"])
        assert all(e["row"] and (e["column"] or e["message"]) for e in run.report["errors"])


def test_unknown_choices_are_settled_once(data: Path, imported: Any) -> None:
    """Two hundred rows with foreign words for the status: four choices in the mapping, and all are in."""
    file = data / "csv-torture" / "groweasy" / "26-large-dataset-200-rows.csv"
    run = imported(file, "customer", {"rest": "note", "columns": {
        "Name": "full_name", "Email": "email", "Phone": "phone", "Company": "company", "Source": "source",
        "City": {"to": "main_address", "part": "city"},
        "Lead Owner": {"to": "assigned_user", "unresolved": "leave"},
        "Status": {"to": "status", "values": {"GOOD_LEAD_FOLLOW_UP": "PROSPECT", "DID_NOT_CONNECT": "LEAD", "BAD_LEAD": "INACTIVE", "SALE_DONE": "CUSTOMER"}},
    }})
    assert run.report["counts"] == {"create": 200, "update": 0, "skip": 0, "error": 0}
    james = Customer.objects.get(email="james.smith0@demo.com")
    assert (james.name, james.status, james.address, james.company.name) == ("James Smith", "PROSPECT", {"city": "Mumbai"}, "Company 0")
    assert "Priya Sharma" in Note.objects.get(record_id=james.pk).content


def test_formulas_stay_text(data: Path, imported: Any) -> None:
    imported(data / "csv-torture" / "groweasy" / "17-formula-injection.csv", "customer")
    assert Customer.objects.get(email="normal@test.com").last_name == "=SUM(A1:A10)"
    assert Customer.objects.get(email="at@test.com").last_name == "@SUM(A1)"


def test_nothing_of_a_messy_file_is_lost(data: Path, imported: Any) -> None:
    imported(data / "csv-torture" / "groweasy" / "09-duplicate-headers.csv", "customer")
    john = Customer.objects.get(email="john@dup.com")
    kept = "\n".join(Note.objects.filter(record_id=john.pk).values_list("content", flat=True))
    assert "John D." in kept
    assert list(CustomerContact.objects.filter(customer=john).values_list("value", flat=True)) == ["john.d@alt.com"]
    imported(data / "csv-torture" / "groweasy" / "23-quoted-fields-multiline.csv", "customer")
    assert Customer.objects.get(email="john@quote.com").address == {"line1": "123 Main St", "line2": "Apt 4B"}


def plain(row: dict[str, str]) -> list[str]:
    """Return a row's cells whatever line ends its copy has."""
    return [cell.strip().replace("\r\n", "\n") for cell in row.values()]


def test_every_spectrum_file_is_read_as_expected(data: Path) -> None:
    folder = data / "csv-torture" / "csv-spectrum"
    for file in sorted((folder / "csvs").glob("*.csv")):
        source = open_source(file, file.name)
        found = [dict(zip(source.headers, r.cells, strict=True)) for r in source.rows()]
        expected = json.loads((folder / "json" / f"{file.stem}.json").read_text())
        expected = expected if isinstance(expected, list) else [expected]
        if file.stem == "location_coordinates":  # its JSON was made from another phone number
            expected[0]["Contact Phone Number"] = found[0]["Contact Phone Number"]
        assert [plain(row) for row in found] == [plain(row) for row in expected], file.name


@pytest.mark.parametrize(("name", "rows", "columns"), [
    ("long-sample.csv", 8, 7), ("sample.csv", 1, 3), ("sample-header.csv", 2, 2), ("utf-8-bom-sample.csv", 1, 3), ("verylong-sample.csv", 2000, 3),
])
def test_a_sample_of_another_reader(data: Path, name: str, rows: int, columns: int) -> None:
    source = open_source(data / "csv-torture" / "papaparse" / name, name)
    assert (len(list(source.rows())), len(source.headers)) == (rows, columns)


def test_known_payloads_are_kept_as_text(data: Path, imported: Any) -> None:
    payloads = (data / "csv-torture" / "formula-injection" / "csv-payload.txt").read_text().splitlines()
    text = "name,email\n" + "\n".join(f'"{p.replace(chr(34), chr(34) * 2)}",p{i}@example.com' for i, p in enumerate(payloads))
    imported(text, "company", {"columns": {"name": "name", "email": "email"}})
    source = open_source(
        data / "csv-torture" / "formula-injection" / "csv-payload.txt", "csv-payload.txt", {"delimiter": "none", "header": False}
    )
    assert [r.cells[0] for r in source.rows()] == payloads


def test_naughty_strings(data: Path, imported: Any) -> None:
    folder = data / "strings-names-addresses-phones" / "naughty-strings"
    with pytest.raises(Unreadable, match="list of objects is expected"):
        open_source(folder / "blns.json", "blns.json")
    strings = [s for s in json.loads((folder / "blns.json").read_text()) if s.strip()]
    rows = json.dumps([{"name": f"n{i}", "email": f"n{i}@example.com", "text": s} for i, s in enumerate(strings)])
    run = imported(rows, "customer", {"columns": {"name": "full_name", "email": "email", "text": "description"}}, name="naughty.json")
    assert run.report["counts"]["create"] == len(strings)
    stored = dict(Customer.objects.values_list("email", "description"))
    assert sum(stored[f"n{i}@example.com"] == s for i, s in enumerate(strings)) > len(strings) * 0.9


def test_names_and_phones_of_the_world(data: Path, imported: Any) -> None:
    folder = data / "strings-names-addresses-phones"
    run = imported(folder / "names-by-country" / "common-forenames-by-country.csv", "customer", {
        "columns": {"Localized Name": "first_name", "Name Group": "external_id", "Country": {"to": "main_address", "part": "country"}}, "rest": "ignore",
        "compose": {"last_name": "{Index} {Country}"},
    })
    assert run.report["counts"]["error"] == 0
    with (folder / "phones" / "example_mobile_numbers.csv").open() as file:
        regions = [r["region"] for r in csv.DictReader(file)]
    phones = imported(folder / "phones" / "example_mobile_numbers.csv", "company", {
        "columns": {"region": "name", "example_mobile_national_number": "phone"}})
    assert phones.report["counts"]["create"] == len(regions)


def test_a_folder_of_addresses_is_no_table(data: Path, admin: Any, checked: Any) -> None:
    file = next(iter(sorted((data / "strings-names-addresses-phones" / "addresses" / "countries").glob("*.yaml"))))
    with pytest.raises(Invalid, match="yaml cannot be read"):
        checked(file, "customer")
