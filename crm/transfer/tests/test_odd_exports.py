"""What odd exports hold: invisible letters, cards in cards, names around addresses, formats that only look like currencies."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from crm.records.models import Note
from crm.transfer.models import ImportRun
from crm.transfer.readers import Unreadable
from customers.models import Company, Customer, CustomerContact
from sales.models import Deal

pytestmark = pytest.mark.django_db
Import = Callable[..., ImportRun]


def workbook(rows: list[list[Any]], formats: dict[str, str] | None = None) -> bytes:
    """Return a workbook of one sheet, with the number formats of some of its cells."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, code in (formats or {}).items():
        sheet[place].number_format = code
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(content: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    """Return a workbook with other bytes in its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as book, zipfile.ZipFile(out, "w") as other:
        for name in book.namelist():
            part = book.read(name)
            for old, new in pairs:
                part = part.replace(old, new)
            other.writestr(name, part)
    return out.getvalue()


def notes() -> str:
    """Return what all notes say."""
    return "\n".join(Note.objects.values_list("content", flat=True))


def test_letters_that_nobody_sees_do_not_make_another_word(imported: Import) -> None:
    imported(
        "First name,Last name,Email,Phone\n"
        "\u200eAnn\u200f,\u202aLee\u202c,\u200bann@x.exa\u200bmple\u200b,\u202a+49 221 1234567\u202c\n"
        "\ufeffBob,Roy\u00ad,\u200ebob@x.example,\u2060+49 221 1234568\n"
        "👩🏽\u200d💻,نامه\u200cای,nur@x.example,\n",
        "customer",
    )
    assert set(Customer.objects.values_list("first_name", "last_name", "email", "phone")) == {
        ("Ann", "Lee", "ann@x.example", "+492211234567"), ("Bob", "Roy", "bob@x.example", "+492211234568"),
        ("👩🏽\u200d💻", "نامه\u200cای", "nur@x.example", ""),
    }


@pytest.mark.parametrize("header", ["Name,Email", "Email,Name"])
def test_another_name_around_an_address_is_kept_in_a_note(imported: Import, header: str) -> None:
    named = ("Ann Lee", "Ann Maria Smith <ann@x.example>"), ("Ida", "ida@x.example (private)"), ("Eve Poe", "Eve Poe <eve@x.example>")
    turn = 1 if header.startswith("Name") else -1
    imported("\n".join([header, *(",".join(pair[::turn]) for pair in named)]), "customer")
    assert set(Customer.objects.values_list("first_name", "last_name", "email")) == {
        ("Ann", "Lee", "ann@x.example"), ("", "Ida", "ida@x.example"), ("Eve", "Poe", "eve@x.example"),
    }
    assert "Ann Maria Smith" in notes() and "private" in notes() and "Eve" not in notes()


def test_a_card_within_a_card_does_not_take_its_place(imported: Import) -> None:
    imported(
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN:Moe;Jo\r\nFN:Jo Moe\r\nEMAIL;INTERNET:jo@x.example\r\nAGENT:\r\nBEGIN:VCARD\r\nVERSION:2.1\r\n"
        "N:Agent;Sub\r\nTEL:+49 221 77777\r\nEND:VCARD\r\nTITLE:Boss\r\nEND:VCARD\r\n",
        "customer", name="a.vcf",
    )
    jo = Customer.objects.get()
    assert (jo.first_name, jo.last_name, jo.email, jo.phone, jo.job_title) == ("Jo", "Moe", "jo@x.example", "", "Boss")
    assert "Agent" in notes() and "77777" in notes()


def test_what_a_card_prefers_comes_first(imported: Import) -> None:
    imported(
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ana Silva\r\nEMAIL;PREF=2:second@x.example\r\nEMAIL;PREF=1:first@x.example\r\n"
        "ADR;TYPE=work:;;Street 1=0D=0AYard;Bonn;;;\r\nEND:VCARD\r\n".replace("ADR;", "ADR;ENCODING=QUOTED-PRINTABLE;"),
        "customer", name="a.vcf",
    )
    ana = Customer.objects.get()
    assert ana.email == "first@x.example"
    assert list(CustomerContact.objects.filter(kind="EMAIL").values_list("value", flat=True)) == ["second@x.example"]
    assert ana.address["line1"] == "Street 1 Yard"


def test_a_name_that_comes_twice_in_an_object_loses_nothing(imported: Import) -> None:
    imported('[{"name": "Ann Lee", "email": "one@x.example", "email": "two@x.example", "score": 1e400}]', "customer", name="a.json")
    assert Customer.objects.get().email == "one@x.example"
    assert "two@x.example" in {*CustomerContact.objects.values_list("value", flat=True)} or "two@x.example" in notes()
    assert "Infinity" not in notes() and "1e400" in notes()


@pytest.mark.parametrize("around", [
    '{"meta": {"total": 1}, "results": %s, "paging": {"next": null}}', '{"success": true, "data": %s, "metadata": {}}',
    '{"totalSize": 1, "done": true, "records": %s}',
])
def test_the_list_of_an_answer_is_the_table(imported: Import, around: str) -> None:
    imported(around % json.dumps([{"name": "Ann Lee", "email": "ann@x.example"}]), "customer", name="a.json")
    assert Customer.objects.get().email == "ann@x.example"


def test_a_line_that_is_no_json_is_named(checked: Import) -> None:
    with pytest.raises(Unreadable, match="line 4"):
        checked('{"name": "Ann"}\n\n{"name": "Bob"}\nnot json\n{"name": "Cid"}\n', "customer", name="a.ndjson")


def test_a_space_as_wide_as_a_sign_is_no_currency(imported: Import) -> None:
    imported(workbook(
        [["Deal name", "Amount"], ["spaced", 10], ["signed", 20], ["plain", 30]],
        {"B2": "_-* #,##0.00 _€_-", "B3": '_-* #,##0.00 "€"_-'},
    ), "deal", name="a.xlsx")
    assert dict(Deal.objects.values_list("title", "currency")) == {"spaced": "USD", "signed": "EUR", "plain": "USD"}


def test_long_numbers_keep_their_digits(imported: Import) -> None:
    long = changed(workbook([["Name", "Email", "Badge"], ["Ann Lee", "ann@x.example", 5]]), (b"<v>5</v>", b"<v>491711234567890123</v>"))
    imported(long, "customer", name="a.xlsx")
    assert "491711234567890123" in notes()


def test_a_strict_workbook_is_read(imported: Import) -> None:
    strict = changed(
        workbook([["Name", "Email"], ["Ann Lee", "ann@x.example"]]),
        (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"),
        (b"http://schemas.openxmlformats.org/officeDocument/2006/relationships", b"http://purl.oclc.org/ooxml/officeDocument/relationships"),
    )
    imported(strict, "customer", name="a.xlsx")
    assert Customer.objects.get().email == "ann@x.example"


def test_a_text_that_the_workbook_does_not_hold_is_told(checked: Import) -> None:
    whole = workbook([["Name", "Email"], ["Ann Lee", "ann@x.example"]])
    torn = changed(whole, (b'<c r="A2" t="inlineStr"><is><t>Ann Lee</t></is>', b'<c r="A2" t="s"><v>99</v>'))
    with pytest.raises(Unreadable, match="damaged"):
        checked(torn, "customer", name="a.xlsx")


def test_what_stands_below_a_table_is_no_record(imported: Import) -> None:
    run = imported(
        '"Account Name","Billing City"\n"Acme","Bonn"\n\n"Beta"\n"Gamma",""\n\n\n"Accounts Report"\n"Confidential - Do Not Distribute"\n', "company",
    )
    assert set(Company.objects.values_list("name", flat=True)) == {"Acme", "Beta", "Gamma"}
    assert run.report["counts"]["error"] == 2 and "below the table" in str(run.report["errors"])


def test_a_message_shows_the_cell_as_it_is_written(checked: Import) -> None:
    run = checked("Company,Employees\nAcme,ca. 3 Mrd.\n", "company")
    assert "“ca. 3 Mrd.”" in run.report["errors"][0]["message"]


def test_a_leading_point_is_part_of_an_address(checked: Import) -> None:
    run = checked("Name,Email\nAnn Lee,.dot@x.example\nBob Roy,bob@x.example.\n", "customer")
    assert run.report["counts"] == {"create": 1, "update": 0, "skip": 0, "error": 1}


def test_one_and_nought_with_a_fraction_are_yes_and_no(imported: Import) -> None:
    imported("Name,Email,Active\nAnn Lee,ann@x.example,1.0\nBob Roy,bob@x.example,0.0\n", "customer")
    assert dict(Customer.objects.values_list("email", "is_active")) == {"ann@x.example": True, "bob@x.example": False}


def test_titel_is_the_title_of_a_deal(imported: Import) -> None:
    imported("Titel;Betrag\nGeschäft;1.234,56\n", "deal")
    assert str(Deal.objects.get(title="Geschäft").value) == "1234.56"
