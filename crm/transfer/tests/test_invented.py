"""Files as a hostile tester makes them: each is read right or refused with a sentence, and the wizard never falls over."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.records.models import Note
from crm.transfer.models import ImportRun
from customers.models import Customer, CustomerContact

pytestmark = pytest.mark.django_db
PEOPLE = "First name,Last name,Email\nZoë,Müller,zoe@example.com\nÉric,Šmíd,eric@example.com\n"
WEST = "First name;Last name;Email\nZoé;Müller;zoe@example.com\nÉric;Groß;eric@example.com\nJosé;Ibáñez;jose@example.com\n"
EURO = "First name;Last name;Email;Note\nZoé;Müller;zoe@example.com;5 €\nÉric;Œuvré;eric@example.com;Šárka\n"
JAPAN = "名,姓,Email\n花子,山田,hanako@example.com\n太郎,鈴木,taro@example.com\n健一,佐藤,ken@example.com\n"
CHINA = "名,姓,城市,Email\n小明,王,北京,wang@example.com\n伟,李,上海,li@example.com\n芳,张,广州,zhang@example.com\n"


def zipped(**parts: bytes) -> bytes:
    """Return a ZIP of parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def bomb() -> bytes:
    """Return a workbook that unpacks to a gigabyte."""
    return zipped(**{"xl__workbook.xml": b"<workbook/>", "xl__worksheets__sheet1.xml": b" " * 300_000_000})


CARDS = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;Zo=C3=AB\r\n"
    "NOTE;ENCODING=QUOTED-PRINTABLE:first=0D=0A=\r\nsecond\r\nEMAIL;INTERNET:zoe@example.com\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Eric Long\r\nN:Long;Eric;;;\r\nEMAIL;TYPE=INTERNET:eric@exam\r\n ple.com\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:" + "QUJD" * 400 + "\r\n " + "QUJD" * 200 + "\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ana Silva\r\nN:Silva;Ana;;;\r\nTEL;VALUE=uri;TYPE=\"voice,home\":tel:+351-21-123-4567\r\n"
    "EMAIL:ana@example.com\r\nPHOTO:data:image/jpeg;base64,QUJD\r\nEND:VCARD\r\n"
)
LDIF = (
    "version: 1\n\ndn: cn=Ann Lee,dc=example,dc=com\nobjectclass: person\ncn: Ann Lee\nsn: Lee\nmail: ann@example.com\n\n"
    "dn: cn=Bob Roy,dc=example,dc=com\nobjectclass: person\ncn: Bob Roy\nsn:: UsO2eQ==\nmail: bob@ex\n ample.com\nmail: roy@example.com\n"
    "userPassword:: c2VjcmV0\ntelephoneNumber: +1 212 555 0100\n"
)

