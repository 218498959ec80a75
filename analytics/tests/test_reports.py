"""Reports: the numbers equal the lists they lead to, and nobody counts what they may not see."""

import datetime as dt
import html
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics.selectors import dashboard, sales_report, scope_of
from analytics.selectors.home import forecast_weeks
from analytics.selectors.period import every_month
from analytics.selectors.sales import Figures
from analytics.views.reports import sales_context
from communications.models import Interaction
from communications.tests.factories import InteractionFactory
from crm.access.policy import visible_to
from crm.access.rights import forget_rights, rights_of
from crm.accounts.models import FieldRight
from crm.criteria import compile_criteria
from crm.records.services import archive_record
from customers.models import Company, Customer
from customers.tests.factories import CustomerFactory
from sales.models import Deal, Pipeline
from sales.tests.factories import DealFactory, ProductFactory
from tasks.models import Task
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def deals(rep: Any, rep2: Any) -> None:
    """Make deals of two people in all outcomes; the values of the second are large primes."""
    stages = {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}
    product = ProductFactory(name="GTX Pro")
    for owner, values in ((rep, (100, 200, 300)), (rep2, (10_007, 10_009, 10_037))):
        for code, value in zip(("PROPOSAL", "CLOSED_WON", "CLOSED_LOST"), values, strict=True):
            closed = None if code == "PROPOSAL" else dt.date(2017, 3, 15)
            DealFactory(
                stage=stages[code], value=value, assigned_user=owner, customer=None, product=product,
                actual_close_date=closed, engaged_on=dt.date(2017, 3, 1),
            )


def behind(url: str, user: Any) -> Any:
    """Return the deals that a link of a report lists."""
    params = parse_qs(urlsplit(url).query)
    clauses = json.loads(params["filter"][0]) if "filter" in params else []
    tree = clauses if isinstance(clauses, dict) else {"version": 1, "all": clauses}
    # Lists and the API leave out what is archived.
    return visible_to(user, Deal).filter(archived_at=None).filter(compile_criteria(tree, Deal, user))


def test_totals(deals: None, admin: Any) -> None:
    totals = sales_report(admin, scope_of(admin, {})).totals
    assert (totals.open_count, totals.won_count, totals.lost_count) == (2, 2, 2)
    assert (totals.won_value, totals.lost_value) == (Decimal(10_209), Decimal(10_337))
    assert totals.weighted_value == Decimal("5053.50")
    assert (totals.win_rate, totals.average_cycle_days) == (50, 14)


def test_numbers_are_those_of_the_viewer(deals: None, rep: Any, client_for: Any, api: Any) -> None:
    totals = sales_report(rep, scope_of(rep, {})).totals
    assert (totals.open_value, totals.won_value, totals.lost_value) == (100, 200, 300)
    for path in ("/reports/sales", "/dashboards", "/", "/reports"):
        text = client_for(rep).get(path).content.decode()
        assert not any(shown in text for shown in ("10,007", "10,009", "10,037", "10,209")), path
    for path in ("sales", "dashboard", "customers", "activities"):
        answer = api(rep).get(f"/api/v1/reports/{path}")
        assert answer.status_code == 200
        assert "100" in answer.content.decode() or path in ("customers", "activities")
        assert not any(v in answer.content.decode() for v in ("10007", "10009", "10037", "10209")), path


def test_every_number_equals_the_list_behind_it(deals: None, admin: Any, rep: Any) -> None:
    for user in (admin, rep):
        for params in ({}, {"from": "2017-01-01", "to": "2017-12-31"}, {"from": "2018-01-01"}, {"owner": str(rep.pk)}):
            report = sales_report(user, scope_of(user, params))
            context = sales_context(report)
            for name in ("open", "won", "lost"):
                assert behind(context["urls"][name], user).count() == getattr(report.totals, f"{name}_count")
            for line in (*context["owners"], *context["products"]):
                for name in ("open", "won", "lost"):
                    assert behind(line[f"{name}_url"], user).count() == getattr(line["figures"], f"{name}_count")
            for row, (_month, figures) in zip(context["months"], every_month(report.by_month, Figures()), strict=True):
                assert behind(row["url"], user).count() == figures.won_count
            assert sum(g.figures.won_count for g in report.by_owner) == report.totals.won_count
            assert sum(g.figures.won_value for g in report.by_product) == report.totals.won_value
            assert sum(f.won_count for _m, f in report.by_month) == report.totals.won_count
            assert all(type(month) is dt.date for month, _f in report.by_month)


