"""What whole columns, questions and rows about one record come to: shown, settled by one choice, and never lost."""

from typing import Any

import pytest

from crm.access.policy import allows
from crm.lib.errors import Invalid
from crm.records.models import CustomField, Note, Tag
from crm.transfer.services import answered, failed_rows
from customers.models import Company, Customer, CustomerContact
from sales.models import Deal, Pipeline, Stage
from tasks.models import Task

pytestmark = pytest.mark.django_db


def said_in_notes(record: Any) -> str:
    """Return all notes on a record."""
    return "\n".join(Note.objects.filter(record_id=record.pk).values_list("content", flat=True))


def test_one_certain_date_tells_the_order_of_its_column(imported: Any, checked: Any) -> None:
    run = imported("first name,birthday\nA,25/04/1980\nB,03/04/1980\nC,01/02/99\nD,--05-14\nE,N/A\nF,0000-00-00\n", "customer")
    assert {c.first_name: str(c.birthday) for c in Customer.objects.all()} == {
        "A": "1980-04-25", "B": "1980-04-03", "C": "1999-02-01", "D": "None", "E": "None", "F": "None",
    }
    assert run.report["readings"] == [{"column": "birthday", "what": "dates", "value": "dmy", "count": 2, "certain": 1}]
    assert run.report["nothing"] == [{"column": "birthday", "value": "N/A", "count": 1}]
    assert "--05-14" in said_in_notes(Customer.objects.get(first_name="D"))
    # Two that contradict each other tell nothing: the others are asked about.
    assert checked("first name,birthday\nA,25/04/1980\nB,04/25/1980\nC,03/04/1980\n", "customer").report["dates"] == [{"column": "birthday", "count": 1}]


def test_amounts_are_read_by_their_column_and_bring_their_currency(imported: Any) -> None:
    run = imported("title;value;probability\nA;1.234;0,2\nB;12,50 €;0,75\nC;£ 3.000,00;1\n", "deal")
    assert {d.title: (str(d.value), d.currency, d.probability) for d in Deal.objects.all()} == {
        "A": ("1234.00", "USD", 20), "B": ("12.50", "EUR", 75), "C": ("3000.00", "GBP", 100),
    }
    assert {(r["column"], r["what"], r["value"]) for r in run.report["readings"]} == {("value", "decimal", ","), ("probability", "scale", "100")}
    imported("title,value\nD,12.345\nE,1.5\n", "deal")
    assert "12.345" in said_in_notes(Deal.objects.get(title="D"))


def test_words_of_other_programs_for_a_state(imported: Any) -> None:
    run = imported("first name,lead status\nA,Open - Not Contacted\nB,Closed - Converted\nC,Kunde\n", "customer")
    assert dict(Customer.objects.values_list("first_name", "status")) == {"A": "LEAD", "B": "CUSTOMER", "C": "CUSTOMER"}
    assert "Closed - Converted" in said_in_notes(Customer.objects.get(first_name="B"))
    assert {"column": "lead status", "value": "Kunde", "as": "CUSTOMER", "count": 1} in run.report["meant"]
    imported("subject,status,priority\nX,Not Started,Normal\n", "task")
    assert Task.objects.values_list("status", "priority").get() == ("PENDING", "MEDIUM")


def test_several_addresses_in_a_cell(imported: Any) -> None:
    imported("first name,last name,email,phone\nAnn,Lee,Ann Lee <a@x.example>; b@x.example,+1 212 555 0100; +1 212 555 0101\n", "customer")
    ann = Customer.objects.get()
    assert (ann.email, ann.phone) == ("a@x.example", "+12125550100")
    assert set(CustomerContact.objects.values_list("value", flat=True)) == {"b@x.example", "+1 212 555 0101"}


def test_two_rows_about_one_record_lose_nothing(imported: Any) -> None:
    text = "first name,last name,email,city,tags\nAnn,Lee,a@x.example,Rome,x\nAnne,Lee,A@x.example,,\nAnn,Lee,a@x.example,Oslo,y\n"
    run = imported(text, "customer")
    assert run.report["result"]["create"] == 1
    ann = Customer.objects.get()
    assert (ann.first_name, ann.address, sorted(t.name for t in ann.tags.all())) == ("Ann", {"city": "Rome"}, ["x", "y"])
    assert "first name: Anne" in said_in_notes(ann)
    assert "Oslo" in said_in_notes(ann)
    again = imported(text + "\n", "customer")  # another file, as its bytes go
    assert (again.report["result"]["create"], again.report["result"]["update"], again.report["result"]["skip"]) == (0, 0, 3)


def test_people_of_other_names_share_an_address(imported: Any) -> None:
    text = "first name,last name,email\nAnn,Lee,info@x.example\nBob,Roy,info@x.example\nRoy,Bob,bob@x.example\nBob,Roy,bob@x.example\n"
    run = imported(text, "customer")
    assert (run.report["result"]["create"], run.report["shared"]) == (3, 1)
    bob = Customer.objects.get(first_name="Bob", last_name="Roy")
    assert (bob.email, bob.contact_methods.get().value) == (None, "info@x.example")
    assert imported(text + "\n", "customer").report["result"]["skip"] == 4


def test_rows_without_a_key_are_one_only_if_they_say_the_same(imported: Any) -> None:
    text = "first name,last name,phone,shoe\nAnn,Lee,+12125550100,38\nAnn,Lee,+12125550100,38\nAnn,Lee,+12125550100,39\nAnn,Lee,,\nAnn,Lee,,\n"
    run = imported(text, "customer")
    assert (run.report["result"]["create"], run.report["result"]["skip"]) == (4, 1)
    assert imported(text + "\n", "customer").report["result"]["create"] == 0


