"""Exports: the very list, safe in a spreadsheet, readable by our own import."""

import csv
import io
import json
import os
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.test import Client

from crm.access.policy import visible_to
from crm.accounts.models import FieldRight
from crm.activity.models import ActivityLog
from crm.jobs.engine import run_next, run_now
from crm.jobs.models import Job
from crm.notifications.models import Notification
from crm.records.entity import entity
from crm.records.models import CustomField, Tag
from crm.records.services import create_record
from crm.transfer.export import export_pieces
from crm.transfer.export.files import path_of, remove_old_files
from crm.transfer.export.writers import PIECES
from crm.transfer.formulas import guard, is_formula, unguard
from customers.models import Company, Customer

PAYLOADS = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", '"=1', "＝1+1", "==1+1", 'a";=1', "'=1", "|cmd", "%0A=1", "plain", "a=b"]


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_guard_is_taken_away_again(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not is_formula(guard(text)[:1].replace("'", "x") + text) or text[:1] not in "=+-@"


def written(form: str, actor: Any) -> bytes:
    """Return an export of all customers."""
    of = entity("customer")
    _name, _count, pieces = export_pieces(of=of, queryset=visible_to(actor, of.model).order_by("last_name"), form=form, actor=actor)
    return b"".join(pieces)


@pytest.fixture
def people(admin: Any) -> list[Customer]:
    """Make one person for each payload."""
    return [
        Customer.objects.create(last_name=t.strip(), email=f"p{i}@example.com", phone="+4930123456", assigned_user=admin)
        for i, t in enumerate(PAYLOADS)
    ]


@pytest.mark.django_db
def test_no_cell_can_be_run(admin: Any, people: list[Customer]) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", admin).decode("utf-8-sig"))))
    assert len(rows) == len(PAYLOADS)
    assert all(not is_formula(row["last_name"]) or row["last_name"].startswith("'") for row in rows)
    assert {row["phone"] for row in rows} == {"'+4930123456"}
    sheet = openpyxl.load_workbook(io.BytesIO(written("xlsx", admin))).active
    header = [c.value for c in sheet[1]]
    cells = [row[header.index("last_name")] for row in sheet.iter_rows(min_row=2)]
    assert {c.value for c in cells} == {p.last_name for p in people}
    assert {c.data_type for c in cells} == {"s"}


@pytest.mark.django_db
def test_an_export_comes_back_as_it_was(admin: Any, people: list[Customer], imported: Any) -> None:
    content = written("csv", admin)
    names = {p.email: (p.last_name, p.phone) for p in people}
    same = imported(content, "customer", {"columns": {"id": "external_id", "last_name": "last_name", "email": "email", "phone": "phone"}, "rest": "ignore"})
    assert (same.report["result"]["create"], same.report["result"]["update"]) == (0, 0)
    Customer.everything.all().delete()
    imported(content, "customer", {"columns": {"last_name": "last_name", "email": "email", "phone": "phone"}, "rest": "ignore"})
    assert {c.email: (c.last_name, c.phone) for c in Customer.objects.all()} == names


@pytest.mark.django_db
def test_the_page_exports_the_list_on_screen(admin: Any, people: list[Customer]) -> None:
    client = Client()
    client.force_login(admin)
    answer = client.get("/export?entity=customer&q=plain")
    assert answer["Content-Disposition"] == 'attachment; filename="customers-1.csv"'
    assert b"".join(answer.streaming_content).count(b"@example.com") == 1
    entry = ActivityLog.objects.filter(kind="access", action="records.exported").latest("created_at")
    assert (entry.entity, entry.changes["rows"], entry.user_id) == ("customer", 1, admin.pk)


@pytest.mark.django_db
def test_the_api_exports_with_filters_and_rights(admin: Any, rep: Any, readonly: Any, people: list[Customer]) -> None:
    client = Client()
    client.force_login(admin)
    answer = client.get("/api/v1/customers/export?format=json&email=p1@example.com&fields=id,email")
    assert json.loads(b"".join(answer.streaming_content)) == [{"id": str(people[1].pk), "email": "p1@example.com"}]
    assert client.get("/api/v1/customers/export?format=pdf").status_code == 400
    assert client.get("/api/v1/customers/export?nonsense=1").status_code == 400
    client.force_login(rep)
    assert b"".join(client.get("/api/v1/customers/export").streaming_content).count(b"@example.com") == 0
    client.force_login(readonly)
    assert client.get("/api/v1/customers/export").status_code == 403
    assert client.get("/export?entity=customer").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("form", list(PIECES))
def test_one_statement_whatever_the_number(admin: Any, people: list[Customer], form: str, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12):
        assert written(form, admin)


@pytest.mark.django_db
def test_import_over_the_api(admin: Any) -> None:
    client = Client()
    client.force_login(admin)
    file = io.BytesIO(b"Name,Email\nA B,a@example.com\nC D,nope\n")
    file.name = "people.csv"
    answer = client.post("/api/v1/customers/import", {"file": file}).json()
    run_next(["import"])
    shown = client.get(f"/api/v1/imports/{answer['data']['id']}").json()["data"]
    assert (shown["state"], shown["result"]["create"], shown["result"]["error"]) == ("done", 1, 1)
    assert shown["change_set"]
    errors = client.get(f"/api/v1/imports/{shown['id']}/errors")
    assert b"nope" in b"".join(errors.streaming_content)


@pytest.mark.django_db
def test_a_large_workbook_is_made_by_a_job(client_for: Any, admin: Any, rep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.transfer.views.AT_ONCE", 2)
    for number in range(4):
        Company.objects.create(name=f"Company {number}", industry="Trade" if number else "Other")
    address = "/export?" + urlencode({"entity": "company", "format": "xlsx", "shown": "1", "filter": json.dumps(
        [{"field": "industry", "op": "is", "value": "Trade"}]
    )})
    client = client_for(admin)
    page = client.get(address)
    assert page.status_code in (302, 303)
    job = Job.objects.get(kind="transfer.export")
    assert page["Location"] == f"/exports/{job.pk}"
    assert "Waiting for a worker" in client.get(page["Location"]).content.decode()
    assert client.get(f"/exports/{job.pk}/file").status_code == 404
    run_now(job)
    assert f"/exports/{job.pk}/file" in client.get(f"/exports/{job.pk}").content.decode()
    answer = client.get(f"/exports/{job.pk}/file")
    assert 'filename="companies-3.xlsx"' in answer["Content-Disposition"]
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == ["Company 1", "Company 2", "Company 3"]
    for address in (f"/exports/{job.pk}", f"/exports/{job.pk}/file"):
        assert client_for(rep).get(address).status_code == 404
    assert Notification.objects.get(user=admin).url == f"/exports/{job.pk}"
    os.utime(path_of(job), (0, 0))
    assert remove_old_files() == 1
    assert client.get(f"/exports/{job.pk}/file").status_code == 404


ODD = [*PAYLOADS, "", " ", "a\\b", "\\", '"', 'a"b', "a,b", "(a)", "two\r\nlines", "tab\there", "ünï ☃", "100 %", "x" * 300, "\\\\=1", "\x07bell", "<b>&amp;"]


@pytest.fixture
def odd_people(admin: Any, rep: Any) -> list[Customer]:
    """Make people out of whatever a column can hold, with custom fields of every kind."""
    kinds = {"word": "text", "sum": "number", "yes": "boolean", "day": "date", "one": "choice", "many": "multi_choice"}
    options = [{"value": v, "label": v} for v in ("a", "=b", "c,d")]
    for key, kind in kinds.items():
        CustomField.objects.create(entity="customer", key=key, kind=kind, label=key, choices=options if "choice" in kind else [])
    found = []
    for i, text in enumerate(ODD):
        custom = {"word": text, "sum": i - 3.5, "yes": i % 2 == 0, "day": "2026-02-03", "one": "=b", "many": ["a", "=b", "c,d"][: i % 4]}
        found.append(Customer.objects.create(
            first_name=text[:100], last_name=f"L{i}", email=f"odd{i}@example.com", description=text, score=i, lifetime_value=-i,
            address={"city": text, "lines": [text]} if i % 3 else {}, custom={k: v for k, v in custom.items() if i % 5 or k == "word"},
            assigned_user=rep if i % 2 else admin, archived_at=None,
        ))
        found[-1].tags.set([Tag.objects.get_or_create(name=name)[0] for name in ("vip", "=tag", "a; b")[: i % 4]])
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["admin", "rep"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_database_writes_what_we_would_write(
    form: str, person: str, cast: Any, odd_people: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quick way and the long one give the same cells: guarded, quoted, hidden where a role may not see."""
    user = cast(person)
    FieldRight.objects.create(role=cast("rep").role, entity="customer", field="lifetime_value", level="hidden")

    def cells() -> list[list[Any]]:
        content = written(form, user)
        if form == "csv":
            return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        return [[c.value for c in row] for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows()]

    quick = cells()
    with monkeypatch.context() as slow:
        slow.setattr("crm.transfer.export.writers.lines_of", lambda exported, form: None)
        long = cells()
    assert ("lifetime_value" in quick[0]) is (person == "admin")
    assert len(quick) > 10
    for one, other in zip(quick, long, strict=True):
        for name, a, b in zip(quick[0], one, other, strict=True):
            if name == "address" and a and a[0] in "{[":
                a, b = json.loads(a), json.loads(b)
            assert a == b, name
    if form == "csv":
        texts = [cell for row in quick[1:] for name, cell in zip(quick[0], row, strict=True) if name in ("first_name", "description", "custom.word")]
        assert all(cell.startswith("'") or not is_formula(cell) for cell in texts)


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["admin", "rep"])
@pytest.mark.parametrize("name", ["customer", "deal", "company", "task"])
@pytest.mark.parametrize("fields", [None, ["id", "custom.word", "created_at"], ["title", "last_name", "custom"]])
def test_the_database_writes_the_json_that_we_would_write(
    name: str, person: str, fields: list[str] | None, cast: Any, odd_people: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records as the API shows them: the same keys in the same order, the same values, hidden where a role may not see."""
    user, of = cast(person), entity(name)
    FieldRight.objects.create(role=cast("rep").role, entity="customer", field="lifetime_value", level="hidden")
    acme = Company.objects.create(name='A "c" \\ me\n', assigned_user=cast("rep"))
    Customer.objects.filter(pk=odd_people[1].pk).update(company=acme, birthday="1980-02-29")
    create_record(of="deal", data={"title": "Big", "value": "7.50", "company": acme.pk}, actor=cast("rep"))
    create_record(of="task", data={"title": "Call", "due_date": "2026-03-04T05:06:07.000089Z", "customer": odd_people[1].pk}, actor=cast("rep"))

    def records() -> list[Any]:
        pieces = export_pieces(of=of, queryset=visible_to(user, of.model).order_by("pk"), form="json", actor=user, fields=fields)[2]
        return list(json.loads(b"".join(pieces)))

    quick = records()
    assert quick
    with monkeypatch.context() as slow:
        slow.setattr("crm.transfer.export.writers.objects_of", lambda exported: None)
        long = records()
    for one, other in zip(quick, long, strict=True):
        assert list(one) == list(other)
        assert one == other
    assert (len(quick) > 10) is (name == "customer")


@pytest.mark.django_db
def test_links_in_custom_fields_are_named(admin: Any, odd_people: list[Customer]) -> None:
    """What only this program knows (the titles of custom links) is written the long way."""
    create_record(of="custom_field", data={"entity": "customer", "key": "boss", "kind": "user", "label": "Boss"}, actor=admin)
    Customer.objects.filter(pk=odd_people[0].pk).update(custom={"boss": str(admin.pk)})
    rows = list(csv.DictReader(io.StringIO(written("csv", admin).decode("utf-8-sig"), newline="")))
    named = next(row for row in rows if row["id"] == str(odd_people[0].pk))
    assert (named["custom.boss"], named["custom.boss_id"]) == (admin.name, str(admin.pk))


@pytest.mark.django_db
@pytest.mark.parametrize("form", list(PIECES))
def test_what_we_exported_changes_nothing_when_it_comes_back(admin: Any, imported: Any, form: str) -> None:
    imported("name,industry,subsidiary\nAcme,Trade,x\nAcme South,Trade,y\n", "company", {"columns": {"name": "name", "industry": "industry"}, "rest": "ignore"})
    imported("first name,last name,email,company,city,tags\nAnn,=1+1,a@x.example,Acme,Rome,\"a, b\"\nBob,Roy,,Acme,,\n", "customer")
    imported("title,value,company,probability\nBig,5,Acme,20\nSmall,7.5,,\n", "deal")
    for name in ("company", "customer", "deal"):
        of = entity(name)
        _name, count, pieces = export_pieces(of=of, queryset=visible_to(admin, of.model).order_by("pk"), form=form, actor=admin)
        run = imported(b"".join(pieces), name, name=f"{of.plural}.{form}")
        assert run.report["result"] == {"create": 0, "update": 0, "skip": count, "error": 0, "also": {}}, (name, run.report)


@pytest.mark.django_db
def test_the_id_of_another_noun_is_no_id_of_the_row(checked: Any) -> None:
    run = checked("deal id,company id,contact id,title\n7,9,8,Big\n", "deal")
    assert run.mapping["columns"]["deal id"] in ("external_id", {"to": "external_id"})
    assert set(run.report["left"].get("note", [])) == {"company id", "contact id"}
