"""Tables as programs and people write them: told by what is in the file, and read to the last cell."""

import base64
import datetime as dt
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from crm.transfer.readers import Row, Source, Unreadable, open_source

# A workbook of Excel 97: the sheet “People” with a header and one row, and an empty sheet.
XLS = (
    "c-rk)O=uHA6#i!OUz*>hLMxO|uxf1&;zfiuwY1H}gs2C95HxLbC~Y@k&81$f)|^BTJSkoZ_24Dy#UE5q@E{^o^dJagqDN1Hf`>Nio0o~EwS@+1A+p~xZ{EC_dGmJ"
    "Oo1fh`i^1ajz4j7Tp&vGsO%I$kGC|2xEd)UIrYYHK?xti~XefBx<VdFjkG-#5(udODC1|*7e@+zmOz9M|NM!VMWD7CKHl&2Kp-<Q;_B7n2<U<?V6=FKZw1w#%Zu^A"
    "k086eg?W49uaT1HsME8Cb$H%o!uJaKUc))!=uw*Y<@lwX|`KzMR)`5e@L~5$RDmv`VSOB>+me$jTEc<Z_O~464Z#>>RG*m>G+`WJwW(4?NUDwYdmV9gF0wn*rQtnz"
    "u?j|R$mS5BCz%0x&LI!i5g8G2HvXqnQOm-@rhqtn>DK>_uv$>fi+TERMty4sdOc-Z#kwj`bO`H3nl;TOnV8+lLz|pacA&W0`U1l*O^QlRm1iW(uR_q*JUQf+L$Khu"
    "_$g3(qhA-Xz_BKA6jGku6ET0yYGi8T-0hqWTdr)T|*Jw;-O*iv<m|kS9+nH}?8m8BxyerwNn2|YdbBSxaXq<hFchQ|S{4V12Uk^X*$bX6MCcY3WoeLM<N9WN=XWTg"
    "Tm(Lt}M31;}UE)!+nhUl2d}P}8*G}Zt0?Kw%9h`nF%b6wwnN~`2cEs<Jrsk?rvQf#Vbcr=|3D#v-?FH*1U*Rd)Cilt^3a_N>a*Nc}uZ3`*Cv>3ZJl{MoVqGu(L8Ez"
    "*=L~DjnFR|LELgB$!9pWLsGGJ;-L)O+4(L+<b(SfWt=}a7Esh{VPmVq*hoMt$V5YA4*#?KG>Jl65Q~h5kag0VcFo{vNW3uk}r8~T+eV+|?3~b&Ks(1WyJ$C-%@qYm)"
    "oCnq"
)


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    """Return a function that opens content as a file of some name, the way it is opened the second time."""

    def open_it(content: str | bytes, name: str = "a.csv", **options: Any) -> Source:
        file = tmp_path / "stored"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        first = open_source(file, name, options)
        kept = {k: v for k, v in first.details.items() if k in ("encoding", "chosen", "delimiter", "header", "sheet", "part")}
        again = open_source(file, name, kept)
        assert (again.headers, list(again.rows())) == (first.headers, list(first.rows()))
        return first

    return open_it


def cells(source: Source) -> list[list[str]]:
    """Return what the rows say."""
    return [row.cells for row in source.rows()]