# What it is: (name, content, rows that arrive, an address that must be there, words of a refusal or of an error)
Case = tuple[str, Callable[[], bytes], int, str, str]
CASES: dict[str, Case] = {
    "UTF-16 with its mark": ("a.csv", lambda: PEOPLE.encode("utf-16"), 2, "eric@example.com", ""),
    "UTF-16 little, bare": ("a.csv", lambda: PEOPLE.encode("utf-16-le"), 2, "eric@example.com", ""),
    "UTF-16 big, bare": ("a.csv", lambda: PEOPLE.encode("utf-16-be"), 2, "eric@example.com", ""),
    "UTF-32": ("a.csv", lambda: PEOPLE.encode("utf-32"), 2, "eric@example.com", ""),
    "cut in the middle of a letter": ("a.csv", lambda: PEOPLE.encode("utf-16")[:-1], 0, "", "utf-16"),
    "Windows-1252": ("a.csv", lambda: EURO.encode("cp1252"), 2, "zoe@example.com", ""),
    "ISO-8859-15": ("a.csv", lambda: WEST.encode("iso8859_15"), 3, "jose@example.com", ""),
    "Shift-JIS": ("a.csv", lambda: JAPAN.encode("shift_jis"), 3, "taro@example.com", ""),
    "GB18030": ("a.csv", lambda: CHINA.encode("gb18030"), 3, "li@example.com", ""),
    "NUL bytes": ("a.csv", lambda: PEOPLE.replace("Müller", "Mü\x00ller").encode(), 1, "eric@example.com", "NUL"),
    "nothing but NUL": ("a.csv", lambda: b"\x00" * 5_000, 0, "", "empty"),
    "ten megabytes in a cell": ("a.csv", lambda: PEOPLE.encode() + b"Big," + b"x" * 10_000_000 + b",big@example.com\n", 2, "zoe@example.com", "longer"),
    "one line of ten megabytes": ("a.csv", lambda: b"x" * 10_000_000, 0, "", ""),
    "5,000 columns": ("a.csv", lambda: (",".join(f"c{i}" for i in range(5_000)) + "\n" + ",".join("x" * 5_000) + "\n").encode(), 0, "", "columns"),
    "one column": ("a.csv", lambda: b"Email\nann@example.com\nbob@example.com\n", 2, "bob@example.com", ""),
    "headers twice": ("a.csv", lambda: b"Email,Email,Last name,Last name\na@example.com,b@example.com,Lee,Li\n", 1, "a@example.com", ""),
    "a header alone": ("a.csv", lambda: b"First name,Email\n", 0, "", "no rows"),
    "nothing": ("a.csv", lambda: b"", 0, "", "empty"),
    "a mark alone": ("a.csv", lambda: b"\xef\xbb\xbf", 0, "", "empty"),
    "blank lines": ("a.csv", lambda: b"\n\r\n   \n\n", 0, "", "empty"),
    "commas alone": ("a.csv", lambda: b",,,\n,,,\n,,,\n", 0, "", "empty"),
    "a quote that is never closed": ("a.csv", lambda: b'Last name,Email\n"Lee,ann@example.com\nRoy,bob@example.com\n', 1, "bob@example.com", "quotation"),
    "CR alone": ("a.csv", lambda: b"Last name,Email\rLee,ann@example.com\rRoy,bob@example.com\r", 2, "bob@example.com", ""),
    "line ends of all kinds": ("a.csv", lambda: b"Last name,Email\r\nLee,ann@example.com\nRoy,bob@example.com\rMoe,moe@example.com", 3, "moe@example.com", ""),
    "semicolons": ("a.csv", lambda: b"Last name;Email;City\nLee;ann@example.com;A, B\nRoy;bob@example.com;C, D\n", 2, "bob@example.com", ""),
    "pipes": ("a.csv", lambda: b"Last name|Email\nLee|ann@example.com\n", 1, "ann@example.com", ""),
    "tabs": ("a.txt", lambda: b"Last name\tEmail\nLee\tann@example.com\n", 1, "ann@example.com", ""),
    "emoji and right to left": (
        "a.csv", lambda: "Last name,Email\n👩‍👩‍👧‍👦 مرحبا,ann@example.com\n\u202eשלום,bob@example.com\n".encode(), 2, "bob@example.com", "",
    ),
    "formulas": ("a.csv", lambda: b"Last name,Email\n=cmd|' /C calc'!A0,ann@example.com\n", 1, "ann@example.com", ""),
    "a bomb": ("a.xlsx", bomb, 0, "", "Unpacked"),
    "a bomb of LibreOffice": ("a.ods", lambda: zipped(**{"content.xml": b" " * 300_000_000, "mimetype": b"x"}), 0, "", "Unpacked"),
    "a ZIP that is no workbook": ("a.xlsx", lambda: zipped(**{"readme.txt": b"hello"}), 0, "", ""),
    "half a workbook": ("a.xlsx", lambda: zipped(**{"xl__workbook.xml": b"<workbook/>"})[:60], 0, "", ""),
    "cards of all versions": ("a.vcf", lambda: CARDS.encode(), 3, "ana@example.com", ""),
    "LDIF": ("a.ldif", lambda: LDIF.encode(), 2, "bob@example.com", ""),
    "XML": ("a.xml", lambda: b"<?xml version='1.0'?><all><one><Email>ann@example.com</Email><Name a='b'>Lee</Name></one></all>", 1, "ann@example.com", ""),
    "XML of texts": ("a.xml", lambda: b"<all><one>text</one></all>", 0, "", "no list of records"),
    "XML of Excel 2003": ("a.xls", lambda: b"<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?><Workbook/>", 0, "", "web page or XML"),
    "XML with entities": ("a.xml", lambda: b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><all><one><Email>&a;</Email></one></all>", 0, "", "entities"),
    "XML without an end": ("a.xml", lambda: b"<?xml version='1.0'?><all><one><Email>ann@example.com</Email></one><one>", 0, "", "not valid XML"),
    "XML with an endless record": ("a.xml", lambda: b"<?xml version='1.0'?><all><one><Email>" + b"x" * 9_000_000, 0, "", "longer than"),
    "XML nested deeply": ("a.xml", lambda: b"<all>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</all>", 0, "", "nested"),
    "JSON of numbers": ("a.json", lambda: b"[1, 2, 3]", 0, "", "objects"),
    "JSON with a deep cell": ("a.json", lambda: json.dumps([{"Email": "ann@example.com", "Last name": "Lee", "more": {"a": [{"b": 1}]}}]).encode(),
                              1, "ann@example.com", ""),
    "JSON without an end": ("a.json", lambda: b'[{"Email": "ann@example.com"}, {"Email"', 0, "", "JSON"),
    "thousands": ("a.csv", lambda: b"Last name;Email;Lifetime value\nLee;ann@example.com;1.234.567,89\nRoy;bob@example.com;12'345.50\n", 2,
                  "bob@example.com", ""),
}


def carried_through(client: Any, name: str, content: bytes) -> tuple[ImportRun | None, str]:
    """Go through the whole wizard; return the run (None where the file was refused) and all that the pages said."""
    said = []

    def page(answer: Any) -> Any:
        assert answer.status_code < 500, answer.content[:500]
        said.append(answer.content.decode())
        return answer

    before = ImportRun.objects.count()
    page(client.post("/imports/new", {"entity": "customer", "file": SimpleUploadedFile(name, content)}))
    if ImportRun.objects.count() == before:
        return None, "".join(said)
    run = ImportRun.objects.latest("created_at")
    found = page(client.get(f"/imports/{run.pk}"))
    page(client.post(f"/imports/{run.pk}", {f"to-{r['index']}": r["value"] for r in found.context["rows"]} | {"rest": "note"}))
    for step in ("", "run"):
        run.refresh_from_db()
        if step:
            page(client.post(f"/imports/{run.pk}/run"))
            run.refresh_from_db()
        if run.job_id:
            run_now(Job.objects.get(pk=run.job_id))
        page(client.get(f"/imports/{run.pk}"))
    run.refresh_from_db()
    return run, "".join(said)


@pytest.mark.parametrize("what", CASES)
def test_an_invented_file(client_for: Any, admin: Any, what: str) -> None:
    name, content, rows, email, words = CASES[what]
    began = time.process_time()
    run, said = carried_through(client_for(admin), name, content())
    assert time.process_time() - began < 20
    assert Customer.objects.count() == rows, run.report if run else said[:3_000]
    assert not email or Customer.objects.filter(email=email).exists(), list(Customer.objects.values_list("email", flat=True))
    if run is None or not rows:
        assert "role=\"alert\"" in said
    assert not words or words.lower() in said.lower()


def test_letters_survive_their_encoding(client_for: Any, admin: Any) -> None:
    for what, name in (("Windows-1252", "Œuvré"), ("ISO-8859-15", "Ibáñez"), ("Shift-JIS", "鈴木"), ("GB18030", "李"), ("UTF-16 big, bare", "Šmíd")):
        Customer.objects.all().delete()
        carried_through(client_for(admin), CASES[what][0], CASES[what][1]())
        assert name in Customer.objects.values_list("last_name", flat=True), what


def test_a_directory_keeps_its_secrets(client_for: Any, admin: Any) -> None:
    _run, said = carried_through(client_for(admin), "people.ldif", LDIF.encode())
    bob = Customer.objects.get(email="bob@example.com")
    assert (bob.last_name, bob.phone) == ("Röy", "+12125550100")
    assert list(CustomerContact.objects.filter(customer=bob).values_list("value", flat=True)) == ["roy@example.com"]
    assert "c2VjcmV0" not in said
    assert not Note.objects.filter(content__contains="secret").exists()