def test_archived_deals_are_in_neither(deals: None, admin: Any, client_for: Any, api: Any) -> None:
    archive_record(obj=Deal.objects.get(value=10_009), actor=admin)
    archive_record(obj=Deal.objects.get(value=100), actor=admin)
    data = api(admin).get("/api/v1/reports/sales").json()["data"]
    assert (data["totals"]["won_count"], data["totals"]["open_count"]) == (1, 1)
    for name in ("open", "won", "lost"):
        listed = api(admin).get(data["links"][name]).json()["metadata"]["pagination"]["total"]
        assert listed == data["totals"][f"{name}_count"], name
    report = sales_report(admin, scope_of(admin, {}))
    context = sales_context(report)
    for name in ("open", "won", "lost"):
        page = client_for(admin).get(context["urls"][name]).content.decode()
        assert page.count('class="row-title"') in (0, getattr(report.totals, f"{name}_count"))
        assert behind(context["urls"][name], admin).count() == getattr(report.totals, f"{name}_count")


def counted(url: str, user: Any) -> int:
    """Return how many rows the list behind a link has."""
    parts = urlsplit(url)
    model = {"customers": Customer, "companies": Company, "tasks": Task, "interactions": Interaction}[parts.path.strip("/")]
    query = parse_qs(parts.query)
    tree = {"version": 1, "all": json.loads(query["filter"][0])} if "filter" in query else None
    rows = visible_to(user, model).filter(archived_at=None)
    return int((rows.filter(compile_criteria(tree, model, user)) if tree else rows).count())


@pytest.fixture
def busy(rep: Any) -> None:
    """Make tasks, conversations and customers now and long ago."""
    now = timezone.now()
    for days in (-3, 0.01, 3):
        TaskFactory(assigned_user=rep, due_date=now - dt.timedelta(days=days))
        TaskFactory(assigned_user=None, status="COMPLETED", completed_at=now - dt.timedelta(days=abs(days) * 20), due_date=now)
    InteractionFactory(user=rep, happened_at=now - dt.timedelta(days=3))
    InteractionFactory(user=rep, happened_at=now - dt.timedelta(days=300))
    old = CustomerFactory(assigned_user=rep)
    Customer.objects.filter(pk=old.pk).update(created_at=now - dt.timedelta(days=40))
    CustomerFactory(assigned_user=rep)


def test_the_tiles_of_the_dashboard_lead_to_what_they_count(deals: None, busy: None, admin: Any, rep: Any, client_for: Any) -> None:
    for params in ({}, {"owner": str(rep.pk)}):
        found = dashboard(admin, scope_of(admin, params))
        numbers = {"customers": found.customers, "companies": found.companies, "tasks": found.tasks_open, "interactions": found.interactions,
                   "new": found.new_customers, "late": found.tasks_overdue}
        for name, number in numbers.items():
            assert counted(found.urls[name], admin) == number, name
            assert client_for(admin).get(found.urls[name]).status_code == 200
        assert found.tasks_overdue == 2


@pytest.mark.parametrize("period", ["", "?period=month", "?period=year"])
def test_every_link_of_the_other_reports_leads_to_what_it_counts(busy: None, admin: Any, client_for: Any, period: str) -> None:
    for path in ("customers", "activities"):
        text = client_for(admin).get(f"/reports/{path}{period}").content.decode()
        pairs = re.findall(r'href="(/(?:customers|companies|tasks|interactions)(?:\?[^"]*)?)"[^>]*>(?:<b class="num">)?([\d,]+)<', text)
        assert len(pairs) >= 2
        for url, shown in pairs:
            assert counted(html.unescape(url), admin) == int(shown.replace(",", "")), url


