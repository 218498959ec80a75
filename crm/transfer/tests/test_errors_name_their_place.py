"""Every error of a row names the row, the column as the file calls it, what stands there, and what to do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out
from customers.models import Company, Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db

# (what it is, entity, columns, further mapping, file, expected row, column, value, words)
Case = tuple[str, str, dict[str, Any], dict[str, Any], str, int, str, str, str]
CASES: list[Case] = [
    ("no address", "customer", {"Post": "email", "N": "last_name"}, {}, "N,Post\nLee,nowhere\n", 2, "Post", "nowhere", "not an e-mail"),
    ("no phone", "customer", {"Tel.": "phone", "N": "last_name"}, {}, "N,Tel.\nLee,call me\n", 2, "Tel.", "call me", "not a phone number"),
    ("no day", "customer", {"Born": "birthday", "N": "last_name"}, {}, "N,Born\nLee,soon\n", 2, "Born", "soon", "date"),
    ("no choice", "customer", {"State": "status", "N": "last_name"}, {"unresolved": "error"}, "N,State\nLee,Odd\n", 2, "State", "Odd", "not one of"),
    ("no link", "customer", {"Boss": "assigned_user", "N": "last_name"}, {"unresolved": "error"}, "N,Boss\nLee,Nobody\n", 2, "Boss", "Nobody", "no"),
    ("no web address", "customer", {"Page": "website", "N": "last_name"}, {}, "N,Page\nLee,no page\n", 2, "Page", "no page", "web address"),
    ("too long", "customer", {"N": "last_name"}, {}, "N,X\n" + "x" * 200 + ",1\n", 2, "N", "x" * 200, "At most"),
    ("an empty cell", "customer", {"N": "last_name", "Post": {"to": "email", "empty": "error"}}, {}, "N,Post\nLee,\n", 2, "Post", "", "empty"),
    ("a value that is refused", "customer", {"N": {"to": "last_name", "values": {"Lee": {"error": True}}}}, {}, "N,X\nLee,1\n", 2, "N", "Lee", "stands for"),
    ("nobody", "customer", {"Whole": "full_name", "Job": "job_title"}, {}, "Whole,Job\n,Cook\n", 2, "Whole", "", "needs a name"),
    ("too many cells", "customer", {"N": "last_name"}, {}, "N,X\nLee,1,more\n", 2, "Column 3", "more", "no column"),
    ("NUL", "customer", {"N": "last_name"}, {}, "X,N\n1,Le\x00e\n", 2, "N", "Le\ufffde", "NUL"),
    ("a quote that is never closed", "customer", {"N": "last_name"}, {}, 'N,X\nLee,"1\nMoe,2\n', 2, "X", "", "quot"),
    ("a title that is missing", "company", {"Firm": "name", "City": "website"}, {}, "Firm,City\n,a.example\n", 2, "Firm", "", "required"),
    ("no number", "product", {"Thing": "name", "Cost": "price"}, {}, "Thing,Cost\nA,much\n", 2, "Cost", "much", "number"),
    ("below the least", "product", {"Thing": "name", "Cost": "price"}, {}, "Thing,Cost\nA,-1\n", 2, "Cost", "-1", "at least"),
    ("no such record", "customer", {"N": "last_name", "Post": "email"}, {"mode": "update"},
     "N,Post\nLee,lee@a.example\n", 2, "Post", "lee@a.example", "only updates"),
    ("a circle", "company", {"Firm": "name", "Above": "parent"}, {}, "Firm,Above\nA,B\nB,A\n", 2, "Above", "B", "circle"),
    ("a long name", "customer", {"Whole": "full_name"}, {}, "Whole,X\n" + "n" * 160 + ",1\n", 2, "Whole", "n" * 160, "At most"),
    ("a long id", "customer", {"N": "last_name", "Key": "external_id"}, {}, "N,Key\nLee," + "k" * 300 + "\n", 2, "Key", "k" * 200, "At most"),
]


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_an_error_of_the_check(checked: Callable[..., ImportRun], case: Case) -> None:
    _what, entity, columns, further, content, row, column, value, words = case
    run = checked(content, entity, {"columns": columns, "rest": "ignore", **further})
    error = next((e for e in run.report["errors"] if e["row"] == row), None)
    assert error is not None, run.report
    assert (error["column"], words in error["message"]) == (column, True), error
    assert error["value"] == value or not value, error
    assert run.report["by_column"] == [] or run.report["by_column"][0]["column"]


def test_somebody_else_has_it(checked: Callable[..., ImportRun], rep: Any, rep2: Any) -> None:
    CustomerFactory(email="taken@a.example", assigned_user=rep2)
    run = checked("Name,Post\nLee,Taken@a.example\n", "customer", {"columns": {"Name": "last_name", "Post": "email"}}, actor=rep)
    error = run.report["errors"][0]
    assert (error["row"], error["column"], error["value"]) == (2, "Post", "Taken@a.example")
    assert "e-mail" in error["message"].lower()


def test_what_came_after_the_check(checked: Callable[..., ImportRun], admin: Any) -> None:
    run = checked("Name,Post\nLee,late@a.example\nMoe,moe@a.example\n", "customer", {"columns": {"Name": "last_name", "Post": "email"}})
    CustomerFactory(email="late@a.example")
    carry_out(run, admin)
    error = run.report["run_errors"][0]
    assert (error["row"], error["column"], error["value"]) == (2, "Post", "late@a.example")
    assert "import the row again" in error["message"]
    assert Customer.objects.filter(last_name="Moe").exists()


def test_what_changed_after_the_check(checked: Callable[..., ImportRun], admin: Any) -> None:
    person = CustomerFactory(email="lee@a.example", last_name="Lee")
    run = checked("Name,Post\nLeigh,lee@a.example\n", "customer", {"columns": {"Name": "last_name", "Post": "email"}})
    Customer.objects.filter(pk=person.pk).update(version=person.version + 1)
    carry_out(run, admin)
    error = run.report["run_errors"][0]
    assert (error["row"], error["column"], error["value"]) == (2, "Name", "Leigh")


def test_what_the_database_does_not_take(checked: Callable[..., ImportRun], admin: Any) -> None:
    run = checked("Firm,Web\nAcme,a.example\nBolt,b.example\n", "company", {"columns": {"Firm": "name", "Web": "website"}})
    long = "w" * 3_000
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{run.plan_table}" SET state = replace(state, \'a.example\', %s) WHERE part = 0', [long])
    carry_out(run, admin)
    error = run.report["run_errors"][0]
    assert (error["row"], error["column"], error["value"]) == (2, "Web", "a.example"), error
    assert list(Company.objects.values_list("name", flat=True)) == ["Bolt"]


def test_the_trash_asks_about_a_place(checked: Callable[..., ImportRun], admin: Any) -> None:
    person = CustomerFactory(email="gone@a.example")
    person.deleted_at = person.created_at
    person.save()
    run = checked("Name,Post\nLee,gone@a.example\n", "customer", {"columns": {"Name": "last_name", "Post": "email"}})
    error = run.report["errors"][0]
    assert (error["row"], error["column"], error["value"]) == (2, "Post", "gone@a.example")
