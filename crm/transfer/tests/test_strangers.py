"""What people bring from other programs and from spreadsheets, as those programs write it."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook

from crm.lib.errors import Invalid
from customers.models import Company, Customer, CustomerContact
from sales.models import Deal

pytestmark = pytest.mark.django_db


def workbook(*sheets: tuple[str, list[list[Any]]], merged: str = "") -> bytes:
    """Return an XLSX file."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if merged:
            sheet.merge_cells(merged)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


HUBSPOT = (
    '"Record ID","First Name","Last Name","Email","Phone Number","Contact owner","Lead Status","Marketing contact status","Create Date"\n'
    '"51","Maria","Johnson","maria@hubspot.example","+1 617 555 2671","","","Non-marketing contact","2024-05-01 10:11"\n'
)
PIPEDRIVE = (
    "Person - Name;Person - Organization;Person - Email - Work;Person - Phone - Work;Person - Label\n"
    "Ben Novak;Novak GmbH;ben@pipedrive.example;+49 30 1234567;Hot lead\n"
)
ZOHO = (
    "Record Id,First Name,Last Name,Email,Phone,Mobile,Account Name,Mailing Street,Mailing City,Mailing Zip,Title\n"
    "zcrm_1,Ines,Silva,ines@zoho.example,+351 21 123 4567,+351 912 345 678,Silva Lda,Rua A 1,Lisboa,1000-001,CEO\n"
)
OUTLOOK = (
    '"Title","First Name","Middle Name","Last Name","Suffix","Company","Department","Job Title","Business Street","Business City",'
    '"Business Postal Code","Business Phone","Home Phone","Mobile Phone","Birthday","E-mail Address","E-mail 2 Address","Notes"\n'
    '"Dr.","Tara","M.","Baker","","Baker & Co","Sales","Director","1 High St","Austin","78701","+1 512 555 0100","","+1 512 555 0101",'
    '"1980-02-03","tara@outlook.example","tara@home.example","Line one\nLine two"\n'
)


@pytest.mark.parametrize(("content", "email", "last_name", "company"), [
    (HUBSPOT, "maria@hubspot.example", "Johnson", None),
    (PIPEDRIVE, "ben@pipedrive.example", "Novak", "Novak GmbH"),
    (ZOHO, "ines@zoho.example", "Silva", "Silva Lda"),
    (OUTLOOK, "tara@outlook.example", "Baker", "Baker & Co"),
], ids=["hubspot", "pipedrive", "zoho", "outlook"])
def test_people_of_another_program(imported: Any, content: str, email: str, last_name: str, company: str | None) -> None:
    run = imported(content, "customer")
    assert run.report["result"]["create"] == 1
    found = Customer.objects.select_related("company").get()
    assert (found.email, found.last_name, found.company.name if found.company else None) == (email, last_name, company)
    if "zoho" in email:
        assert (found.address["city"], found.phone) == ("Lisboa", "+351211234567")
        assert CustomerContact.objects.filter(value="+351 912 345 678").exists()
    if "outlook" in email:
        assert found.birthday == date(1980, 2, 3)
        assert "Line two" in found.description


def test_unicode_text_of_excel(imported: Any) -> None:
    text = "First name\tLast name\tE-mail\r\nZoë\tMüller\tzoe@example.com\r\n王\t小明\twang@example.com\r\n"
    imported(text.encode("utf-16"), "customer", name="Book1.txt")
    assert set(Customer.objects.values_list("first_name", flat=True)) == {"Zoë", "王"}


def test_semicolons_with_decimal_commas_and_german_days(imported: Any) -> None:
    text = "Titel;Value;Expected close date\nGroß;1.234,50;31.12.2025\nKlein;99,9;01.02.2026\n"
    imported(text.encode("cp1252"), "deal", {"columns": {"Titel": "title", "Value": "value", "Expected close date": "expected_close_date"}})
    assert dict(Deal.objects.values_list("title", "value")) == {"Groß": Decimal("1234.50"), "Klein": Decimal("99.90")}
    assert Deal.objects.get(title="Klein").expected_close_date == date(2026, 2, 1)


def test_a_workbook_with_titles_above_its_header(imported: Any) -> None:
    rows = [
        ["Contacts of the Vienna office"], [None], ["E-mail", "Last name", None, "Birthday", "Active"],
        ["a@example.com", "Alt", None, datetime(1990, 4, 5), True], ["b@example.com", "Neu", None, date(1991, 1, 31), False],
    ]
    run = imported(workbook(("Contacts", rows), merged="A1:E1"), "customer", name="contacts.xlsx")
    assert "left out" in run.source["warnings"][0]
    assert dict(Customer.objects.values_list("last_name", "birthday")) == {"Alt": date(1990, 4, 5), "Neu": date(1991, 1, 31)}
    assert dict(Customer.objects.values_list("last_name", "is_active")) == {"Alt": True, "Neu": False}


def test_a_workbook_of_several_sheets(imported: Any, checked: Any) -> None:
    content = workbook(("About", [["This file holds companies."]]), ("Companies", [["Name"], ["Acme"], ["Bolt"]]))
    run = imported(content, "company", {"columns": {"Name": "name"}, "source": {"sheet": "Companies"}}, name="book.xlsx")
    assert (run.source["sheets"], Company.objects.count()) == (["About", "Companies"], 2)
    with pytest.raises(Invalid) as refused:
        checked(content, "company", {"columns": {"Name": "name"}, "source": {"sheet": "Firms"}}, name="book.xlsx")
    assert "there are: About, Companies" in str(refused.value.details[0].message)
