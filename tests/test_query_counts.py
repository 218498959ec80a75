"""No page asks more of the database because it shows more: every address, with some rows and with three times as many."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext

from communications.tests.factories import InteractionFactory
from crm.accounts.models import Role, User
from crm.accounts.tests.factories import TeamFactory, UserFactory
from crm.records.models import Tag
from crm.records.services import create_record, delete_record, update_record
from crm.records.services.comments import add_comment
from customers.models import Customer
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Pipeline, Stage
from sales.tests.factories import DealFactory, ProductFactory
from tasks.tests.factories import TaskFactory
from tests.security.addresses import LISTED, dumped, filled

pytestmark = pytest.mark.django_db
SOME = 6
PARTS = 4
"""The addresses are parted, so that several workers can ask them."""
BEHIND = 2
"""What stands behind the first page is counted, and offered."""
IN_PARTS = frozenset({"/api/v1/duplicates/", "/settings/audit/export"})
"""One compares the last fifty records with all others, one by one; the other reads the log to its end, a chunk at a time."""
EXTRA = (
    "/customers?group=company", "/customers?facets=1", "/customers/facets", "/customers/sums", "/deals?layout=table", "/deals?layout=forecast",
    "/deals?lanes=owner", "/deals?lanes=month", "/deals?lanes=status", "/tasks?layout=board", "/tasks?layout=calendar", "/search?q=row",
    "/palette?q=row", "/reports/sales?period=all", "/customers/{customer}?tab=contacts", "/companies/{company}?tab=people",
)


def grow(base: dict[str, Any], number: int) -> None:
    """Leave more of everything, most of it on the same records, people and days."""
    admin, company, customer, deal = base["user"], base["company"], base["customer"], base["deal"]
    stages = list(Stage.objects.filter(pipeline__is_default=True))
    for n in range(number):
        owner = UserFactory(role=Role.objects.get(code="SALES_REP"), team=TeamFactory(parent=base["team"]), first_name=f"Row {n}")
        tag = Tag.objects.create(name=f"Row {Tag.objects.count()}")
        other = CompanyFactory(name=f"Row company {n}", parent=company, assigned_user=owner)
        person = CustomerFactory(last_name=f"Row {n}", company=company if n % 2 else other, assigned_user=owner)
        person.tags.add(tag)
        customer.tags.add(tag)
        deal.tags.add(tag)
        product = ProductFactory(name=f"Row product {n}")
        sold = DealFactory(title=f"Row deal {n}", customer=customer, company=company, stage=stages[n % len(stages)], assigned_user=owner, product=product)
        sold.tags.add(tag)
        for about in ({"customer": customer}, {"deal": deal}, {"company": company}, {"customer": person}):
            none = {"customer": None, "deal": None, "company": None}
            TaskFactory(title=f"Row task {n}", assigned_user=admin if n % 2 else owner, **{**none, **about})
            InteractionFactory(subject=f"Row talk {n}", user=owner, **{**none, **about})
        create_record(of="note", data={"content": f"Row note {n}", "entity": "customer", "record_id": str(customer.pk)}, actor=admin)
        add_comment(record=customer, content=f"Row {n}", actor=admin)
        made = create_record(of="customer", data={"last_name": f"Row trash {n}"}, actor=admin)
        update_record(obj=customer, data={"job_title": f"Row {n} of {number}"}, actor=admin)
        delete_record(obj=made, actor=admin)


@pytest.fixture
def base(cast: Callable[[str], User]) -> dict[str, Any]:
    """Return the records whose pages are looked at."""
    admin, team = cast("admin"), TeamFactory()
    company = CompanyFactory(name="Row main", assigned_user=admin)
    customer = CustomerFactory(last_name="Row main", company=company, assigned_user=admin)
    deal = DealFactory(title="Row main", customer=customer, company=company, assigned_user=admin, stage=Stage.objects.filter(outcome="open").first())
    made = {"user": admin, "team": team, "company": company, "customer": customer, "deal": deal}
    made["product"] = ProductFactory(name="Row main")
    made["task"] = TaskFactory(title="Row main", customer=customer, assigned_user=admin)
    made["interaction"] = InteractionFactory(subject="Row main", customer=customer, user=admin)
    made["stage"], made["role"], made["pipeline"] = Stage.objects.first(), Role.objects.get(code="SALES_REP"), Pipeline.objects.first()
    grow(made, SOME)
    return made


def pages(base: dict[str, Any]) -> list[str]:
    """Return every address that can be looked at, of each record that has one."""
    found: list[str] = []
    for text in dumped():
        if any(part in text for part in ("<listed:entity>", "<slug:entity>", "<slug:name>")):
            found += [filled(text, base[listed.replace("companies", "company").removesuffix("s")].pk, listed) for listed in LISTED]
        else:
            found += [filled(text, record.pk) for record in base.values()]
    found += [extra.format(**{name: record.pk for name, record in base.items()}) for extra in EXTRA]
    return [p for p in dict.fromkeys(found) if not p.startswith(("/static/", "/media/", "/health", "/metrics", "/account/sign-out", "/admin/"))]


def asked(client: Client, path: str) -> tuple[int, list[str]]:
    """Return the status of a page and the statements that it took."""
    reset_queries()  # the log of Django is full after nine thousand
    with CaptureQueriesContext(connection) as seen:
        answer = client.get(path)
        if answer.streaming:
            b"".join(answer.streaming_content)
    return answer.status_code, [str(q["sql"]) for q in seen.captured_queries]


def counted(client: Client, paths: list[str]) -> dict[str, list[str]]:
    """Return the statements of every page that there is, asked a second time: pages remember what was seen last."""
    for path in paths:
        asked(client, path)
    return {path: statements for path in paths for status, statements in (asked(client, path),) if status == 200}


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_asks_more_because_it_shows_more(base: dict[str, Any], part: int) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(base["user"])
    few = counted(client, pages(base)[part::PARTS])
    assert len(few) > 150 / PARTS
    grow(base, 2 * SOME)
    assert Customer.objects.count() > 2 * SOME
    grown = {}
    for path, after in counted(client, list(few)).items():
        if len(after) > len(few[path]) + BEHIND and path not in IN_PARTS:
            often = max(set(after), key=lambda sql: sum(sql[:120] == other[:120] for other in after))
            grown[path] = (len(few[path]), len(after), often[:200])
    assert not grown, "\n".join(f"{path}: {told}" for path, told in grown.items())