def test_a_row_that_fails_makes_nothing_by_the_way(imported: Any) -> None:
    run = imported("name,email,company,tags\nA,nope,Ghost Ltd,ghost\nB,b@x.example,Real Ltd,real\nC,also nope,Real Ltd,real\n", "customer")
    assert run.report["result"] == {"create": 1, "update": 0, "skip": 0, "error": 2, "also": {"tag": 1, "company": 1}}
    assert list(Company.objects.values_list("name", flat=True)) == ["Real Ltd"]
    assert list(Tag.objects.values_list("name", flat=True)) == ["real"]
    assert run.report["by_column"] == [{"column": "email", "count": 2, "row": 2, "message": "“nope” is not an e-mail address."}]


def test_stages_of_a_file_become_a_pipeline_by_one_choice(imported: Any, checked: Any) -> None:
    before = Pipeline.objects.count()
    text = "title,deal stage,amount,close date\nA,Discovery,5,2024-01-01\nB,Gewonnen,7,2024-01-02\nC,Verloren,1,2024-01-03\nD,Angebot,1,\n"
    waiting = checked(text, "deal", name="hardware_sales.csv")
    assert waiting.report["blocked"]
    assert (waiting.report["waiting"], waiting.report["by_column"]) == (4, [])
    assert answered(waiting)["columns"]["deal stage"] == {"to": "stage", "unresolved": "create"}
    run = imported(text, "deal", {**answered(waiting), "rest": "note"}, name="hardware_sales.csv")
    assert run.report["result"]["also"] == {"pipeline": 1, "stage": 4}
    assert Pipeline.objects.count() == before + 1
    made = Pipeline.objects.get(name="Hardware sales")
    assert list(made.stages.order_by("position").values_list("name", "outcome")) == [
        ("Discovery", "open"), ("Angebot", "open"), ("Gewonnen", "won"), ("Verloren", "lost"),
    ]
    assert {d.title: (d.outcome, str(d.actual_close_date), str(d.expected_close_date)) for d in Deal.objects.filter(pipeline=made)} == {
        "A": ("open", "None", "2024-01-01"), "B": ("won", "2024-01-02", "None"), "C": ("lost", "2024-01-03", "None"), "D": ("open", "None", "None"),
    }
    # The same names mean the same pipeline the next time.
    assert not checked(text + "E,Angebot,2,\n", "deal", name="other.csv").report["blocked"]


def test_pipelines_in_a_column_and_a_column_for_the_end(imported: Any) -> None:
    text = (
        "Deal - Title,Deal - Stage,Deal - Pipeline,Deal - Status,Deal - Won time\nA,First,North,Open,\nB,First,North,Won,2024-06-01 10:00\n"
        "C,First,South,Lost,\nD,Closed Won (South),South,,\n"
    )
    run = imported(text, "deal", {"columns": {
        "Deal - Title": "title", "Deal - Stage": "stage", "Deal - Pipeline": "pipeline", "Deal - Status": "outcome", "Deal - Won time": "closed",
    }, "unresolved": "create"})
    assert run.report["result"]["also"]["pipeline"] == 2
    found = {d.title: (d.pipeline.name, d.stage.name, d.outcome) for d in Deal.objects.select_related("pipeline", "stage")}
    assert found == {"A": ("North", "First", "open"), "B": ("North", "Won", "won"), "C": ("South", "Lost", "lost"), "D": ("South", "Closed Won", "won")}
    assert str(Deal.objects.get(title="B").actual_close_date) == "2024-06-01"
    assert "First" in said_in_notes(Deal.objects.get(title="B"))


def test_whoever_may_make_no_pipeline_makes_none_by_an_import(checked: Any, rep: Any) -> None:
    assert not allows(rep, "create", Pipeline)
    text = "title,stage\nA,Nowhere\nB,Elsewhere\n"
    with pytest.raises(Invalid, match="may not make pipelines"):
        checked(text, "deal", {"columns": {"title": "title", "stage": "stage"}, "pipeline": {"name": "Mine", "stages": ["Nowhere", "Elsewhere"]}}, actor=rep)
    assert checked(text, "deal", {"columns": {"title": "title", "stage": {"to": "stage", "unresolved": "create"}}}, actor=rep).report["blocked"]
    assert not Stage.objects.filter(name="Nowhere").exists()


def test_a_new_field_is_of_a_kind_that_every_cell_fits(imported: Any) -> None:
    rows = "".join(f"P{i},{i},2024-01-{i % 28 + 1:02d},{'yes' if i % 2 else 'no'}\n" for i in range(60))
    run = imported(f"first name,shoe,since,vip\n{rows}Z,unknown,2024-02-02,no\n", "customer", {"columns": {"first name": "first_name"}, "rest": "custom"})
    assert {f["label"]: f["kind"] for f in run.report["custom_fields"]} == {"shoe": "text", "since": "date", "vip": "boolean"}
    assert Customer.objects.get(first_name="Z").custom == {"shoe": "unknown", "since": "2024-02-02", "vip": False}
    assert CustomField.objects.count() == 3


def test_failed_rows_come_back_whole_and_are_read_as_before(imported: Any) -> None:
    text = 'Kunde,Mail\nGood,g@x.example\n"Open,o@x.example\nLong,l@x.example,more\n'
    mapping = {"columns": {"Kunde": "last_name", "Mail": "email"}}
    run = imported(text, "customer", mapping)
    back = "".join(failed_rows(run))
    assert [line.split(",")[:3] for line in back.lstrip("\ufeff").splitlines()] == [
        ["Kunde", "Mail", "Column 3"], ["Open", "o@x.example", ""], ["Long", "l@x.example", "more"],
    ]
    again = imported(back, "customer")
    assert again.report["result"]["create"] == 2
    assert "more" in said_in_notes(Customer.objects.get(email="l@x.example"))
