"""Files made to hurt: refused with a sentence, or read as the text they are."""

import datetime as dt
import io
import resource
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from crm.lib.errors import Denied, Invalid
from crm.transfer.readers import Unreadable, open_source
from crm.transfer.services import failed_rows, receive
from customers.models import Company, Customer

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(path: Path, sheet: str, head: str = "") -> Path:
    """Write a minimal workbook around a sheet's XML."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships><Relationship Id="r1" Type="{REL}/worksheet" Target="worksheets/s.xml"/></Relationships>')
        book.writestr("xl/worksheets/s.xml", f'{head}<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>')
    return path


def test_a_sparse_workbook_is_refused_at_once(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    with pytest.raises(Unreadable, match="XFD1048576 lies beyond column"):
        open_source(file, "a.xlsx")


def test_a_far_row_costs_nothing(tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row><row r="1048576"><c r="A1048576"><v>7</v></c></row>')
    assert [(r.number, r.cells) for r in open_source(file, "a.xlsx").rows()] == [(1048576, ["7"])]


@pytest.mark.parametrize("head", [
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
])
def test_entities_are_refused(tmp_path: Path, head: str) -> None:
    file = workbook(tmp_path / "a.xlsx", '<row r="1"><c t="inlineStr"><is><t>name</t></is></c></row>', head)
    with pytest.raises(Unreadable, match="entities"):
        open_source(file, "a.xlsx")


def test_a_bomb_is_refused_from_its_directory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", b" " * 120_000_000)
    with pytest.raises(Unreadable, match="Unpacked"):
        open_source(tmp_path / "a.xlsx", "a.xlsx")


@pytest.mark.parametrize(("name", "content", "words"), [
    ("a.csv", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "PNG"), ("a.xlsx", b"name\nx\n", "not an XLSX"), ("a.csv", b"", "empty"),
    ("a.csv", b"<!doctype html><html>", "web page"), ("a.json", b'{"a": [{"x": 1', "not valid JSON"),
    ("a.json", b"[" * 100_000, "nested too deeply|not valid JSON"), ("a.xls", b"\xd0\xcf\x11\xe0abc", "damaged"),
    ("a.vcf", b"BEGIN:VCARD\nFN:x\n", "END:VCARD"),
    ("a.csv", b"MZ" + bytes(range(256)), "program"), ("../../etc/passwd", b"\x7fELFxx", "program"),
])
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    file = tmp_path / "stored"
    file.write_bytes(content)
    with pytest.raises(Unreadable, match=words):
        list(open_source(file, name).rows())


@pytest.mark.parametrize(("content", "encoding"), [
    ("name\nMüller\n".encode("utf-8-sig"), "utf-8-sig"), ("name\nMüller\n".encode("utf-16"), "utf-16"), ("name,x\nMüller,1\n".encode("utf-16-le"), "utf-16-le"),
    ("name\nMüller – Œuvre\n".encode("cp1252"), "cp1252"), ("name\nMüller\n".encode(), "utf-8"),
])
def test_encodings_are_told(tmp_path: Path, content: bytes, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    source = open_source(file, "a.csv")
    assert source.details["encoding"] == encoding
    assert next(source.rows()).cells[0].startswith("Müller")


@pytest.mark.django_db
def test_a_stored_name_is_ours(admin: Any) -> None:
    run = receive(file=io.BytesIO(b"name\nx\n"), name="../../etc/passwd\x00.csv", of="company", actor=admin)
    assert run.file.name == f"imports/{run.pk}"
    assert "/" not in run.file_name


@pytest.mark.django_db
def test_unstorable_and_ragged_rows_come_back_as_a_file(imported: Any) -> None:
    run = imported("name,email,phone\nGood,good@example.com,+49 30 123456\nN\x00ul,n@example.com,\nLong,l@example.com,1,extra\nBad,nope,\n=1+1,,\n", "company")
    assert run.report["result"]["create"] == 2
    assert run.report["result"]["error"] == 3
    text = "".join(failed_rows(run))
    assert text.splitlines()[0].lstrip("\ufeff") == "name,email,phone,Column 4,_row,_errors"
    assert "Long,l@example.com,1,extra,4," in text
    assert ",5,email: “nope” is not an e-mail address." in text
    mended = text.replace("nope", "mended@example.com").replace("N\ufffdul", "Null").lstrip("\ufeff")
    again = imported(mended, "company")
    assert again.report["result"]["create"] == 3
    assert Company.objects.filter(name="=1+1").exists()


@pytest.mark.django_db
def test_rights_hold(admin: Any, rep: Any, rep2: Any, readonly: Any, imported: Any, checked: Any) -> None:
    with pytest.raises(Denied):
        receive(file=io.BytesIO(b"name\nx\n"), name="a.csv", of="company", actor=readonly)
    imported("first name,email\nHidden,hidden@example.com\n", "customer", actor=rep2)
    owner = checked(f"first name,email,owner\nMine,mine@example.com,{rep2.email}\n", "customer", actor=rep)
    assert owner.report["counts"]["error"] == 1
    unseen = checked("first name,email\nOther,hidden@example.com\n", "customer", actor=rep)
    assert "already has" in unseen.report["errors"][0]["message"]
    with pytest.raises(Invalid, match="Nothing can be imported"):
        receive(file=io.BytesIO(b"a\nb\n"), name="a.csv", of="role", actor=admin)


@pytest.mark.django_db
def test_the_same_file_twice_writes_nothing_new(imported: Any) -> None:
    text = "Name,Email,Phone,Company\nAnn Lee,ann@example.com,+1 212 555 0100,Acme\nNo Mail,,+1 212 555 0101,Acme\n"
    assert imported(text, "customer").report["result"]["create"] == 2
    again = imported(text, "customer").report
    assert (again["result"]["create"], again["result"]["update"], again["result"]["skip"]) == (0, 0, 2)
    assert Customer.objects.count() == 2


@pytest.mark.django_db
def test_dates_that_can_be_read_two_ways_are_asked_about(checked: Any) -> None:
    text = "name,email,birthday\nA B,a@example.com,03/04/1990\n"
    run = checked(text, "customer")
    assert run.report["dates"] == [{"column": "birthday", "count": 1}]
    assert run.report["blocked"]
    mapping = {"columns": {"name": "full_name", "email": "email", "birthday": {"to": "birthday", "dates": "dmy"}}}
    assert checked(text, "customer", mapping).report["counts"]["create"] == 1


@pytest.mark.django_db
def test_rules_of_collision(imported: Any) -> None:
    imported("email,first name,phone\nx@example.com,Old,+12125550100\n", "customer")
    imported("email,first name,phone,job title\nx@example.com,New,+12125550199,Boss\n", "customer", {"columns": {
        "email": "email", "first name": {"to": "first_name", "rule": "never"}, "phone": {"to": "phone", "rule": "fill"}, "job title": "job_title"}})
    found = Customer.objects.get(email="x@example.com")
    assert (found.first_name, found.phone, found.job_title) == ("Old", "+12125550100", "Boss")


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_file(imported: Any) -> None:
    imported("name\nwarm\n", "company")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = "".join(f"Company number {i},Industry {i % 9}\n" for i in range(12_000))
    run = imported("name,industry\n" + rows, "company")
    assert run.report["result"]["create"] == 12_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_a_workbook_of_a_spreadsheet_program(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["name", "founded", "size"])
    book.active.append(["Ärzte GmbH", dt.date(1999, 5, 4), 12.5])
    book.save(tmp_path / "a.xlsx")
    assert [r.cells for r in open_source(tmp_path / "a.xlsx", "a.xlsx").rows()] == [["Ärzte GmbH", "1999-05-04", "12.5"]]