def workbook(fill: Any) -> bytes:
    """Return a workbook that a spreadsheet program could have written."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    fill(book)
    book.save(file)
    return file.getvalue()


# -- delimiters, quotes, line ends ----------------------------------------------------------------

@pytest.mark.parametrize(("content", "rows"), [
    ("Name,Domain\r\nA,a.example\nB,b.example\rC,c.example\r\n", [["A", "a.example"], ["B", "b.example"], ["C", "c.example"]]),
    ("sep=;\r\nName;Domain\r\nA, Inc;a.example\r\n", [["A, Inc", "a.example"]]),
    ('"sep=|"\nName|Domain\nA|a.example\n', [["A", "a.example"]]),
    ("Name\tDomain\nA, Inc.\ta.example\n", [["A, Inc.", "a.example"]]),
    ("Name^Domain\nA^a.example\nB^b.example\n", [["A", "a.example"], ["B", "b.example"]]),
    ("Name\nA, Inc.\nB, Ltd\nC, Co\n", [["A, Inc."], ["B, Ltd"], ["C, Co"]]),
    ('Name,Domain\n"A \\"quoted\\" Co",a.example\n"B, \\"x\\"",b.example\n', [['A "quoted" Co', "a.example"], ['B, "x"', "b.example"]]),
    ("'Name','Domain'\n'A, Inc','a.example'\n", [["A, Inc", "a.example"]]),
    ("# exported by a program\n# on a day\nName,Domain\nA,a.example\n", [["A", "a.example"]]),
    ("Name,2023,2024\nA,5,7\n", [["A", "5", "7"]]),
    ('Name,Domain,Note\nA,"a.example\n', [["A", "a.example", ""]]),
])
def test_how_cells_are_told_apart(opened: Any, content: str, rows: list[list[str]]) -> None:
    assert cells(opened(content)) == rows


def test_a_declared_delimiter_is_no_row_of_utf_16_either(opened: Any) -> None:
    source = opened("sep=\t\r\nName\tDomain\r\nA\ta.example\r\n".encode("utf-16"))
    assert (source.headers, cells(source)) == (["Name", "Domain"], [["A", "a.example"]])


def test_a_mark_that_is_never_closed_costs_its_own_row(opened: Any) -> None:
    lines = [f"Company {i},c{i}.example" for i in range(500)]
    lines[300] = '"Broken,bb.example'
    lines[400] = '"Inner "marks" here",i.example'
    rows = list(opened("Name,Domain\n" + "\n".join(lines) + "\n").rows())
    assert len(rows) == 500
    assert [r.number for r in rows if r.problem] == [302, 402]
    assert rows[300][:2] == (302, ["Broken", "bb.example"])
    assert "line 302" in rows[300].problem
    assert "marks" in rows[400].cells[0]
    assert rows[301] == Row(303, ["Company 301", "c301.example"])


def test_marks_that_swallow_quoted_rows_give_them_back(opened: Any) -> None:
    rows = list(opened('Name,Domain\n"Broken,x\n' + "".join(f'"Co {i}",c{i}.example\n' for i in range(200))).rows())
    assert [bool(r.problem) for r in rows] == [True, *[False] * 200]


def test_a_hundred_thousand_open_marks_are_read_in_bounded_time(opened: Any) -> None:
    source = opened("Name,Domain\n" + '"Open,x\n' * 30_001)
    began = dt.datetime.now(dt.UTC)
    assert sum(bool(r.problem) for r in source.rows()) > 29_900
    assert (dt.datetime.now(dt.UTC) - began).total_seconds() < 20


def test_cells_over_many_lines_are_no_open_marks(opened: Any) -> None:
    text = "\n".join(f"line {i}" for i in range(3_000))
    assert cells(opened(f'Name,Text\nA,"{text}"\nB,short\n')) == [["A", text], ["B", "short"]]


def test_a_cell_that_is_too_long_costs_its_own_row(opened: Any) -> None:
    rows = list(opened(b'Name,Text\nA,"' + b"x" * 20_000_000 + b'"\nB,ok\n').rows())
    assert [(r.number, r.cells[0], bool(r.problem)) for r in rows] == [(2, "A", True), (3, "B", False)]
    assert "longer than 1000000" in rows[0].problem


def test_what_has_no_column_is_kept(opened: Any) -> None:
    row = next(opened("Name,Domain\nA,a.example,extra,more\n").rows())
    assert row.cells == ["A", "a.example", "extra", "more"]
    assert "extra" in row.problem


@pytest.mark.parametrize("content", ["Name,Email\n", "Name,Email", "x"])
def test_a_header_alone_is_refused(opened: Any, content: str) -> None:
    with pytest.raises(Unreadable, match="no rows below it"):
        opened(content)


# -- encodings ------------------------------------------------------------------------------------

@pytest.mark.parametrize(("encoding", "text"), [
    ("cp1252", "Änne;Groß;Süß & Söhne – Hof\n"), ("mac_roman", "Änne;Groß;Süß & Söhne\n"), ("cp850", "Änne;Groß;Süß & Söhne\n"),
    ("iso8859_15", "Žaneta;Œuvre;5 €\n"), ("cp1250", "Łukasz;Świątek;Żabka\nGrażyna;Kłos;Źródło\n"), ("iso8859_2", "Jiří;Dvořák;Štěpán\n"),
    ("cp1251", "Иван;Петров;ООО Ромашка\n"), ("koi8_r", "Иван;Петров;ООО Ромашка\n"), ("cp1253", "Γιώργος;Παπαδόπουλος;Ελένη\n"),
    ("cp1254", "Ayşe;Yılmaz;Işık Güneş\n"), ("shift_jis", "太郎;山田;株式会社山田製作所\n花子;鈴木;鈴木商店\n"), ("gb18030", "伟;王;北京科技有限公司\n"),
    ("euc_kr", "철수;김;삼성전자\n영희;이;현대자동차\n"), ("cp1252", "Ann;Lee;5 €\n"), ("utf-16", "Änne;Groß;x\n"), ("utf-32", "Änne;Groß;x\n"),
])
def test_an_encoding_is_told_by_what_it_makes_of_the_text(opened: Any, encoding: str, text: str) -> None:
    source = opened(f"First;Last;Company\n{text}".encode(encoding))
    assert cells(source) == [line.split(";") for line in text.splitlines()], source.details


def test_stray_letters_of_windows_among_utf_8(opened: Any) -> None:
    source = opened("Name,City\nMüller,Köln\n".encode() + "Grüße,Wien\n".encode("cp1252"))
    assert cells(source) == [["Müller", "Köln"], ["Grüße", "Wien"]]
    assert any("Windows-1252" in w for w in source.warnings)


def test_a_wrong_choice_of_encoding_is_refused(opened: Any) -> None:
    with pytest.raises(Unreadable, match="Choose another encoding"):
        opened("Name\nMüller\n".encode("cp1252"), encoding="utf-8")


# -- workbooks ------------------------------------------------------------------------------------

def test_numbers_are_read_as_they_are_shown(opened: Any) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.append(["share", "money", "zip", "day", "moment", "time", "sum", "big", "yes"])
        sheet.append([0.25, 1234.5, 2141, dt.date(1980, 5, 14), dt.datetime(2024, 5, 2, 10, 15), dt.time(9, 30), 0.1 + 0.2, 491701234567, True])
        for cell, form in zip(sheet[2], ("0.0%", "#,##0.00 [$€-407]", "00000"), strict=False):
            cell.number_format = form

    assert cells(opened(workbook(fill), "a.xlsx")) == [
        ["25%", "1234.5 €", "02141", "1980-05-14", "2024-05-02T10:15:00", "09:30:00", "0.3", "491701234567", "true"]
    ]


def test_dates_that_count_from_1904(opened: Any) -> None:
    def fill(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904
        book.active.append(["Name", "Born"])
        book.active.append(["Ann", dt.date(1980, 5, 14)])

    assert cells(opened(workbook(fill), "a.xlsx")) == [["Ann", "1980-05-14"]]


def test_merged_cells_hold_for_all_their_rows(opened: Any) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (["Report of the year"], [], ["First", "Last", "Company"], ["Ann", "Lee", "Acme"], ["Bob", "Roy", None], ["Cat", "Fox", None]):
            sheet.append(row)
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("C4:C5")

    assert cells(opened(workbook(fill), "a.xlsx")) == [["Ann", "Lee", "Acme"], ["Bob", "Roy", "Acme"], ["Cat", "Fox", ""]]


def test_the_first_sheet_that_people_see_and_that_has_rows(opened: Any) -> None:
    def fill(book: Any) -> None:
        book.active.append(["secret"])
        book.active.sheet_state = "hidden"
        book.create_sheet("Empty")
        people = book.create_sheet("People")
        people.append(["Name"])
        people.append(["Ann"])
        book.create_sheet("Deals").append(["Title"])
        book.active = 2

    source = opened(workbook(fill), "a.xlsx")
    assert (source.details["sheet"], cells(source)) == ("People", [["Ann"]])
    assert "Deals" in source.warnings[0]
    with pytest.raises(Unreadable, match="There is no sheet"):
        opened(workbook(fill), "a.xlsx", sheet="Nope")


def test_a_formula_that_nobody_calculated_stands_for_itself(opened: Any) -> None:
    def fill(book: Any) -> None:
        book.active.append(["a", "b"])
        book.active.append(["x", "=1+1"])

    assert cells(opened(workbook(fill), "a.xlsx")) == [["x", "=1+1"]]


def test_a_workbook_of_excel_97(opened: Any) -> None:
    source = opened(zlib.decompress(base64.b85decode(XLS)), "a.xls")
    assert (source.headers, cells(source)) == (["First Name", "Last Name", "Born", "Score"], [["Änne", "Groß", "1980-05-14", "12.5"]])


def test_a_workbook_of_libreoffice(opened: Any) -> None:
    office = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<table:table-cell office:value-type="string"><text:p>%s</text:p></table:table-cell>'
    text = "".join(f"<table:table-row>{''.join(cell % c for c in row)}</table:table-row>" for row in (["Name", "City"], ["Änne", "Köln"]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{office}:manifest:1.0"/>')
        book.writestr("content.xml", (
            f'<office:document-content xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0">'
            f'<office:body><office:spreadsheet><table:table table:name="People">{text}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>"
        ))
    source = opened(file.getvalue(), "a.ods")
    assert (source.kind, source.headers, cells(source)) == ("ods", ["Name", "City"], [["Änne", "Köln"]])


def archive(**parts: str) -> bytes:
    """Return a ZIP archive with some parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        for name, content in parts.items():
            book.writestr(name.replace("__", "/").replace("_", "."), content)
    return file.getvalue()


@pytest.mark.parametrize(("content", "name", "words"), [
    (archive(word__document_xml="<x/>"), "a.docx", "text document"), (archive(contacts_csv="a"), "a.zip", "ZIP archive .contacts.csv.. Unpack"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600), "a.xlsx", "protected by a password"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls", "damaged"), (b"<table><tr><td>Name</td></tr></table>", "a.xls", "web page or XML"),
    (b"{\\rtf1 Name}", "a.csv", "RTF"), (b"PK\x03\x04broken", "a.xlsx", "damaged"),
])
def test_what_is_no_workbook_is_told(opened: Any, content: bytes, name: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        opened(content, name)


def test_content_counts_before_the_name(opened: Any) -> None:
    def fill(book: Any) -> None:
        book.active.append(["Name"])
        book.active.append(["Ann"])

    assert cells(opened(workbook(fill), "contacts.csv")) == [["Ann"]]
    assert cells(opened("Name\tCity\nAnn\tRome\n", "report.xls")) == [["Ann", "Rome"]]
    assert cells(opened('[{"name": "Ann", "city": "Rome"}]', "data.csv")) == [["Ann", "Rome"]]
