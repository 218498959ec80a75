"""The main job: four files of another program become companies, products, people and deals, and go again."""

import csv
import json
from collections import Counter
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.db.models import Count, Sum
from django.test import Client

from crm.accounts.models import Invitation, Team, User
from crm.activity.models import ChangeSet
from crm.jobs.engine import run_next
from crm.transfer.models import ImportRun
from crm.transfer.tests.conftest import EXAMPLES, example
from customers.models import Company
from sales.models import Deal, Product, Stage, StageChange

FILES = [("products", "product"), ("accounts", "company"), ("sales_teams", "user"), ("sales_pipeline", "deal")]
LOGS = ("activity_", "jobs_", "transfer_importrun", "transfer_remembered", "access_stamp", "django_", "search_", "notifications_")
"""What tells that an import took place is no part of it and stays: “your import has finished” remains true."""


@pytest.fixture
def maven(data: Path) -> Path:
    """Return the folder of the four files."""
    return data / "crm-sales" / "maven-crm-sales-opportunities"


def command(*args: str) -> dict[str, Any]:
    """Run ``manage.py import … --json`` and return what it said."""
    out = StringIO()
    try:
        call_command("import", *args, "--json", stdout=out, stderr=StringIO())
    except SystemExit as end:
        return {**json.loads(out.getvalue()), "code": end.code}
    return {**json.loads(out.getvalue()), "code": 0}


def rows_of_base() -> dict[str, int]:
    """Count the rows of every table of ours that is no log."""
    tables = {m._meta.db_table for m in apps.get_models(include_auto_created=True) if m._meta.managed}
    counts = {}
    with connection.cursor() as cursor:
        for table in sorted(t for t in tables if not t.startswith(LOGS)):
            # Sums are kept as differences: what matters is what they come to.
            rows = (
                "(SELECT 1 FROM sales_dealtotal GROUP BY stage_id, grain, day, owner_id HAVING sum(n) <> 0 OR sum(value) <> 0) AS sums"
                if table == "sales_dealtotal" else f'"{table}"'
            )
            cursor.execute(f"SELECT count(*) FROM {rows}")
            counts[table] = cursor.fetchone()[0]
    return counts


