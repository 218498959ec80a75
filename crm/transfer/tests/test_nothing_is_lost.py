"""Every filled cell of every real file is in the base afterwards, as it was or in its normal form, or in the file of errors."""

import csv
import io
import json
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from crm.lib.text import fold
from crm.records.entity import entity
from crm.records.models import Note
from crm.records.services.values import Bad
from crm.transfer.engine.staging import query
from crm.transfer.engine.values.dates import Ambiguous, NoYear, date_text
from crm.transfer.models import ExternalId, ImportRun
from crm.transfer.readers import open_source
from crm.transfer.services import carry_out, check, failed_rows, receive, settle, suggest
from crm.transfer.tests.conftest import DATA
from customers.models import CustomerAddress, CustomerContact

pytestmark = pytest.mark.django_db

FILES: list[tuple[str, str]] = [
    *((f"csv-torture/groweasy/*{n:02}-*.csv", "customer") for n in (*range(1, 24), 26)),
    ("csv-torture/papaparse/long-sample.csv", "company"),
    ("crm-exports/atomic-crm/contacts.csv", "customer"),
    ("crm-exports/atomic-crm/contacts_export.csv", "customer"),
    ("crm-exports/google-shared-contacts/sample1.csv", "customer"),
    ("crm-exports/small-style-samples/24-salesforce-style.csv", "customer"),
    ("crm-exports/small-style-samples/25-hubspot-export.csv", "customer"),
    ("crm-exports/thunderbird/basic_csv_addressbook.csv", "customer"),
    ("crm-exports/thunderbird/csv_semicolon.csv", "customer"),
    ("crm-exports/salesforce-data-cloud-workshop/Account.csv", "company"),
    ("crm-exports/salesforce-data-cloud-workshop/Contact.csv", "customer"),
    ("crm-exports/salesforce-data-cloud-workshop/Lead.csv", "customer"),
    ("crm-exports/salesforce-data-cloud-workshop/Opportunity.csv", "deal"),
    ("crm-exports/salesforce-data-cloud-workshop/Task.csv", "task"),
    ("crm-exports/salesforce-data-cloud-workshop/Case.csv", "task"),
    ("crm-sales/maven-crm-sales-opportunities/accounts.csv", "company"),
    ("crm-sales/maven-crm-sales-opportunities/products.csv", "product"),
    ("crm-sales/maven-crm-sales-opportunities/sales_pipeline.csv", "deal"),
    ("crm-sales/maven-crm-sales-opportunities/sales_teams.csv", "user"),
    ("strings-names-addresses-phones/phones/example_mobile_numbers.csv", "company"),
    ("dedupe/splink-fake-1000/fake_1000.csv", "customer"),
]
TRUE, FALSE = {"true", "yes", "1", "x", "y", "on"}, {"false", "no", "0", "n", "off"}
ROWS = 150
"""Of a longer file, so many of its rows are looked at."""


def words(text: str) -> set[str]:
    """Return the words of a text without case and accents; numbers without their zeros."""
    found = set(re.findall(r"\w+", fold(unicodedata.normalize("NFKC", text))))
    for number in re.findall(r"\d+(?:\.\d+)?", text):
        found.add(plain(number))
    return found


def plain(number: str) -> str:
    try:
        return format(Decimal(number).normalize(), "f")
    except InvalidOperation:
        return number


def leaves(cell: str) -> list[str]:
    """Return what a cell says: itself, or the values of the object that another program wrote there."""
    try:
        given = json.loads(cell) if cell.startswith("{") else None
    except ValueError:
        given = None
    return [str(v) for v in given.values() if v is not None] if isinstance(given, dict) else [cell] if cell.strip() else []


def is_kept(cell: str, blob: str, known: set[str], digits: str) -> bool:
    """Tell whether what a cell says is somewhere in what is stored."""
    text = " ".join(cell.split()).removeprefix("'")
    folded = fold(text)
    if folded in blob or words(text) <= known:
        return True
    if folded in TRUE and "true" in known or folded in FALSE and "false" in known:
        return True
    bare = re.sub(r"\D", "", text).lstrip("0")
    if len(bare) >= 5 and bare[-9:] in digits:
        return True
    number = re.sub(r"[^\d.,]", "", text).replace(",", "")
    if number and plain(number) in known:
        return True
    for order in ("dmy", "mdy", "ymd"):
        try:
            if words(date_text(text, order)[:10]) <= known:
                return True
        except (Ambiguous, NoYear, ValueError, Bad):
            continue
    return False


def stored(name: str, pk: Any) -> str:
    """Return all that is stored about a record, the names of what it points to included, as one text."""
    obj = entity(name).model._base_manager.get(pk=pk)
    parts: list[str] = []
    for f in obj._meta.concrete_fields:
        value = getattr(obj, f.name)
        parts.append(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value))
    parts += Note.objects.filter(record_id=pk).values_list("content", flat=True)
    parts += ExternalId.objects.filter(record_id=pk).values_list("key", flat=True)
    if name == "customer":
        parts += [f"{c.kind} {c.label} {c.value}" for c in CustomerContact.objects.filter(customer=obj)]
        parts += [" ".join([a.line1, a.line2, a.city, a.region, a.postal_code, a.country]) for a in CustomerAddress.objects.filter(customer=obj)]
    if hasattr(obj, "tags"):
        parts += [t.name for t in obj.tags.all()]
    if name == "user" and obj.team:
        parts += [str(obj.team), str(obj.team.parent)]
    return "\n".join(parts)


@pytest.mark.parametrize(("pattern", "of"), FILES, ids=[f[0].rpartition("/")[2] for f in FILES])
def test_no_cell_is_lost(data: Path, admin: Any, pattern: str, of: str) -> None:
    file = next(iter(sorted(DATA.glob(pattern))), None)
    if file is None:
        pytest.skip(f"{pattern} is missing")
    with file.open("rb") as opened:
        run: ImportRun = receive(file=opened, name=file.name, of=of, actor=admin, options=None)
    settle(run, {**suggest(run, admin).as_dict(), "rest": "note", "unresolved": "leave", "dates": "mdy", "trash": "create"}, admin)
    check(run, admin)
    assert not run.report["blocked"], run.report["questions"]
    carry_out(run, admin)
    failed = "".join(failed_rows(run))
    wrong = {int(row["_row"]) for row in csv.DictReader(io.StringIO(failed.removeprefix("\ufeff")))}
    plan = {number: (action, target) for number, action, target in query("SELECT number, action, target FROM {t} WHERE part = 0", run.plan_table)}
    lost: list[tuple[int, str, str]] = []
    source = open_source(file, file.name)
    for row in list(source.rows())[:ROWS]:
        action, target = plan[row.number]
        if row.number in wrong or (action == "skip" and target is None):
            continue
        everything = stored(of, target)
        blob, known, digits = fold(" ".join(everything.split())), words(everything), re.sub(r"\D", "", everything)
        lost += [
            (row.number, header, said) for header, cell in zip(source.headers, row.cells, strict=False)
            for said in leaves(cell) if not is_kept(said, blob, known, digits)
        ]
    told = {n["value"] for n in run.report["nothing"]}
    lost = [(number, header, cell) for number, header, cell in lost if cell.strip() not in told]
    assert lost == [], lost[:10]