@pytest.mark.parametrize("path", ["/reports/sales", "/reports/customers", "/reports/activities", "/dashboards"])
def test_a_report_can_be_asked_of_one_person(deals: None, busy: None, admin: Any, rep: Any, rep2: Any, client_for: Any, path: str) -> None:
    """The choice names those who have something in it, and keeps who was chosen."""
    text = client_for(admin).get(f"{path}?owner={rep.pk}").content.decode()
    choice = re.search(r'<select[^>]*name="owner">(.*?)</select>', text, re.S)
    assert choice
    found = re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)</option>', choice[1])
    assert found[0][0] == "" and (str(rep.pk), " selected", rep.name) in found
    assert [s for _v, s, _n in found].count(" selected") == 1
    if path in ("/reports/sales", "/dashboards"):
        assert {v for v, _s, _n in found} == {"", str(rep.pk), str(rep2.pk)}


def test_a_week_of_the_forecast_leads_to_its_deals(rep: Any) -> None:
    stages = {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}
    today = timezone.localdate()
    DealFactory(stage=stages["CLOSED_WON"], value=3, assigned_user=rep, customer=None, actual_close_date=today)
    DealFactory(stage=stages["PROPOSAL"], value=5, assigned_user=rep, customer=None, expected_close_date=today)
    weeks = [w for w in forecast_weeks(rep)["weeks"] if any(w["values"].values())]
    assert len(weeks) == 1
    assert behind(weeks[0]["url"], rep).count() == 2


def test_api(deals: None, admin: Any, api: Any) -> None:
    data = api(admin).get("/api/v1/reports/sales?from=2017-01-01&to=2017-12-31").json()["data"]
    assert data["totals"]["won_value"] == "10209.00"
    assert data["totals"]["won_count"] == 2
    listed = api(admin).get(data["links"]["won"])
    assert listed.status_code == 200
    assert listed.json()["metadata"]["pagination"]["total"] == 2
    for bad in ("from=x", "period=aeon", "pipeline=NOPE", "owner=x", "planet=1", "from=2018-01-01&to=2017-01-01"):
        assert api(admin).get(f"/api/v1/reports/sales?{bad}").status_code == 400, bad
    assert api(None).get("/api/v1/reports/sales").status_code == 401


def test_a_hidden_value_is_not_summed(deals: None, rep: Any, api: Any) -> None:
    FieldRight.objects.create(role=rep.role, entity="deal", field="value", level="hidden")
    forget_rights(rep)
    totals = sales_report(rep, scope_of(rep, {})).totals
    assert totals.won_count == 1
    assert totals.won_value is None
    assert api(rep).get("/api/v1/reports/sales").json()["data"]["totals"]["won_value"] is None


def test_six_statements(deals: None, admin: Any) -> None:
    rights_of(admin)
    with CaptureQueriesContext(connection) as asked:
        sales_report(admin, scope_of(admin, {}))
    assert len([q for q in asked.captured_queries if "FROM" in q["sql"]]) <= 6


def test_pages(deals: None, admin: Any, client_for: Any) -> None:
    page = client_for(admin)
    for path in ("/", "/?span=week", "/reports", "/reports/sales?period=quarter", "/reports/customers", "/reports/activities",
                 "/dashboards?period=year", "/reports/sales?period=aeon"):
        assert page.get(path).status_code == 200, path


def test_a_chart_of_months_skips_none() -> None:
    rows = [(dt.date(2025, 11, 1), 3), (dt.date(2026, 2, 1), 4)]
    assert every_month(rows, 0) == [(dt.date(2025, 11, 1), 3), (dt.date(2025, 12, 1), 0), (dt.date(2026, 1, 1), 0), (dt.date(2026, 2, 1), 4)]
    assert every_month([], 0) == []
    far = [(dt.date(1990, 1, 1), 1), (dt.date(2026, 2, 1), 1)]
    assert every_month(far, 0) == far