def expected(maven: Path, column: str) -> tuple[Counter[str], Counter[str]]:
    """Return won deals and won value by a column, from the file."""
    deals: Counter[str] = Counter()
    value: Counter[str] = Counter()
    with (maven / "sales_pipeline.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["deal_stage"] == "Won":
                name = "GTX Pro" if row[column] == "GTXPro" else row[column]
                deals[name] += 1
                value[name] += int(row["close_value"])
    return deals, value


def assert_everything_is_there(maven: Path) -> None:
    """Hold the base against the files."""
    stages = dict(Deal.objects.values_list("stage__name").annotate(n=Count("id")).order_by())
    assert stages == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    won = Deal.objects.filter(outcome=Stage.Outcome.WON)
    assert won.aggregate(v=Sum("value"))["v"] == Decimal("10005534")
    assert (Company.objects.count(), Company.objects.exclude(parent=None).count(), Product.objects.count()) == (85, 15, 7)
    assert Deal.objects.filter(company=None).count() == 1425
    for path, column in (("product__name", "product"), ("assigned_user", "sales_agent")):
        deals, value = expected(maven, column)
        found = won.values_list(path).annotate(n=Count("id"), v=Sum("value")).order_by()
        names = {u.pk: u.name for u in User.objects.all()}
        rows = [(names.get(key, key), n, v) for key, n, v in found]
        assert {name: n for name, n, _v in rows} == deals
        assert {name: int(v) for name, _n, v in rows} == value


@pytest.mark.django_db
def test_the_four_files_by_command_and_back(maven: Path, admin: User) -> None:
    before = rows_of_base()
    # Without the products nothing is written, and the counts say why.
    sets = []
    for name, entity in FILES[:3]:
        said = command(str(maven / f"{name}.csv"), "--entity", entity, "--mapping", str(EXAMPLES / "maven" / f"{name}.json"))
        assert said["code"] == 0, said
        sets.append(said["change_set"])
    loose = command(str(maven / "sales_pipeline.csv"), "--entity", "deal", "--dry-run")
    assert loose["code"] == 3
    assert {(u["value"], u["count"]) for u in loose["unresolved"]} >= {("GTXPro", 1480), ("Won", 4238)}
    assert next(u for u in loose["unresolved"] if u["value"] == "GTXPro")["suggestions"][0] == "GTX Pro"
    assert loose["empty_links"] == [{"column": "account", "count": 1425}]
    assert not Deal.objects.exists()

    arguments = (str(maven / "sales_pipeline.csv"), "--entity", "deal", "--mapping", str(EXAMPLES / "maven" / "sales_pipeline.json"))
    dry = command(*arguments, "--dry-run")
    assert (dry["code"], Deal.objects.count()) == (0, 0)
    said = command(*arguments)
    assert said["code"] == 0
    assert said["counts"] == dry["counts"] == {"create": 8800, "update": 0, "skip": 0, "error": 0}
    sets.append(said["change_set"])
    assert_everything_is_there(maven)
    assert ChangeSet.objects.filter(pk=said["change_set"], source="import").count() == 1

    # The history of a closed deal has the days of the file.
    deal = Deal.objects.get(external_id="1C1I7A6R")
    assert (str(deal.engaged_on), str(deal.actual_close_date)) == ("2016-10-20", "2017-03-01")
    steps = StageChange.objects.filter(deal=deal).order_by("happened_at")
    assert [(s.to_stage.name, str(s.happened_at.date())) for s in steps] == [("Engaging", "2016-10-20"), ("Won", "2017-03-01")]

    # People are invited and not mailed, in teams below their offices.
    agent = User.objects.get(first_name="Anna", last_name="Snelling")
    assert (agent.role.code, agent.team.name, agent.team.parent.name) == ("SALES_REP", "Dustin Brinkmann", "Central")
    assert agent.team.manager.role.code == "SALES_MANAGER"
    assert agent.email == "anna.snelling@import.invalid"
    assert Invitation.objects.filter(user=agent).exists()
    assert mail.outbox == []

    # The same file again: nothing new.
    again = command(*arguments)
    assert (again["counts"]["create"], again["counts"]["update"], again["counts"]["skip"]) == (0, 0, 8800)
    assert again["change_set"] is None

    for change_set in reversed(sets):
        call_command("undo", change_set, stdout=StringIO())
    assert rows_of_base() == before


@pytest.mark.django_db
def test_the_opportunities_by_the_wizard(maven: Path, admin: User) -> None:
    for name, entity in FILES[:3]:
        command(str(maven / f"{name}.csv"), "--entity", entity, "--mapping", str(EXAMPLES / "maven" / f"{name}.json"))
    before = rows_of_base()
    client = Client()
    client.force_login(admin)
    with (maven / "sales_pipeline.csv").open("rb") as file:
        address = client.post("/imports/new", {"entity": "deal", "file": file})["Location"]
    assert client.get(address).status_code == 200
    mapping = example("maven/sales_pipeline")
    del mapping["columns"]["product"]["values"]
    client.post(address, {"use_json": "1", "json": json.dumps(mapping)})
    run_next(["import"])
    page = client.get(address).content.decode()
    assert "GTXPro" in page
    assert "It is “GTX Pro”" in page
    assert client.post(f"{address}/run").status_code == 409
    assert not Deal.objects.exists()

    client.post(address, {"choices": "1", "choice-0": "to:GTX Pro"})
    run_next(["import"])
    assert client.post(f"{address}/run").status_code == 302
    run_next(["import"])
    assert_everything_is_there(maven)
    assert "Undo import" in client.get(address).content.decode()

    assert client.get(f"{address}/undo").status_code == 200
    client.post(f"{address}/undo")
    run_next(["default"])
    assert rows_of_base() == before
    assert "was undone" in client.get(address).content.decode()


@pytest.mark.django_db
def test_a_choice_can_also_create_leave_or_skip(maven: Path, admin: User, checked: Any) -> None:
    Product.objects.create(name="GTX Pro")
    base = example("maven/sales_pipeline")
    base["columns"]["sales_agent"] = {"to": "assigned_user", "unresolved": "leave"}
    for choice, counts, made in (
        ({"create": True}, {"create": 8800, "skip": 0}, {"product": 1}),
        ({"skip": True}, {"create": 7320, "skip": 1480}, {}),
        ({"leave": True}, {"create": 8800, "skip": 0}, {}),
    ):
        base["columns"]["product"] = {"to": "product", "unresolved": "leave", "values": {"GTXPro": choice}}
        run = checked(maven / "sales_pipeline.csv", "deal", base)
        assert {k: run.report["counts"][k] for k in counts} == counts
        assert {k: v for k, v in run.report["also"].items() if k == "product"} == made
    assert ImportRun.objects.count() == 3
    assert Team.objects.count() == 0
