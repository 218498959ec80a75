"""The files that drills send: plain ones, large ones, and bombs."""

import io
import zipfile
from pathlib import Path


def customers_csv(folder: Path, rows: int, mark: str, *, bad: int = 0) -> Path:
    """Write a file of customers whose addresses end in ``@<mark>.example``; every ``bad``-th row cannot be read."""
    path = folder / f"customers-{mark}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("first_name,last_name,email,phone,title,city\n")
        for n in range(rows):
            email = "not an address" if bad and n % bad == bad - 1 else f"p{n}@{mark}.example"
            file.write(f"First{n % 977},Last{n},{email},+4930{1_000_000 + n},Title {n % 53},City {n % 211}\n")
    return path


def sparse_workbook() -> bytes:
    """Return a workbook of two kilobytes that claims to reach to the last row and column."""
    return _workbook('<row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row>'
                     '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>')


def large_workbook(megabytes: int = 300) -> bytes:
    """Return a small workbook that unpacks to hundreds of megabytes."""
    row = '<row><c t="inlineStr"><is><t>' + "a" * 1000 + "</t></is></c></row>"
    return _workbook(row * (megabytes * 1000))


def _workbook(rows: str) -> bytes:
    formats = "http://schemas.openxmlformats.org"
    main, kinds = f"{formats}/spreadsheetml/2006/main", f"{formats}/officeDocument/2006/relationships"
    mime, package = "application/vnd.openxmlformats-officedocument.spreadsheetml", f"{formats}/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{mime}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{mime}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{kinds}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{kinds}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{kinds}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return buffer.getvalue()
